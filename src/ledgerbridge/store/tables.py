"""The tables of the pull side, the same on SQLite and PostgreSQL.

Moments are integers: microseconds since 1970 UTC (columns ending in ``_us``). Business dates are ISO text. Texts compare by
code point on both engines (PostgreSQL: collation "C"), so that both give the same order and the same digest. JSON is text
or, where the bytes matter, a blob. What a column of `observed` means is said at :class:`ledgerbridge.store.observed.Row`.
"""

from __future__ import annotations

import sqlalchemy as sa

TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
BIG = sa.BigInteger()
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite gives a table its fast row id only when the key is spelled INTEGER."""
BYTES = sa.LargeBinary()

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

workspace = sa.Table(
    "workspace",
    METADATA,
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("value", TEXT, nullable=False),
)
"""Facts of this database: `instance_id`, `created_us`, `restore_epoch`."""

stream = sa.Table(
    "stream",
    METADATA,
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("kind", TEXT, primary_key=True),
    sa.Column("cursor", TEXT),
    sa.Column("cursor_us", BIG),
    sa.Column("full_walk", sa.Boolean, nullable=False, default=False),
    sa.Column("walk_started_us", BIG),
    sa.Column("holder", TEXT),
    sa.Column("mapping", TEXT),
    sa.Column("remap_to", TEXT),
    sa.Column("remap_at", BIG),
    sa.Column("complete_us", BIG),
    sa.Column("full_us", BIG),
    sa.Column("sweep_us", BIG),
)
"""Where reading stands: the cursor, whether it belongs to an unfinished full walk, who reads, and by which mapping the
copies were made."""

run = sa.Table(
    "run",
    METADATA,
    sa.Column("run_id", TEXT, primary_key=True),
    sa.Column("action", TEXT, nullable=False),
    sa.Column("started_us", BIG, nullable=False),
    sa.Column("finished_us", BIG),
    sa.Column("status", TEXT, nullable=False),
    sa.Column("error", TEXT),
    sa.Index("ix_run_started_us", "started_us"),
)

run_stream = sa.Table(
    "run_stream",
    METADATA,
    sa.Column("run_id", TEXT, sa.ForeignKey("run.run_id", name="fk_run_stream_run"), primary_key=True),
    sa.Column("step", TEXT, primary_key=True),
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("kind", TEXT, primary_key=True),
    sa.Column("started_us", BIG, nullable=False),
    sa.Column("finished_us", BIG),
    sa.Column("status", TEXT, nullable=False),
    sa.Column("error", TEXT),
    sa.Column("pages", BIG, nullable=False),
    sa.Column("read", BIG, nullable=False),
    sa.Column("complete", sa.Boolean, nullable=False),
    sa.Column("audited", sa.Boolean, nullable=False),
    sa.Column("tallies", TEXT, nullable=False),
    sa.Column("effects", TEXT, nullable=False),
    sa.Column("reasons", TEXT, nullable=False),
    sa.Column("opening", TEXT, nullable=False),
    sa.Column("closing", TEXT, nullable=False),
    sa.Column("faults", TEXT, nullable=False),
)
"""One step (pull, remap, replay, sweep) of one stream in one run; written in the same transactions as the records."""

book_total = sa.Table(
    "book_total",
    METADATA,
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("kind", TEXT, primary_key=True),
    sa.Column("currency", TEXT, primary_key=True),
    sa.Column("records", BIG, nullable=False),
    sa.Column("minor", BIG, nullable=False),
)
"""Live copies per currency; moved by what the database itself saw change, in the same transaction."""

observed_id = sa.Sequence("observed_id", metadata=METADATA)

observed = sa.Table(
    "observed",
    METADATA,
    sa.Column("id", ID, primary_key=True, autoincrement=False),
    sa.Column("system", TEXT, nullable=False),
    sa.Column("kind", TEXT, nullable=False),
    sa.Column("external_id", TEXT, nullable=False),
    sa.Column("wire_type", TEXT, nullable=False),
    sa.Column("state", TEXT, nullable=False),
    sa.Column("flawed", sa.Boolean, nullable=False),
    sa.Column("reason", TEXT),
    sa.Column("raw_hash", BYTES, nullable=False),
    sa.Column("canonical_hash", BYTES),
    sa.Column("version_order", BIG),
    sa.Column("modified_us", BIG),
    sa.Column("currency", TEXT, nullable=False),
    sa.Column("amount_minor", BIG, nullable=False),
    sa.Column("tax_minor", BIG),
    sa.Column("fee_minor", BIG),
    sa.Column("open_minor", BIG),
    sa.Column("number", TEXT),
    sa.Column("part", TEXT),
    sa.Column("party_id", TEXT),
    sa.Column("party_code", TEXT),
    sa.Column("party_name", TEXT),
    sa.Column("credit_code", TEXT),
    sa.Column("business_on", TEXT),
    sa.Column("due_on", TEXT),
    sa.Column("doc_status", TEXT),
    sa.Column("doc_kind", TEXT),
    sa.Column("notices", sa.Integer, nullable=False),
    sa.Column("first_seen_us", BIG, nullable=False),
    sa.Column("changed_us", BIG, nullable=False),
    sa.Column("changed_run", TEXT, nullable=False),
    sa.UniqueConstraint("system", "kind", "external_id"),
    sa.Index(
        "ix_observed_number",
        *("number", "currency", "doc_status", "business_on", "doc_kind", "amount_minor", "tax_minor", "due_on"),
        *("system", "kind", "state", "fee_minor", "party_id", "party_code"),
    ),
)

observed_body = sa.Table(
    "observed_body",
    METADATA,
    sa.Column("id", ID, primary_key=True, autoincrement=False),
    sa.Column("raw", BYTES),
    sa.Column("canonical", BYTES),
    sa.Column("notices", TEXT),
)
"""The texts of a copy, apart from what is looked up on every page. No foreign key to `observed`: both are only ever
written together by :mod:`ledgerbridge.store.observed`, and the check would cost on every row of a first load."""

observed_history = sa.Table(
    "observed_history",
    METADATA,
    sa.Column("seq", ID, primary_key=True, autoincrement=True),
    sa.Column("observed_id", BIG, nullable=False),
    sa.Column("state", TEXT, nullable=False),
    sa.Column("raw_hash", BYTES, nullable=False),
    sa.Column("canonical_hash", BYTES),
    sa.Column("version_order", BIG),
    sa.Column("modified_us", BIG),
    sa.Column("raw", BYTES),
    sa.Column("canonical", BYTES),
    sa.Column("from_us", BIG, nullable=False),
    sa.Column("until_us", BIG, nullable=False),
    sa.Column("until_run", TEXT, nullable=False),
    sa.Index("ix_observed_history_observed_id", "observed_id"),
    sa.Index("ix_observed_history_until_us", "until_us"),
)
"""What a copy said before it changed, was deleted or was left out: evidence, kept as long as the retention setting says."""

quarantine = sa.Table(
    "quarantine",
    METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("system", TEXT, nullable=False),
    sa.Column("kind", TEXT, nullable=False),
    sa.Column("wire_type", TEXT, nullable=False),
    sa.Column("external_id", TEXT),
    sa.Column("place", TEXT),
    sa.Column("raw", BYTES, nullable=False),
    sa.Column("raw_hash", BYTES, nullable=False),
    sa.Column("version_order", BIG),
    sa.Column("modified_us", BIG),
    sa.Column("fetched_us", BIG, nullable=False),
    sa.Column("problems", TEXT, nullable=False),
    sa.Column("state", TEXT, nullable=False),
    sa.Column("state_why", TEXT),
    sa.Column("state_us", BIG, nullable=False),
    sa.Column("first_seen_us", BIG, nullable=False),
    sa.Column("last_seen_us", BIG, nullable=False),
    sa.Column("times", BIG, nullable=False),
    sa.Column("run_id", TEXT, nullable=False),
    sa.Index("ix_quarantine_state", "state", "system", "kind"),
)

sweep_key = sa.Table(
    "sweep_key",
    METADATA,
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("kind", TEXT, primary_key=True),
    sa.Column("external_id", TEXT, primary_key=True),
)
"""Scratch: the ids that a far side listed during the sweep now under way. A table, so that memory does not grow with them."""

audit = sa.Table(
    "audit",
    METADATA,
    sa.Column("seq", ID, primary_key=True, autoincrement=False),
    sa.Column("at_us", BIG, nullable=False),
    sa.Column("actor", TEXT, nullable=False),
    sa.Column("action", TEXT, nullable=False),
    sa.Column("subject", TEXT, nullable=False),
    sa.Column("details", TEXT, nullable=False),
    sa.Column("prev_hash", BYTES, nullable=False),
    sa.Column("hash", BYTES, nullable=False),
)
"""Append-only: triggers refuse UPDATE and DELETE on both engines (and TRUNCATE on PostgreSQL)."""
