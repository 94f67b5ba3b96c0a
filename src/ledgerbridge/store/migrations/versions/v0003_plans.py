"""Plans, agreed values, conflicts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_BIG = sa.BigInteger()
_BYTES = sa.LargeBinary()


def upgrade() -> None:
    """Make the tables."""
    _plans()
    _agreements()


def _plans() -> None:
    op.create_table(
        "plan",
        sa.Column("plan_id", _TEXT, nullable=False),
        sa.Column("flow", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("made_us", _BIG, nullable=False),
        sa.Column("state_us", _BIG, nullable=False),
        sa.Column("inputs", _TEXT, nullable=False),
        sa.Column("why_waiting", _TEXT, nullable=False),
        sa.Column("summary", _TEXT, nullable=False),
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("undoes", _TEXT),
        sa.PrimaryKeyConstraint("plan_id", name="pk_plan"),
    )
    op.create_index("ix_plan_flow", "plan", ["flow", "made_us"])
    op.create_index("ix_plan_state", "plan", ["state"])
    op.create_table(
        "plan_row",
        sa.Column("plan_id", _TEXT, nullable=False),
        sa.Column("seq", _BIG, nullable=False),
        sa.Column("change_key", _TEXT, nullable=False),
        sa.Column("action", _TEXT, nullable=False),
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("entity_id", _TEXT, nullable=False),
        sa.Column("title", _TEXT, nullable=False),
        sa.Column("currency", _TEXT, nullable=False),
        sa.Column("change", _TEXT, nullable=False),
        sa.Column("needs", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("plan_id", "seq", name="pk_plan_row"),
    )
    op.create_index("ix_plan_row_change_key", "plan_row", ["change_key"])
    op.create_index("ix_plan_row_entity_id", "plan_row", ["entity_id"])
    op.create_table(
        "plan_held",
        sa.Column("plan_id", _TEXT, nullable=False),
        sa.Column("seq", _BIG, nullable=False),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("entity_id", _TEXT, nullable=False),
        sa.Column("held", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("plan_id", "seq", name="pk_plan_held"),
    )
    op.create_table(
        "plan_conflict",
        sa.Column("plan_id", _TEXT, nullable=False),
        sa.Column("seq", _BIG, nullable=False),
        sa.Column("conflict_key", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("plan_id", "seq", name="pk_plan_conflict"),
    )


def _agreements() -> None:
    op.create_table(
        "conflict",
        sa.Column("conflict_key", _TEXT, nullable=False),
        sa.Column("flow", _TEXT, nullable=False),
        sa.Column("entity_id", _TEXT, nullable=False),
        sa.Column("path", _TEXT, nullable=False),
        sa.Column("conflict", _TEXT, nullable=False),
        sa.Column("title", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("first_seen_us", _BIG, nullable=False),
        sa.Column("last_seen_us", _BIG, nullable=False),
        sa.Column("take", _TEXT),
        sa.Column("value", _TEXT),
        sa.Column("until_us", _BIG),
        sa.Column("who", _TEXT),
        sa.Column("note", _TEXT),
        sa.Column("decided_us", _BIG),
        sa.PrimaryKeyConstraint("conflict_key", name="pk_conflict"),
    )
    op.create_index("ix_conflict_flow", "conflict", ["flow", "state"])
    op.create_index("ix_conflict_entity_id", "conflict", ["entity_id"])
    op.create_table(
        "agreed",
        sa.Column("flow", _TEXT, nullable=False),
        sa.Column("entity_id", _TEXT, nullable=False),
        sa.Column("left_hash", _BYTES),
        sa.Column("right_hash", _BYTES),
        sa.Column("rules", _TEXT, nullable=False),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column("fields", _TEXT, nullable=False),
        sa.Column("at_us", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("flow", "entity_id", name="pk_agreed"),
    )


def downgrade() -> None:
    """Not offered: restore a backup from before the upgrade."""
    raise NotImplementedError("restore a backup from before the upgrade")
