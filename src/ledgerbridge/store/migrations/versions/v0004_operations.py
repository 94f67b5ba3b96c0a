"""The write path: operations, attempts, gates of the targets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_BIG = sa.BigInteger()
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BYTES = sa.LargeBinary()
_STATES = (
    "state IN ('planned', 'ready', 'leased', 'sent', 'uncertain', 'confirmed', 'verified', 'conflict', 'review', "
    "'rejected', 'cancelled')"
)
_OPEN = sa.text(
    "state = 'planned' OR state = 'ready' OR state = 'leased' OR state = 'sent' OR state = 'uncertain' "
    "OR state = 'confirmed' OR state = 'conflict' OR state = 'review' OR state = 'rejected'"
)


def upgrade() -> None:
    """Make the tables."""
    _operation()
    _around()


def downgrade() -> None:
    """Not offered: restore a backup from before the upgrade."""
    raise NotImplementedError("restore a backup from before the upgrade")


def _operation() -> None:
    op.create_table(
        "operation",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("plan_id", _TEXT, nullable=False),
        sa.Column("idem_key", _TEXT, nullable=False),
        sa.Column("change", _TEXT, nullable=False),
        sa.Column("payload_hash", _BYTES, nullable=False),
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("action", _TEXT, nullable=False),
        sa.Column("entity", _TEXT, nullable=False),
        sa.Column("order_key", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("revision", _BIG, nullable=False),
        sa.Column("fence", _BIG, nullable=False),
        sa.Column("owner", _TEXT, nullable=True),
        sa.Column("lease_until_us", _BIG, nullable=True),
        sa.Column("send_deadline_us", _BIG, nullable=True),
        sa.Column("sent_us", _BIG, nullable=True),
        sa.Column("not_before_us", _BIG, nullable=False),
        sa.Column("tries", _BIG, nullable=False),
        sa.Column("looks", _BIG, nullable=False),
        sa.Column("waits", _BIG, nullable=False),
        sa.Column("epoch", _BIG, nullable=False),
        sa.Column("foreign_id", _TEXT, nullable=True),
        sa.Column("why", _TEXT, nullable=True),
        sa.Column("approved_by", _TEXT, nullable=True),
        sa.Column("signed", sa.Boolean(), nullable=False),
        sa.Column("created_us", _BIG, nullable=False),
        sa.Column("updated_us", _BIG, nullable=False),
        sa.Column("ended_us", _BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_operation"),
        sa.UniqueConstraint("idem_key", name="uq_operation_idem_key"),
        sa.CheckConstraint(_STATES, name=op.f("ck_operation_state")),
    )
    op.create_index("ix_operation_plan_id", "operation", ["plan_id", "id"], unique=False)
    op.create_index("ix_operation_order_key", "operation", ["order_key", "id"], unique=False)
    op.create_index(
        "ix_operation_open",
        "operation",
        ["state", "system", "waits", "not_before_us", "id"],
        unique=False,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )


def _around() -> None:
    op.create_table(
        "operation_need",
        sa.Column("operation_id", _BIG, nullable=False),
        sa.Column("needs_key", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("operation_id", "needs_key", name="pk_operation_need"),
    )
    op.create_index("ix_operation_need_needs_key", "operation_need", ["needs_key"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("operation_id", _BIG, nullable=False),
        sa.Column("fence", _BIG, nullable=False),
        sa.Column("what", _TEXT, nullable=False),
        sa.Column("n", _BIG, nullable=False),
        sa.Column("request_hash", _BYTES, nullable=True),
        sa.Column("started_us", _BIG, nullable=False),
        sa.Column("deadline_us", _BIG, nullable=True),
        sa.Column("ended_us", _BIG, nullable=True),
        sa.Column("outcome", _TEXT, nullable=True),
        sa.Column("code", _TEXT, nullable=True),
        sa.Column("excerpt", _TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
    )
    op.create_index("ix_attempt_operation_id", "attempt", ["operation_id", "id"], unique=False)
    op.create_table(
        "target_gate",
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("breaker", _TEXT, nullable=False),
        sa.Column("failures", _BIG, nullable=False),
        sa.Column("probes", _BIG, nullable=False),
        sa.Column("opened_us", _BIG, nullable=True),
        sa.Column("probe_us", _BIG, nullable=True),
        sa.Column("next_slot_us", _BIG, nullable=False),
        sa.Column("resume_us", _BIG, nullable=False),
        sa.Column("pause_why", _TEXT, nullable=True),
        sa.Column("window_us", _BIG, nullable=False),
        sa.Column("window_requests", _BIG, nullable=False),
        sa.Column("window_failures", _BIG, nullable=False),
        sa.Column("budget_us", _BIG, nullable=False),
        sa.Column("budget_requests", _BIG, nullable=False),
        sa.Column("budget_retries", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("system", name="pk_target_gate"),
        sa.CheckConstraint("breaker IN ('closed', 'open', 'half_open')", name=op.f("ck_target_gate_breaker")),
    )
