"""Exceptions: what a person must look at, its comments and decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_BIG = sa.BigInteger()
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _exceptions()
    _events()
    _found()


def downgrade() -> None:
    """Not offered: restore a backup from before the upgrade."""
    raise NotImplementedError("restore a backup from before the upgrade")


def _exceptions() -> None:
    op.create_table(
        "exception",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("scope", _TEXT, nullable=False),
        sa.Column("fingerprint", _TEXT, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("code", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("systems", _TEXT, nullable=False),
        sa.Column("customer", _TEXT, nullable=True),
        sa.Column("customer_name", _TEXT, nullable=True),
        sa.Column("number", _TEXT, nullable=True),
        sa.Column("currency", _TEXT, nullable=True),
        sa.Column("minor", _BIG, nullable=True),
        sa.Column("worth", _BIG, nullable=False),
        sa.Column("business_on", _TEXT, nullable=True),
        sa.Column("finding", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("owner", _TEXT, nullable=True),
        sa.Column("first_seen_us", _BIG, nullable=False),
        sa.Column("last_seen_us", _BIG, nullable=False),
        sa.Column("moved_us", _BIG, nullable=False),
        sa.Column("moved_by", _TEXT, nullable=False),
        sa.Column("moved_text", _TEXT, nullable=False),
        sa.Column("judged_minor", _BIG, nullable=True),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("comments", sa.Integer(), nullable=False),
        sa.Column("waiver_by", _TEXT, nullable=True),
        sa.Column("waiver_us", _BIG, nullable=True),
        sa.Column("waiver_text", _TEXT, nullable=True),
        sa.Column("waiver_until", _TEXT, nullable=True),
        sa.Column("waiver_two", sa.Boolean(), nullable=False),
        sa.Column("waiver_second", _TEXT, nullable=True),
        sa.Column("decision", _TEXT, nullable=True),
        sa.Column("remedy", _TEXT, nullable=True),
        sa.Column("version", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_exception"),
        sa.UniqueConstraint("scope", "fingerprint", "ordinal", name="uq_exception_scope_fingerprint_ordinal"),
        sa.CheckConstraint(
            "waiver_second IS NULL OR (waiver_by IS NOT NULL AND waiver_second <> waiver_by)",
            name="ck_exception_second_is_another",
        ),
        sa.CheckConstraint(
            "state <> 'waived' OR (waiver_by IS NOT NULL AND (waiver_second IS NOT NULL OR NOT waiver_two))",
            name="ck_exception_waived_is_agreed",
        ),
        sa.CheckConstraint(
            "state IN ('open', 'taken', 'settled', 'waived', 'gone')",
            name="ck_exception_state_is_known",
        ),
        sa.CheckConstraint(
            "(minor IS NULL) = (currency IS NULL)",
            name="ck_exception_money_has_a_currency",
        ),
    )
    op.create_index("ix_exception_state", "exception", ["state", "severity", "worth"], unique=False)
    op.create_index("ix_exception_customer", "exception", ["customer"], unique=False)


def _events() -> None:
    op.create_table(
        "exception_event",
        sa.Column("seq", _ID, autoincrement=True, nullable=False),
        sa.Column("exception_id", _TEXT, nullable=False),
        sa.Column("at_us", _BIG, nullable=False),
        sa.Column("actor", _TEXT, nullable=False),
        sa.Column("act", _TEXT, nullable=False),
        sa.Column("from_state", _TEXT, nullable=False),
        sa.Column("to_state", _TEXT, nullable=False),
        sa.Column("why", _TEXT, nullable=True),
        sa.Column("text", _TEXT, nullable=False),
        sa.Column("details", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_exception_event"),
    )
    op.create_index("ix_exception_event_exception_id", "exception_event", ["exception_id", "seq"], unique=False)


def _found() -> None:
    op.create_table(
        "exception_found",
        sa.Column("scope", _TEXT, nullable=False),
        sa.Column("seq", _BIG, autoincrement=False, nullable=False),
        sa.Column("fingerprint", _TEXT, nullable=False),
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("code", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("systems", _TEXT, nullable=False),
        sa.Column("customer", _TEXT, nullable=True),
        sa.Column("customer_name", _TEXT, nullable=True),
        sa.Column("salesperson", _TEXT, nullable=True),
        sa.Column("number", _TEXT, nullable=True),
        sa.Column("currency", _TEXT, nullable=True),
        sa.Column("minor", _BIG, nullable=True),
        sa.Column("business_on", _TEXT, nullable=True),
        sa.Column("finding", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("scope", "seq", name="pk_exception_found"),
    )
    op.create_index("ix_exception_found_fingerprint", "exception_found", ["scope", "fingerprint", "seq"], unique=False)
