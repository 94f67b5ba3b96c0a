"""Who did what: an append-only log whose entries chain by hash (SHA-256 over the entry before and this one's content).

The database's triggers refuse changes; the chain shows those made past them. Cutting entries off the end is only seen against
a head kept elsewhere: keep :func:`head` outside the database and give it to :func:`verify`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from pydantic import JsonValue

from .tables import audit
from .tx import Tx, from_us, to_us

_START: Final = bytes(32)
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act. `hash` covers everything before it."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, JsonValue]
    hash: bytes


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What :func:`verify` found; `fault` is None for a sound chain."""

    entries: int
    head: bytes
    fault: str | None = None


def append(
    tx: Tx, *, actor: str, action: str, subject: str, details: Mapping[str, JsonValue], at: datetime
) -> AuditEntry:
    """Enter an act, in the transaction of the act itself. `details` must hold no secret; TypeError for a float in it."""
    if not tx.sqlite:  # one at a time: two entries must not chain to the same one
        tx.connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended('ledgerbridge/audit', 20261122))")
    last = tx.connection.execute(sa.select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
    seq, before = (1, _START) if last is None else (last.seq + 1, bytes(last.hash))
    _refuse_floats(details)
    text = json.dumps(details, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    at_us = to_us(at)
    made = _hash(before, seq, at_us, actor, action, subject, text)
    tx.connection.execute(
        audit.insert().values(
            seq=seq,
            at_us=at_us,
            actor=actor,
            action=action,
            subject=subject,
            details=text,
            prev_hash=before,
            hash=made,
        )
    )
    return AuditEntry(seq, from_us(at_us), actor, action, subject, json.loads(text), made)


def verify(tx: Tx, *, anchor: tuple[int, bytes] | None = None) -> AuditCheck:
    """Walk the whole chain. `anchor` is a (seq, hash) that was kept outside the database and must be part of it."""
    count, before = 0, _START
    for row in _rows(tx):
        count += 1
        if row["seq"] != count:
            return AuditCheck(count, before, f"entry {count} is missing: the next one is {row['seq']}")
        if bytes(row["prev_hash"]) != before:
            return AuditCheck(count, before, f"entry {count} does not follow the one before it")
        values = (row["at_us"], row["actor"], row["action"], row["subject"], row["details"])
        if _hash(before, row["seq"], *values) != bytes(row["hash"]):
            return AuditCheck(count, before, f"entry {count} was changed after it was written")
        before = bytes(row["hash"])
        if anchor is not None and anchor[0] == count and anchor[1] != before:
            return AuditCheck(count, before, f"entry {count} is not the one whose hash was kept outside")
    if anchor is not None and anchor[0] > count:
        return AuditCheck(count, before, f"entries after {count} are missing: {anchor[0]} were known outside")
    return AuditCheck(count, before)


def head(tx: Tx) -> tuple[int, bytes] | None:
    """The last entry's number and hash, to be kept outside the database."""
    row = tx.connection.execute(sa.select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
    return None if row is None else (row.seq, bytes(row.hash))


def entries(tx: Tx, *, subject: str | None = None) -> Iterator[AuditEntry]:
    """All entries, oldest first, or those of one subject."""
    for row in _rows(tx, subject):
        yield AuditEntry(
            seq=row["seq"],
            at=from_us(row["at_us"]),
            actor=row["actor"],
            action=row["action"],
            subject=row["subject"],
            details=json.loads(row["details"]),
            hash=bytes(row["hash"]),
        )


def _rows(tx: Tx, subject: str | None = None) -> Iterator[sa.RowMapping]:
    query = sa.select(audit).order_by(audit.c.seq).limit(_PAGE)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    after = 0
    while rows := tx.connection.execute(query.where(audit.c.seq > after)).mappings().all():
        yield from rows
        after = rows[-1]["seq"]


def _hash(before: bytes, seq: int, at_us: int, actor: str, action: str, subject: str, details: str) -> bytes:
    content = json.dumps([seq, at_us, actor, action, subject, details], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(before + content.encode()).digest()


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("an audit entry holds no float: write amounts as text or in minor units")
    if isinstance(value, Mapping):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
