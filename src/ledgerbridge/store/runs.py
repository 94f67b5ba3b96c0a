"""The ledger of runs, and of every step of every stream in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from ledgerbridge.model.base import Kind
from ledgerbridge.model.run import Bucket, Certificate, Run, RunStatus, Tally

from .tables import run, run_stream
from .tx import Tx, from_us, moment

Sums = dict[str, tuple[int, int]]


@dataclass(slots=True)
class StepCounts:
    """What a step has stored so far. `tallies` and `effects` by bucket and currency: records, minor units.

    `effects` is what the buckets did to the live books. `reasons` counts filtered records by reason. `opening` and `closing`
    are the book totals before the step and after its last transaction.
    """

    pages: int = 0
    read: int = 0
    tallies: dict[tuple[Bucket, str], tuple[int, int]] = field(default_factory=dict)
    effects: dict[tuple[Bucket, str], tuple[int, int]] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    opening: Sums = field(default_factory=dict)
    closing: Sums = field(default_factory=dict)

    def copy(self) -> StepCounts:
        """One that can be counted on without touching this one."""
        return StepCounts(
            self.pages,
            self.read,
            dict(self.tallies),
            dict(self.effects),
            dict(self.reasons),
            dict(self.opening),
            dict(self.closing),
        )


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step as the ledger keeps it. `step` is `pull`, `remap`, `replay` or `sweep`."""

    run_id: str
    step: str
    status: RunStatus
    error: str | None
    started_at: datetime
    finished_at: datetime | None
    pages: int
    reasons: Mapping[str, int]
    certificate: Certificate


def begin(tx: Tx, run_id: str, action: str, now_us: int) -> None:
    """Enter a run."""
    tx.connection.execute(
        run.insert().values(run_id=run_id, action=action, started_us=now_us, status=RunStatus.RUNNING.value)
    )


def end(tx: Tx, run_id: str, status: RunStatus, error: str | None, now_us: int) -> None:
    """Note how a run ended."""
    changed = run.update().where(run.c.run_id == run_id)
    tx.connection.execute(changed.values(finished_us=now_us, status=status.value, error=error))


def abandon(tx: Tx, run_id: str, by: str, now_us: int) -> None:
    """A run whose stream another one takes over: if it still stands as running, it was interrupted (its process died)."""
    why = f"taken over by run {by} before it ended"
    for table in (run, run_stream):
        changed = table.update().where(table.c.run_id == run_id, table.c.status == RunStatus.RUNNING.value)
        tx.connection.execute(changed.values(finished_us=now_us, status=RunStatus.INTERRUPTED.value, error=why))


def begin_step(tx: Tx, run_id: str, step: str, system: str, kind: Kind, *, opening: Sums, now_us: int) -> None:
    """Enter a step; the same step of the same stream may be entered again in one run and then starts anew."""
    where = _step(run_id, step, system, kind)
    tx.connection.execute(run_stream.delete().where(where))
    empty = {"tallies": "[]", "effects": "[]", "reasons": "{}", "faults": "[]"}
    tx.connection.execute(
        run_stream.insert().values(
            run_id=run_id,
            step=step,
            system=system,
            kind=kind.value,
            started_us=now_us,
            status=RunStatus.RUNNING.value,
            pages=0,
            read=0,
            complete=False,
            audited=False,
            opening=json.dumps(opening, sort_keys=True),
            closing=json.dumps(opening, sort_keys=True),
            **empty,
        )
    )


def save_counts(tx: Tx, run_id: str, step: str, system: str, kind: Kind, counts: StepCounts) -> None:
    """Store what the step has done so far, in the transaction that does it."""
    changed = run_stream.update().where(_step(run_id, step, system, kind))
    tx.connection.execute(
        changed.values(
            pages=counts.pages,
            read=counts.read,
            tallies=_packed(counts.tallies),
            effects=_packed(counts.effects),
            reasons=json.dumps(counts.reasons, ensure_ascii=False, sort_keys=True),
            opening=json.dumps(counts.opening, sort_keys=True),
            closing=json.dumps(counts.closing, sort_keys=True),
        )
    )


def counts_of(tx: Tx, run_id: str, step: str, system: str, kind: Kind) -> StepCounts:
    """What is stored of a step: the truth after a commit whose answer was lost."""
    row = tx.connection.execute(sa.select(run_stream).where(_step(run_id, step, system, kind))).mappings().one()
    return StepCounts(
        pages=row["pages"],
        read=row["read"],
        tallies=_unpacked(row["tallies"]),
        effects=_unpacked(row["effects"]),
        reasons=json.loads(row["reasons"]),
        opening=_sums(row["opening"]),
        closing=_sums(row["closing"]),
    )


def end_step(
    tx: Tx, run_id: str, step: str, certificate: Certificate, status: RunStatus, error: str | None, now_us: int
) -> None:
    """Note how a step ended, with its certificate."""
    changed = run_stream.update().where(_step(run_id, step, certificate.system, certificate.kind))
    tx.connection.execute(
        changed.values(
            finished_us=now_us,
            status=status.value,
            error=error,
            complete=certificate.complete,
            audited=certificate.audited,
            opening=json.dumps(certificate.opening, sort_keys=True),
            closing=json.dumps(certificate.closing, sort_keys=True),
            faults=json.dumps(certificate.faults, ensure_ascii=False),
        )
    )


def recent(tx: Tx, limit: int = 20) -> list[Run]:
    """The latest runs, newest first, with their certificates."""
    rows = tx.connection.execute(sa.select(run).order_by(run.c.started_us.desc(), run.c.run_id.desc()).limit(limit))
    return [_run(tx, row) for row in rows.mappings()]


def get(tx: Tx, run_id: str) -> Run | None:
    """One run by its id, or by the beginning of it if only one run begins so."""
    beginning = run.c.run_id.startswith(run_id, autoescape=True)
    rows = tx.connection.execute(sa.select(run).where(beginning).limit(2)).mappings().all()
    exact = [row for row in rows if row["run_id"] == run_id] or (rows if len(rows) == 1 else [])
    return _run(tx, exact[0]) if exact else None


def steps_of(tx: Tx, run_id: str) -> list[StepRecord]:
    """Every step of a run, in the order they began."""
    order = (run_stream.c.started_us, run_stream.c.system, run_stream.c.kind, run_stream.c.step)
    rows = tx.connection.execute(sa.select(run_stream).where(run_stream.c.run_id == run_id).order_by(*order))
    return [_step_record(row) for row in rows.mappings()]


def _run(tx: Tx, row: sa.RowMapping) -> Run:
    return Run(
        run_id=row["run_id"],
        action=row["action"],
        started_at=from_us(row["started_us"]),
        finished_at=moment(row["finished_us"]),
        status=RunStatus(row["status"]),
        error=row["error"],
        certificates=tuple(step.certificate for step in steps_of(tx, row["run_id"])),
    )


def _step_record(row: sa.RowMapping) -> StepRecord:
    tallies = _unpacked(row["tallies"])
    certificate = Certificate(
        system=row["system"],
        kind=Kind(row["kind"]),
        read=row["read"],
        tallies=tallies_of(tallies),
        opening=_sums(row["opening"]),
        closing=_sums(row["closing"]),
        audited=row["audited"],
        complete=row["complete"],
        faults=tuple(json.loads(row["faults"])),
    )
    return StepRecord(
        run_id=row["run_id"],
        step=row["step"],
        status=RunStatus(row["status"]),
        error=row["error"],
        started_at=from_us(row["started_us"]),
        finished_at=moment(row["finished_us"]),
        pages=row["pages"],
        reasons=json.loads(row["reasons"]),
        certificate=certificate,
    )


def tallies_of(sums: Mapping[tuple[Bucket, str], tuple[int, int]]) -> tuple[Tally, ...]:
    """Sums as the model's tallies, buckets in their own order."""
    order = list(Bucket)
    keys = sorted(sums, key=lambda key: (order.index(key[0]), key[1]))
    return tuple(Tally(bucket=key[0], currency=key[1], records=sums[key][0], minor=sums[key][1]) for key in keys)


def _step(run_id: str, step: str, system: str, kind: Kind) -> sa.ColumnElement[bool]:
    return sa.and_(
        run_stream.c.run_id == run_id,
        run_stream.c.step == step,
        run_stream.c.system == system,
        run_stream.c.kind == kind.value,
    )


def _packed(sums: Mapping[tuple[Bucket, str], tuple[int, int]]) -> str:
    return json.dumps([[bucket.value, currency, *pair] for (bucket, currency), pair in sorted(sums.items())])


def _unpacked(text: str) -> dict[tuple[Bucket, str], tuple[int, int]]:
    return {(Bucket(bucket), currency): (records, minor) for bucket, currency, records, minor in json.loads(text)}


def _sums(text: str) -> Sums:
    return {currency: (records, minor) for currency, (records, minor) in json.loads(text).items()}
