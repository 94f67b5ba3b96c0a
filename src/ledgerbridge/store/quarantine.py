"""Records that could not be read or mapped, with every reason, until they are mended, replayed or set aside."""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from ledgerbridge.model.base import Kind
from ledgerbridge.model.problem import Problem
from ledgerbridge.model.raw import Raw, Unreadable, digest_of

from . import bulk
from .tables import quarantine
from .tx import Tx, from_us, moment, to_us


class QuarantineState(StrEnum):
    """What has become of an entry."""

    OPEN = "open"
    REPLAYED = "replayed"  # mapped from its stored text, after the mapping was mended
    RESOLVED = "resolved"  # read again and found well, gone, or no longer there
    DISCARDED = "discarded"  # set aside by a person; opens again if the far side sends another text


@dataclass(frozen=True, slots=True)
class Entry:
    """One record in quarantine. Without `external_id` it is a piece of a page that is no record, found at `place`."""

    id: str
    system: str
    kind: Kind
    wire_type: str
    external_id: str | None
    place: str | None
    raw: bytes
    raw_hash: bytes
    version_order: int | None
    modified_at: datetime | None
    fetched_at: datetime
    problems: tuple[Problem, ...]
    state: QuarantineState
    state_why: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    times: int
    run_id: str

    def as_raw(self) -> Raw | None:
        """The record as it was read; None for what is no record."""
        if self.external_id is None:
            return None
        return Raw(
            kind=self.kind,
            wire_type=self.wire_type,
            external_id=self.external_id,
            body=self.raw,
            digest=self.raw_hash,
            fetched_at=self.fetched_at,
            order=self.version_order,
            modified_at=self.modified_at,
        )


_SIGHT = """
INSERT INTO quarantine (id, system, kind, wire_type, external_id, place, raw, raw_hash, version_order, modified_us,
    fetched_us, problems, state, state_us, first_seen_us, last_seen_us, times, run_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?, 1, ?)
ON CONFLICT (id) DO UPDATE SET
    wire_type = excluded.wire_type, place = excluded.place, raw = excluded.raw, version_order = excluded.version_order,
    modified_us = excluded.modified_us, fetched_us = excluded.fetched_us, problems = excluded.problems,
    state = CASE WHEN quarantine.state = 'discarded' AND quarantine.raw_hash = excluded.raw_hash
        THEN quarantine.state ELSE excluded.state END,
    state_why = CASE WHEN quarantine.state = 'discarded' AND quarantine.raw_hash = excluded.raw_hash
        THEN quarantine.state_why ELSE NULL END,
    state_us = CASE WHEN quarantine.state = 'open' OR (quarantine.state = 'discarded'
        AND quarantine.raw_hash = excluded.raw_hash) THEN quarantine.state_us ELSE excluded.state_us END,
    raw_hash = excluded.raw_hash, last_seen_us = excluded.last_seen_us, times = quarantine.times + 1,
    run_id = excluded.run_id
"""


def id_of(system: str, kind: Kind, found: Raw | Unreadable) -> str:
    """16 hexadecimal characters: of a record by its id, of what is no record by its text."""
    if isinstance(found, Raw):
        parts = (system, kind.value, "record", found.external_id)
    else:
        parts = (system, kind.value, f"text/{found.wire_type}", digest_of(found.body).hex())
    text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def sight(
    tx: Tx, system: str, found: Raw | Unreadable, problems: Sequence[Problem], *, now_us: int, run_id: str
) -> None:
    """Put into quarantine, or note that it was seen there again. What a person set aside stays so while its text is the same."""
    record = found if isinstance(found, Raw) else None
    place = None if isinstance(found, Raw) else _storable(found.where)
    bulk.run(
        tx,
        _SIGHT,
        (
            id_of(system, found.kind, found),
            system,
            found.kind.value,
            found.wire_type,
            record.external_id if record else None,
            place,
            found.body,
            record.digest if record else digest_of(found.body),
            record.order if record else None,
            to_us(record.modified_at) if record and record.modified_at else None,
            to_us(record.fetched_at) if record else now_us,
            json.dumps([_plain(problem) for problem in problems], ensure_ascii=False),
            now_us,
            now_us,
            now_us,
            run_id,
        ),
    )


def is_discarded(tx: Tx, entry_id: str, raw_hash: bytes) -> bool:
    """Whether a person has set aside exactly this text."""
    sql = "SELECT 1 FROM quarantine WHERE id = ? AND state = 'discarded' AND raw_hash = ?"
    return bool(bulk.rows_of(tx, sql, (entry_id, raw_hash)))


def settle(
    tx: Tx, system: str, kind: Kind, external_ids: Collection[str], state: QuarantineState, why: str, now_us: int
) -> None:
    """Close the entries of records that are well again (or gone)."""
    if not external_ids:
        return
    condition, parameter = bulk.among(tx, "external_id", external_ids)
    sql = (
        "UPDATE quarantine SET state = ?, state_why = ?, state_us = ? "
        f"WHERE system = ? AND kind = ? AND state IN ('open', 'discarded') AND {condition}"
    )
    bulk.run(tx, sql, (state.value, why, now_us, system, kind.value, parameter))


def settle_unseen(tx: Tx, system: str, kind: Kind, *, since_us: int, now_us: int) -> int:
    """Close what is no record and was not met during a full walk that began at `since_us`; how many."""
    sql = (
        "UPDATE quarantine SET state = 'resolved', state_why = 'not met in a full walk', state_us = ? "
        "WHERE system = ? AND kind = ? AND state = 'open' AND external_id IS NULL AND last_seen_us < ?"
    )
    return bulk.run(tx, sql, (now_us, system, kind.value, since_us))


def discard(tx: Tx, entry_id: str, *, why: str, now_us: int) -> bool:
    """Set an open entry aside; False if there is no such open entry. The caller adds the audit entry in the same transaction."""
    sql = "UPDATE quarantine SET state = 'discarded', state_why = ?, state_us = ? WHERE id = ? AND state = 'open'"
    return bulk.run(tx, sql, (why, now_us, entry_id)) == 1


def get(tx: Tx, entry_id: str) -> Entry | None:
    """One entry."""
    row = tx.connection.execute(sa.select(quarantine).where(quarantine.c.id == entry_id)).mappings().first()
    return None if row is None else _entry(row)


def entries(
    tx: Tx,
    *,
    system: str | None = None,
    kind: Kind | None = None,
    state: QuarantineState | None = QuarantineState.OPEN,
    after: str = "",
    limit: int = 500,
) -> list[Entry]:
    """Entries by id, a stretch at a time: go on with `after` the last id."""
    query = sa.select(quarantine).where(quarantine.c.id > after).order_by(quarantine.c.id).limit(limit)
    if system is not None:
        query = query.where(quarantine.c.system == system)
    if kind is not None:
        query = query.where(quarantine.c.kind == kind.value)
    if state is not None:
        query = query.where(quarantine.c.state == state.value)
    return [_entry(row) for row in tx.connection.execute(query).mappings()]


def every(tx: Tx, *, state: QuarantineState | None = QuarantineState.OPEN) -> Iterator[Entry]:
    """All entries of a state, however many, within the transaction."""
    after = ""
    while found := entries(tx, state=state, after=after):
        yield from found
        after = found[-1].id


def open_ids(tx: Tx, system: str, kind: Kind) -> set[str]:
    """The ids of the records of a stream that wait in quarantine; what is no record has none."""
    sql = "SELECT external_id FROM quarantine WHERE system = ? AND kind = ? AND state = 'open' AND external_id IS NOT NULL"
    return {row[0] for row in bulk.rows_of(tx, sql, (system, kind.value))}


def open_counts(tx: Tx) -> dict[tuple[str, Kind], int]:
    """How many entries are open, per stream."""
    counted = sa.select(quarantine.c.system, quarantine.c.kind, sa.func.count()).where(quarantine.c.state == "open")
    rows = tx.connection.execute(counted.group_by(quarantine.c.system, quarantine.c.kind))
    return {(system, Kind(kind)): count for system, kind, count in rows}


def _plain(problem: Problem) -> dict[str, object]:
    return {name: _storable(value) if isinstance(value, str) else value for name, value in problem.model_dump().items()}


def _storable(text: str) -> str:
    """Without what PostgreSQL and UTF-8 cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def _entry(row: sa.RowMapping) -> Entry:
    return Entry(
        id=row["id"],
        system=row["system"],
        kind=Kind(row["kind"]),
        wire_type=row["wire_type"],
        external_id=row["external_id"],
        place=row["place"],
        raw=bytes(row["raw"]),
        raw_hash=bytes(row["raw_hash"]),
        version_order=row["version_order"],
        modified_at=moment(row["modified_us"]),
        fetched_at=from_us(row["fetched_us"]),
        problems=tuple(Problem(**problem) for problem in json.loads(row["problems"])),
        state=QuarantineState(row["state"]),
        state_why=row["state_why"],
        first_seen_at=from_us(row["first_seen_us"]),
        last_seen_at=from_us(row["last_seen_us"]),
        times=row["times"],
        run_id=row["run_id"],
    )
