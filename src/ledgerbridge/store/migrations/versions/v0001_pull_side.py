"""The pull side: streams, runs, observed copies, quarantine, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_BIG = sa.BigInteger()
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BYTES = sa.LargeBinary()

_SQLITE_APPEND_ONLY = """
CREATE TRIGGER audit_keeps_{word} BEFORE {word} ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
"""
_POSTGRES_APPEND_ONLY = """
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
CREATE TRIGGER audit_keeps_rows BEFORE UPDATE OR DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_keeps_all BEFORE TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
"""


def upgrade() -> None:
    """Make the tables, the ids' sequence and the audit log's guards."""
    _runs()
    _quarantine()
    _observed()
    _around()
    if op.get_bind().dialect.name == "sqlite":
        for word in ("UPDATE", "DELETE"):
            op.execute(_SQLITE_APPEND_ONLY.format(word=word))
    else:
        op.execute("CREATE SEQUENCE observed_id")
        op.execute(_POSTGRES_APPEND_ONLY)


def downgrade() -> None:
    """Not offered: restore a backup from before the upgrade."""
    raise NotImplementedError("restore a backup from before the upgrade")


def _runs() -> None:
    op.create_table(
        "run",
        sa.Column("run_id", _TEXT, nullable=False),
        sa.Column("action", _TEXT, nullable=False),
        sa.Column("started_us", _BIG, nullable=False),
        sa.Column("finished_us", _BIG, nullable=True),
        sa.Column("status", _TEXT, nullable=False),
        sa.Column("error", _TEXT, nullable=True),
        sa.PrimaryKeyConstraint("run_id", name="pk_run"),
    )
    op.create_index("ix_run_started_us", "run", ["started_us"], unique=False)
    op.create_table(
        "run_stream",
        sa.Column("run_id", _TEXT, nullable=False),
        sa.Column("step", _TEXT, nullable=False),
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("started_us", _BIG, nullable=False),
        sa.Column("finished_us", _BIG, nullable=True),
        sa.Column("status", _TEXT, nullable=False),
        sa.Column("error", _TEXT, nullable=True),
        sa.Column("pages", _BIG, nullable=False),
        sa.Column("read", _BIG, nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("audited", sa.Boolean(), nullable=False),
        sa.Column("tallies", _TEXT, nullable=False),
        sa.Column("effects", _TEXT, nullable=False),
        sa.Column("reasons", _TEXT, nullable=False),
        sa.Column("opening", _TEXT, nullable=False),
        sa.Column("closing", _TEXT, nullable=False),
        sa.Column("faults", _TEXT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name="fk_run_stream_run"),
        sa.PrimaryKeyConstraint("run_id", "step", "system", "kind", name="pk_run_stream"),
    )
    op.create_table(
        "stream",
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("cursor", _TEXT, nullable=True),
        sa.Column("cursor_us", _BIG, nullable=True),
        sa.Column("full_walk", sa.Boolean(), nullable=False),
        sa.Column("walk_started_us", _BIG, nullable=True),
        sa.Column("holder", _TEXT, nullable=True),
        sa.Column("mapping", _TEXT, nullable=True),
        sa.Column("remap_to", _TEXT, nullable=True),
        sa.Column("remap_at", _BIG, nullable=True),
        sa.Column("complete_us", _BIG, nullable=True),
        sa.Column("full_us", _BIG, nullable=True),
        sa.Column("sweep_us", _BIG, nullable=True),
        sa.PrimaryKeyConstraint("system", "kind", name="pk_stream"),
    )


def _quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("wire_type", _TEXT, nullable=False),
        sa.Column("external_id", _TEXT, nullable=True),
        sa.Column("place", _TEXT, nullable=True),
        sa.Column("raw", _BYTES, nullable=False),
        sa.Column("raw_hash", _BYTES, nullable=False),
        sa.Column("version_order", _BIG, nullable=True),
        sa.Column("modified_us", _BIG, nullable=True),
        sa.Column("fetched_us", _BIG, nullable=False),
        sa.Column("problems", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("state_why", _TEXT, nullable=True),
        sa.Column("state_us", _BIG, nullable=False),
        sa.Column("first_seen_us", _BIG, nullable=False),
        sa.Column("last_seen_us", _BIG, nullable=False),
        sa.Column("times", _BIG, nullable=False),
        sa.Column("run_id", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
    )
    op.create_index("ix_quarantine_state", "quarantine", ["state", "system", "kind"], unique=False)


def _observed() -> None:
    op.create_table(
        "observed",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("external_id", _TEXT, nullable=False),
        sa.Column("wire_type", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("flawed", sa.Boolean(), nullable=False),
        sa.Column("reason", _TEXT, nullable=True),
        sa.Column("raw_hash", _BYTES, nullable=False),
        sa.Column("canonical_hash", _BYTES, nullable=True),
        sa.Column("version_order", _BIG, nullable=True),
        sa.Column("modified_us", _BIG, nullable=True),
        sa.Column("currency", _TEXT, nullable=False),
        sa.Column("amount_minor", _BIG, nullable=False),
        sa.Column("tax_minor", _BIG, nullable=True),
        sa.Column("fee_minor", _BIG, nullable=True),
        sa.Column("open_minor", _BIG, nullable=True),
        sa.Column("number", _TEXT, nullable=True),
        sa.Column("part", _TEXT, nullable=True),
        sa.Column("party_id", _TEXT, nullable=True),
        sa.Column("party_code", _TEXT, nullable=True),
        sa.Column("party_name", _TEXT, nullable=True),
        sa.Column("credit_code", _TEXT, nullable=True),
        sa.Column("business_on", _TEXT, nullable=True),
        sa.Column("due_on", _TEXT, nullable=True),
        sa.Column("doc_status", _TEXT, nullable=True),
        sa.Column("doc_kind", _TEXT, nullable=True),
        sa.Column("notices", sa.Integer(), nullable=False),
        sa.Column("first_seen_us", _BIG, nullable=False),
        sa.Column("changed_us", _BIG, nullable=False),
        sa.Column("changed_run", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_observed"),
        sa.UniqueConstraint("system", "kind", "external_id", name="uq_observed_system_kind_external_id"),
    )
    said = ["currency", "amount_minor", "tax_minor", "fee_minor", "business_on", "due_on", "doc_status", "doc_kind"]
    columns = ["number", "kind", "system", "state", *said, "party_id", "party_code"]
    op.create_index("ix_observed_number", "observed", columns, unique=False)
    op.create_table(
        "observed_body",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("raw", _BYTES, nullable=True),
        sa.Column("canonical", _BYTES, nullable=True),
        sa.Column("notices", _TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_observed_body"),
    )


def _around() -> None:
    op.create_table(
        "observed_history",
        sa.Column("seq", _ID, autoincrement=True, nullable=False),
        sa.Column("observed_id", _BIG, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("raw_hash", _BYTES, nullable=False),
        sa.Column("canonical_hash", _BYTES, nullable=True),
        sa.Column("version_order", _BIG, nullable=True),
        sa.Column("modified_us", _BIG, nullable=True),
        sa.Column("raw", _BYTES, nullable=True),
        sa.Column("canonical", _BYTES, nullable=True),
        sa.Column("from_us", _BIG, nullable=False),
        sa.Column("until_us", _BIG, nullable=False),
        sa.Column("until_run", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_observed_history"),
    )
    op.create_index("ix_observed_history_observed_id", "observed_history", ["observed_id"], unique=False)
    op.create_index("ix_observed_history_until_us", "observed_history", ["until_us"], unique=False)
    op.create_table(
        "book_total",
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("currency", _TEXT, nullable=False),
        sa.Column("records", _BIG, nullable=False),
        sa.Column("minor", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("system", "kind", "currency", name="pk_book_total"),
    )
    op.create_table(
        "sweep_key",
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("external_id", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("system", "kind", "external_id", name="pk_sweep_key"),
    )
    op.create_table(
        "workspace",
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("value", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_workspace"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", _ID, autoincrement=False, nullable=False),
        sa.Column("at_us", _BIG, nullable=False),
        sa.Column("actor", _TEXT, nullable=False),
        sa.Column("action", _TEXT, nullable=False),
        sa.Column("subject", _TEXT, nullable=False),
        sa.Column("details", _TEXT, nullable=False),
        sa.Column("prev_hash", _BYTES, nullable=False),
        sa.Column("hash", _BYTES, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
