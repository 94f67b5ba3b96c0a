"""Schedules: claimed fire times, heartbeats, the inbox of webhooks; see :mod:`ledgerbridge.store.tables`."""

from __future__ import annotations

import sqlalchemy as sa

from .tables import BIG, METADATA, TEXT

fire = sa.Table(
    "fire",
    METADATA,
    sa.Column("job", TEXT, primary_key=True),
    sa.Column("fire_us", BIG, primary_key=True),
    sa.Column("claimed_us", BIG, nullable=False),
    sa.Column("claimed_by", TEXT, nullable=False),
    sa.Column("state", TEXT, nullable=False),
    sa.Column("finished_us", BIG),
    sa.Column("why", TEXT),
    sa.CheckConstraint("state IN ('first_seen', 'running', 'done', 'findings', 'failed', 'skipped')", name="state"),
)
"""One fire time of one scheduled job. The key is the claim: several schedulers do not fire twice. `first_seen` marks when the
schedule came to be, so that a new one does not fire for the past."""

heartbeat = sa.Table(
    "heartbeat",
    METADATA,
    sa.Column("process", TEXT, primary_key=True),
    sa.Column("role", TEXT, nullable=False),
    sa.Column("host", TEXT, nullable=False),
    sa.Column("pid", BIG, nullable=False),
    sa.Column("started_us", BIG, nullable=False),
    sa.Column("seen_us", BIG, nullable=False),
    sa.Column("doing", TEXT, nullable=False),
)
"""Processes that serve, and when each was last heard of."""

inbox = sa.Table(
    "inbox",
    METADATA,
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("event_id", TEXT, primary_key=True),
    sa.Column("kind", TEXT, nullable=False),
    sa.Column("external_ids", TEXT, nullable=False),
    sa.Column("received_us", BIG, nullable=False),
    sa.Column("done_us", BIG),
    sa.Index("ix_inbox_done_us", "done_us", "received_us"),
)
"""Hints that far sides sent: which records to read again. Never what they say."""

flow_lock = sa.Table(
    "flow_lock",
    METADATA,
    sa.Column("flow", TEXT, primary_key=True),
    sa.Column("holder", TEXT, nullable=False),
    sa.Column("run_id", TEXT, nullable=False),
    sa.Column("since_us", BIG, nullable=False),
    sa.Column("seen_us", BIG, nullable=False),
    sa.Column("until_us", BIG, nullable=False),
)
"""Who runs a flow now: one run of a flow at a time. Past `until_us` the holder is taken to be gone."""
