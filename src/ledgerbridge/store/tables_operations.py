"""The write path: operations, attempts, gates of the targets; see :mod:`ledgerbridge.store.tables`."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from ledgerbridge.model.operation import OpState

from .tables import BIG, BYTES, ID, METADATA, TEXT

_STATES = ", ".join(f"'{state}'" for state in OpState)
OPEN_STATES: Final = " OR ".join(
    f"state = '{state}'" for state in OpState if state not in {OpState.VERIFIED, OpState.CANCELLED}
)
"""What the partial index covers. Spelled with OR: SQLite only uses such an index for a query that has one of these terms
word for word, so queries write the state they want as a literal."""

operation = sa.Table(
    "operation",
    METADATA,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("plan_id", TEXT, nullable=False),
    sa.Column("idem_key", TEXT, nullable=False),
    sa.Column("change", TEXT, nullable=False),
    sa.Column("payload_hash", BYTES, nullable=False),
    sa.Column("system", TEXT, nullable=False),
    sa.Column("kind", TEXT, nullable=False),
    sa.Column("action", TEXT, nullable=False),
    sa.Column("entity", TEXT, nullable=False),
    sa.Column("order_key", TEXT, nullable=False),
    sa.Column("state", TEXT, nullable=False),
    sa.Column("revision", BIG, nullable=False),
    sa.Column("fence", BIG, nullable=False),
    sa.Column("owner", TEXT),
    sa.Column("lease_until_us", BIG),
    sa.Column("send_deadline_us", BIG),
    sa.Column("sent_us", BIG),
    sa.Column("not_before_us", BIG, nullable=False),
    sa.Column("tries", BIG, nullable=False),
    sa.Column("looks", BIG, nullable=False),
    sa.Column("waits", BIG, nullable=False),
    sa.Column("epoch", BIG, nullable=False),
    sa.Column("foreign_id", TEXT),
    sa.Column("why", TEXT),
    sa.Column("approved_by", TEXT),
    sa.Column("signed", sa.Boolean, nullable=False),
    sa.Column("created_us", BIG, nullable=False),
    sa.Column("updated_us", BIG, nullable=False),
    sa.Column("ended_us", BIG),
    sa.UniqueConstraint("idem_key"),
    sa.CheckConstraint(f"state IN ({_STATES})", name="state"),
    sa.Index("ix_operation_plan_id", "plan_id", "id"),
    sa.Index("ix_operation_order_key", "order_key", "id"),
    sa.Index(
        "ix_operation_open",
        "state",
        "system",
        "waits",
        "not_before_us",
        "id",
        sqlite_where=sa.text(OPEN_STATES),
        postgresql_where=sa.text(OPEN_STATES),
    ),
)
"""What is, was or may be written to a far side. The row is the truth of the write path and is never deleted: its key keeps
the same create from being planned twice. `state` is written by :mod:`ledgerbridge.store.moves` alone. `change` is frozen and
`payload_hash` is its hash. `waits` counts the needs that are not verified yet (of `operation_need`), so that finding work does
not look at what is blocked."""

operation_need = sa.Table(
    "operation_need",
    METADATA,
    sa.Column("operation_id", BIG, primary_key=True),
    sa.Column("needs_key", TEXT, primary_key=True),
    sa.Index("ix_operation_need_needs_key", "needs_key"),
)
"""Which operations (by key) must be verified before this one may be sent."""

attempt = sa.Table(
    "attempt",
    METADATA,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("operation_id", BIG, nullable=False),
    sa.Column("fence", BIG, nullable=False),
    sa.Column("what", TEXT, nullable=False),
    sa.Column("n", BIG, nullable=False),
    sa.Column("request_hash", BYTES),
    sa.Column("started_us", BIG, nullable=False),
    sa.Column("deadline_us", BIG),
    sa.Column("ended_us", BIG),
    sa.Column("outcome", TEXT),
    sa.Column("code", TEXT),
    sa.Column("excerpt", TEXT),
    sa.Index("ix_attempt_operation_id", "operation_id", "id"),
)
"""Evidence: every sending (entered before the first byte leaves, its outcome set once) and every look-up that decided
something. Rows are only added. `outcome` NULL: the process died, or is still at it."""

target_gate = sa.Table(
    "target_gate",
    METADATA,
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("breaker", TEXT, nullable=False),
    sa.Column("failures", BIG, nullable=False),
    sa.Column("probes", BIG, nullable=False),
    sa.Column("opened_us", BIG),
    sa.Column("probe_us", BIG),
    sa.Column("next_slot_us", BIG, nullable=False),
    sa.Column("resume_us", BIG, nullable=False),
    sa.Column("pause_why", TEXT),
    sa.Column("window_us", BIG, nullable=False),
    sa.Column("window_requests", BIG, nullable=False),
    sa.Column("window_failures", BIG, nullable=False),
    sa.Column("budget_us", BIG, nullable=False),
    sa.Column("budget_requests", BIG, nullable=False),
    sa.Column("budget_retries", BIG, nullable=False),
    sa.CheckConstraint("breaker IN ('closed', 'open', 'half_open')", name="breaker"),
)
"""One row per far side, shared by all workers: breaker, pause, quota slots, retry budget. Taking work for a far side locks
its row, so that leases of one far side come one after the other."""
