"""The inbox of webhooks: hints to read records again, each event once."""

from __future__ import annotations

import json
from datetime import datetime

import sqlalchemy as sa

from ledgerbridge.model.base import Kind
from ledgerbridge.model.hint import Hint

from . import bulk
from .tables_schedules import inbox
from .tx import Tx, to_us


def add(tx: Tx, hint: Hint, now: datetime) -> bool:
    """Keep a hint; False if this event was here before (a replay, or the far side sent it twice)."""
    ids = json.dumps(hint.external_ids, ensure_ascii=False)
    sql = (
        "INSERT INTO inbox (system, event_id, kind, external_ids, received_us) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING RETURNING event_id"
    )
    return bool(bulk.rows_of(tx, sql, (hint.system, hint.event_id, hint.kind.value, ids, to_us(now))))


def waiting(tx: Tx, *, received_before: datetime) -> set[tuple[str, Kind]]:
    """The streams that hints not yet acted upon are about."""
    query = sa.select(inbox.c.system, inbox.c.kind).distinct()
    query = query.where(inbox.c.done_us.is_(None), inbox.c.received_us <= to_us(received_before))
    return {(row.system, Kind(row.kind)) for row in tx.connection.execute(query)}


def done(tx: Tx, system: str, kind: Kind, *, received_before: datetime, now: datetime) -> int:
    """The stream was read after those hints came; how many are settled by it."""
    of_stream = sa.and_(inbox.c.system == system, inbox.c.kind == kind.value, inbox.c.done_us.is_(None))
    settled = inbox.update().where(of_stream, inbox.c.received_us <= to_us(received_before))
    return tx.connection.execute(settled.values(done_us=to_us(now))).rowcount


def forget(tx: Tx, before: datetime) -> int:
    """Delete what came before a moment: by then the stream has been read many times over, hint or not."""
    return tx.connection.execute(inbox.delete().where(inbox.c.received_us < to_us(before))).rowcount
