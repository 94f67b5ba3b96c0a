"""Recording a run's findings, the database's side: stage them, read both sides in order of fingerprint, write what changed.

Neither side is ever held in memory as a whole.
"""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, Final

from ledgerbridge.model.exception import Code, Event, Finding, Severity, State, digest_of
from ledgerbridge.model.sighting import Sighting, Standing, Step

from . import bulk
from .tables_exceptions import exception, exception_event, exception_found
from .tx import Tx, from_us, to_us

SEVERITIES: Final = (Severity.LOW, Severity.MEDIUM, Severity.HIGH)
"""By what is stored, 1 to 3, minus 1."""
LOCK: Final = "exceptions"
"""Whoever writes exceptions takes a turn of this name: acts of people and runs do not cross."""
_PAGE: Final = 2_000

_FOUND = (
    "scope", "seq", "fingerprint", "digest", "code", "kind", "systems", "customer", "customer_name", "salesperson",
    "number", "currency", "minor", "business_on", "finding",
)  # fmt: skip
_FACTS = (
    "id", "digest", "kind", "systems", "customer", "customer_name", "number", "currency", "minor", "worth", "business_on",
    "finding",
)  # fmt: skip
_NEW = (
    *_FACTS, "scope", "fingerprint", "ordinal", "code", "state", "severity", "owner", "first_seen_us", "last_seen_us",
    "moved_us", "moved_by", "moved_text", "reopened", "comments", "waiver_two", "version",
)  # fmt: skip
_EVENT = ("exception_id", "at_us", "actor", "act", "from_state", "to_state", "why", "text", "details")


def begin(tx: Tx, scope: str) -> None:
    """Wait for other writers of exceptions, and forget what an earlier run staged."""
    tx.take_turn(LOCK)
    bulk.run(tx, "DELETE FROM exception_found WHERE scope = ?", (scope,))


def stage(tx: Tx, scope: str, findings: Iterable[Finding]) -> int:
    """Put the findings where they can be read in order; how many."""
    count = 0
    rows: list[tuple[Any, ...]] = []
    for count, found in enumerate(findings, start=1):
        rows.append(_staged(scope, count, found))
        if len(rows) == _PAGE:
            bulk.insert(tx, exception_found, _FOUND, rows)
            rows = []
    bulk.insert(tx, exception_found, _FOUND, rows)
    return count


def _staged(scope: str, seq: int, found: Finding) -> tuple[Any, ...]:
    text = found.canonical
    money = found.difference
    systems = {*found.systems, *(ref.system for ref in found.refs)}
    return (
        scope,
        seq,
        found.fingerprint,
        digest_of(text),
        found.code.value,
        found.kind.value,
        f" {' '.join(sorted(systems))} ",
        found.customer,
        found.customer_name,
        found.salesperson,
        found.number,
        money.currency if money else None,
        money.minor if money else None,
        found.business_on.isoformat() if found.business_on else None,
        text,
    )


def sightings(tx: Tx, scope: str) -> Iterator[Sighting]:
    """What was staged, by fingerprint."""
    sql = (
        "SELECT seq, fingerprint, digest, code, systems, customer, customer_name, salesperson, currency, minor, business_on "
        "FROM exception_found WHERE scope = ? AND (fingerprint, seq) > (?, ?) ORDER BY fingerprint, seq LIMIT ?"
    )
    last: tuple[str, int] = ("", 0)
    while rows := bulk.rows_of(tx, sql, (scope, *last, _PAGE)):
        for row in rows:
            yield Sighting(
                seq=row[0],
                fingerprint=row[1],
                digest=row[2],
                code=Code(row[3]),
                systems=tuple(row[4].split()),
                customer=row[5],
                customer_name=row[6],
                salesperson=row[7],
                currency=row[8],
                minor=row[9],
                business_on=_day(row[10]),
            )
        last = (rows[-1][1], rows[-1][0])


def standings(tx: Tx, scope: str) -> Iterator[Standing]:
    """What is stored of a scope, by fingerprint and ordinal, those that are gone included."""
    sql = (
        "SELECT id, fingerprint, ordinal, digest, code, state, severity, owner, currency, minor, judged_minor, business_on, "
        "first_seen_us, moved_us, reopened, waiver_by IS NOT NULL, waiver_until, decision IS NOT NULL "
        "FROM exception WHERE scope = ? AND (fingerprint, ordinal) > (?, ?) ORDER BY fingerprint, ordinal LIMIT ?"
    )
    last: tuple[str, int] = ("", 0)
    while rows := bulk.rows_of(tx, sql, (scope, *last, _PAGE)):
        for row in rows:
            yield Standing(
                id=row[0],
                fingerprint=row[1],
                ordinal=row[2],
                digest=row[3],
                code=Code(row[4]),
                state=State(row[5]),
                severity=SEVERITIES[row[6] - 1],
                owner=row[7],
                currency=row[8],
                minor=row[9],
                judged_minor=row[10],
                business_on=_day(row[11]),
                first_seen_at=from_us(row[12]),
                moved_at=from_us(row[13]),
                reopened=row[14],
                has_waiver=bool(row[15]),
                waiver_until=_day(row[16]),
                has_decision=bool(row[17]),
            )
        last = (rows[-1][1], rows[-1][2])


def carry_out(tx: Tx, scope: str, steps: Sequence[Step], now_us: int) -> None:
    """Store steps and their events. No exception twice among them."""
    texts = _texts(tx, scope, [step.sighting.seq for step in steps if step.sighting is not None])
    new = [step for step in steps if step.standing is None]
    old = [step for step in steps if step.standing is not None]
    bulk.insert(tx, exception, _NEW, [_new_row(scope, step, texts, now_us) for step in new])
    seen = [step for step in old if step.sighting is not None]
    bulk.update(tx, exception, _FACTS, [_facts(step, texts) for step in seen])
    bulk.update(tx, exception, ("id", "severity"), [(step.id, SEVERITIES.index(step.severity) + 1) for step in old])
    moved = [step for step in old if step.moved]
    columns = ("id", "state", "moved_us", "moved_by", "moved_text", "reopened")
    bulk.update(tx, exception, columns, [_moved_row(step, now_us) for step in moved])
    _set(
        tx,
        "waiver_by = NULL, waiver_us = NULL, waiver_text = NULL, waiver_until = NULL, waiver_two = FALSE, waiver_second = NULL",
        [step.id for step in old if step.drop_waiver],
    )
    _set(tx, "decision = NULL, remedy = NULL", [step.id for step in old if step.drop_decision])
    unjudged = [step.id for step in old if step.drop_waiver or step.drop_decision or (step.moved and step.sighting)]
    _set(tx, "judged_minor = NULL", unjudged)
    _set(tx, "version = version + 1", [step.id for step in old])
    add_events(tx, ((step.id, event) for step in steps for event in step.events))


def finish(tx: Tx, scope: str, now_us: int) -> None:
    """Note what was seen, and empty the stage."""
    bulk.run(
        tx,
        "UPDATE exception SET last_seen_us = ? WHERE scope = ? AND state <> 'gone' AND EXISTS (SELECT 1 FROM exception_found f "
        "WHERE f.scope = exception.scope AND f.fingerprint = exception.fingerprint)",
        (now_us, scope),
    )
    bulk.run(tx, "DELETE FROM exception_found WHERE scope = ?", (scope,))


def add_events(tx: Tx, events: Iterable[tuple[str, Event]]) -> None:
    """Append events of exceptions."""
    rows = [
        (
            exception_id,
            to_us(event.at),
            event.actor,
            event.act.value,
            event.from_state.value,
            event.to_state.value,
            event.why.value if event.why else None,
            event.text,
            json.dumps(event.details, ensure_ascii=False, sort_keys=True),
        )
        for exception_id, event in events
    ]
    bulk.insert(tx, exception_event, _EVENT, rows)


def _texts(tx: Tx, scope: str, seqs: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    """Per place among the findings: its row without scope and place."""
    if not seqs:
        return {}
    condition, parameter = bulk.among(tx, "seq", seqs)
    sql = (
        "SELECT seq, digest, kind, systems, customer, customer_name, number, currency, minor, abs(coalesce(minor, 0)), "
        f"business_on, finding FROM exception_found WHERE scope = {'?' if tx.sqlite else '%s'} AND {condition}"
    )
    cursor = tx.cursor()
    cursor.execute(sql, (scope, parameter))
    return {row[0]: tuple(row[1:]) for row in cursor.fetchall()}


def _facts(step: Step, texts: dict[int, tuple[Any, ...]]) -> tuple[Any, ...]:
    assert step.sighting is not None
    return (step.id, *texts[step.sighting.seq])


def _new_row(scope: str, step: Step, texts: dict[int, tuple[Any, ...]], now_us: int) -> tuple[Any, ...]:
    assert step.sighting is not None
    return (
        *_facts(step, texts),
        scope,
        step.fingerprint,
        step.ordinal,
        step.sighting.code.value,
        step.state.value,
        SEVERITIES.index(step.severity) + 1,
        step.owner,
        now_us,
        now_us,
        now_us,
        "ledgerbridge",
        "",
        0,
        0,
        False,
        1,
    )


def _moved_row(step: Step, now_us: int) -> tuple[Any, ...]:
    assert step.standing is not None
    reopened = step.standing.reopened + (step.state is not State.GONE)
    return (step.id, step.state.value, now_us, step.events[-1].actor, "", reopened)


def _set(tx: Tx, sets: str, ids: Sequence[str]) -> None:
    if ids:
        condition, parameter = bulk.among(tx, "id", ids)
        tx.cursor().execute(f"UPDATE exception SET {sets} WHERE {condition}", (parameter,))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
