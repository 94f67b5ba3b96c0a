"""Schedules, fire times, workers' heartbeats, the inbox of webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_BIG = sa.BigInteger()


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "fire",
        sa.Column("job", _TEXT, nullable=False),
        sa.Column("fire_us", _BIG, nullable=False),
        sa.Column("claimed_us", _BIG, nullable=False),
        sa.Column("claimed_by", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("finished_us", _BIG),
        sa.Column("why", _TEXT),
        sa.CheckConstraint(
            "state IN ('first_seen', 'running', 'done', 'findings', 'failed', 'skipped')", name="ck_fire_state"
        ),
        sa.PrimaryKeyConstraint("job", "fire_us", name="pk_fire"),
    )
    op.create_table(
        "heartbeat",
        sa.Column("process", _TEXT, nullable=False),
        sa.Column("role", _TEXT, nullable=False),
        sa.Column("host", _TEXT, nullable=False),
        sa.Column("pid", _BIG, nullable=False),
        sa.Column("started_us", _BIG, nullable=False),
        sa.Column("seen_us", _BIG, nullable=False),
        sa.Column("doing", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("process", name="pk_heartbeat"),
    )
    op.create_table(
        "inbox",
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("event_id", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("external_ids", _TEXT, nullable=False),
        sa.Column("received_us", _BIG, nullable=False),
        sa.Column("done_us", _BIG),
        sa.PrimaryKeyConstraint("system", "event_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_done_us", "inbox", ["done_us", "received_us"])
    op.create_table(
        "flow_lock",
        sa.Column("flow", _TEXT, nullable=False),
        sa.Column("holder", _TEXT, nullable=False),
        sa.Column("run_id", _TEXT, nullable=False),
        sa.Column("since_us", _BIG, nullable=False),
        sa.Column("seen_us", _BIG, nullable=False),
        sa.Column("until_us", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("flow", name="pk_flow_lock"),
    )


def downgrade() -> None:
    """Not offered: restore a backup from before the upgrade."""
    raise NotImplementedError("restore a backup from before the upgrade")
