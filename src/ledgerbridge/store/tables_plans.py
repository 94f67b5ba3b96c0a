"""Plans, agreed values and conflicts; see :mod:`ledgerbridge.store.tables` for how columns are spelled."""

from __future__ import annotations

import sqlalchemy as sa

from .tables import BIG, BYTES, METADATA, TEXT

plan = sa.Table(
    "plan",
    METADATA,
    sa.Column("plan_id", TEXT, primary_key=True),
    sa.Column("flow", TEXT, nullable=False),
    sa.Column("state", TEXT, nullable=False),
    sa.Column("made_us", BIG, nullable=False),
    sa.Column("state_us", BIG, nullable=False),
    sa.Column("inputs", TEXT, nullable=False),
    sa.Column("why_waiting", TEXT, nullable=False),
    sa.Column("summary", TEXT, nullable=False),
    sa.Column("digest", TEXT, nullable=False),
    sa.Column("undoes", TEXT),
    sa.Index("ix_plan_flow", "flow", "made_us"),
    sa.Index("ix_plan_state", "state"),
)
"""A plan without its rows. `made_us` grows within a flow, so that the latest plan is always one."""

plan_row = sa.Table(
    "plan_row",
    METADATA,
    sa.Column("plan_id", TEXT, primary_key=True),
    sa.Column("seq", BIG, primary_key=True),
    sa.Column("change_key", TEXT, nullable=False),
    sa.Column("action", TEXT, nullable=False),
    sa.Column("system", TEXT, nullable=False),
    sa.Column("entity_id", TEXT, nullable=False),
    sa.Column("title", TEXT, nullable=False),
    sa.Column("currency", TEXT, nullable=False),
    sa.Column("change", TEXT, nullable=False),
    sa.Column("needs", TEXT, nullable=False),
    sa.Index("ix_plan_row_change_key", "change_key"),
    sa.Index("ix_plan_row_entity_id", "entity_id"),
)
"""What a plan says, for good: what becomes of each row stands with its operation, whose key is `change_key`."""

plan_held = sa.Table(
    "plan_held",
    METADATA,
    sa.Column("plan_id", TEXT, primary_key=True),
    sa.Column("seq", BIG, primary_key=True),
    sa.Column("reason", TEXT, nullable=False),
    sa.Column("entity_id", TEXT, nullable=False),
    sa.Column("held", TEXT, nullable=False),
)

plan_conflict = sa.Table(
    "plan_conflict",
    METADATA,
    sa.Column("plan_id", TEXT, primary_key=True),
    sa.Column("seq", BIG, primary_key=True),
    sa.Column("conflict_key", TEXT, nullable=False),
)
"""Which conflicts were open when a plan was made."""

conflict = sa.Table(
    "conflict",
    METADATA,
    sa.Column("conflict_key", TEXT, primary_key=True),
    sa.Column("flow", TEXT, nullable=False),
    sa.Column("entity_id", TEXT, nullable=False),
    sa.Column("path", TEXT, nullable=False),
    sa.Column("conflict", TEXT, nullable=False),
    sa.Column("title", TEXT, nullable=False),
    sa.Column("state", TEXT, nullable=False),
    sa.Column("first_seen_us", BIG, nullable=False),
    sa.Column("last_seen_us", BIG, nullable=False),
    sa.Column("take", TEXT),
    sa.Column("value", TEXT),
    sa.Column("until_us", BIG),
    sa.Column("who", TEXT),
    sa.Column("note", TEXT),
    sa.Column("decided_us", BIG),
    sa.Index("ix_conflict_flow", "flow", "state"),
    sa.Index("ix_conflict_entity_id", "entity_id"),
)

agreed = sa.Table(
    "agreed",
    METADATA,
    sa.Column("flow", TEXT, primary_key=True),
    sa.Column("entity_id", TEXT, primary_key=True),
    sa.Column("left_hash", BYTES),
    sa.Column("right_hash", BYTES),
    sa.Column("rules", TEXT, nullable=False),
    sa.Column("settled", sa.Boolean, nullable=False),
    sa.Column("fields", TEXT, nullable=False),
    sa.Column("at_us", BIG, nullable=False),
)
"""Per flow and entity the values that the sides agreed on. While `settled`, a pair whose hashes are these, and whose flow
still has these `rules`, has nothing to plan and is not even read. A hash is null where a side had no record."""
