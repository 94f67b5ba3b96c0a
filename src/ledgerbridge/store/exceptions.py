"""Exceptions as people see them: look up, list, count, store an act, and read the decisions that plans carry out."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from ledgerbridge.errors import StaleRecord
from ledgerbridge.model.base import Kind
from ledgerbridge.model.currency import EXPONENTS
from ledgerbridge.model.exception import (
    PLAN_CHANGES,
    Act,
    Code,
    Decision,
    Event,
    ExceptionRecord,
    Finding,
    PlannedDecision,
    Severity,
    Side,
    State,
    Waiver,
    Why,
)

from .exception_merge import SEVERITIES, add_events
from .tables_exceptions import exception as table
from .tables_exceptions import exception_event
from .tx import Tx, from_us, to_us

OPEN_STATES: Final = (State.OPEN, State.TAKEN)
_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which exceptions. What is empty does not narrow. `customer` is an entity id or a part of the name; `owner` "" asks for
    those of nobody; `at_least` is a difference without sign, in whole units of whatever currency; `waiting` asks for
    waivers that wait for a second person.
    """

    codes: Collection[Code] = ()
    states: Collection[State] = OPEN_STATES
    severities: Collection[Severity] = ()
    scope: str | None = None
    kind: Kind | None = None
    owner: str | None = None
    customer: str | None = None
    system: str | None = None
    at_least: Decimal | None = None
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """How many exceptions of one code, severity, owner, state and currency there are, and their signed sum."""

    code: Code
    severity: Severity
    state: State
    owner: str | None
    currency: str | None
    records: int
    minor: int


def find(tx: Tx, prefix: str) -> list[ExceptionRecord]:
    """Those whose id begins so, two at most: one is the answer, two are ambiguous."""
    query = sa.select(table).where(table.c.id.startswith(prefix, autoescape=True)).order_by(table.c.id).limit(2)
    return [_record(row) for row in tx.connection.execute(query).mappings()]


def many(tx: Tx, ids: Collection[str]) -> dict[str, ExceptionRecord]:
    """By id; ids that are not there are left out."""
    found: dict[str, ExceptionRecord] = {}
    wanted = list(ids)
    for at in range(0, len(wanted), 500):
        query = sa.select(table).where(table.c.id.in_(wanted[at : at + 500]))
        found |= {row["id"]: _record(row) for row in tx.connection.execute(query).mappings()}
    return found


def listed(tx: Tx, wanted: Wanted, *, limit: int) -> list[ExceptionRecord]:
    """The most severe first, then the largest amount."""
    order = (table.c.severity.desc(), table.c.worth.desc(), table.c.id)
    query = _narrowed(sa.select(table), wanted).order_by(*order).limit(limit)
    return [_record(row) for row in tx.connection.execute(query).mappings()]


def every(tx: Tx, wanted: Wanted) -> Iterator[ExceptionRecord]:
    """All of them, a page at a time: by code, the most severe first, then the largest amount."""
    query = _narrowed(sa.select(table), wanted).limit(_PAGE)
    query = query.order_by(table.c.code, table.c.severity.desc(), table.c.worth.desc(), table.c.id)
    last: sa.RowMapping | None = None
    while True:
        page = query if last is None else query.where(_behind(last))
        rows = tx.connection.execute(page).mappings().all()
        for row in rows:
            yield _record(row)
        if len(rows) < _PAGE:
            return
        last = rows[-1]


def _behind(last: sa.RowMapping) -> sa.ColumnElement[bool]:
    columns = sa.tuple_(table.c.code, -table.c.severity, -table.c.worth, table.c.id)
    values = (last["code"], -last["severity"], -last["worth"], last["id"])
    return columns > sa.tuple_(*map(sa.literal, values))


def count(tx: Tx, wanted: Wanted) -> int:
    """How many there are."""
    query = _narrowed(sa.select(sa.func.count()).select_from(table), wanted)
    return int(tx.connection.execute(query).scalar_one())


def counts(tx: Tx, wanted: Wanted) -> list[Count]:
    """How many, and how much, by code, severity, state, owner and currency."""
    group = (table.c.code, table.c.severity, table.c.state, table.c.owner, table.c.currency)
    query = _narrowed(sa.select(*group, sa.func.count(), sa.func.sum(sa.func.coalesce(table.c.minor, 0))), wanted)
    rows = tx.connection.execute(query.group_by(*group).order_by(*group[:3]))
    return [
        Count(Code(code), SEVERITIES[rank - 1], State(state), owner, currency, int(records), int(minor))
        for code, rank, state, owner, currency, records, minor in rows
    ]


def events(tx: Tx, exception_id: str) -> list[Event]:
    """What happened to one, oldest first."""
    query = sa.select(exception_event).where(exception_event.c.exception_id == exception_id)
    return [_event(row) for row in tx.connection.execute(query.order_by(exception_event.c.seq)).mappings()]


def save(tx: Tx, record: ExceptionRecord, happened: Sequence[Event]) -> None:
    """Store what acts made of a record, one event a version. StaleRecord if it has changed since it was read."""
    before = record.version - len(happened)
    waiver, decision = record.waiver, record.decision
    query = (
        table.update()
        .where(table.c.id == record.id, table.c.version == before)
        .values(
            state=record.state.value,
            owner=record.owner,
            moved_us=to_us(record.moved_at),
            moved_by=record.moved_by,
            moved_text=record.moved_text,
            judged_minor=record.judged_minor,
            reopened=record.reopened,
            comments=record.comments,
            waiver_by=waiver.by if waiver else None,
            waiver_us=to_us(waiver.at) if waiver else None,
            waiver_text=waiver.text if waiver else None,
            waiver_until=waiver.until.isoformat() if waiver and waiver.until else None,
            waiver_two=bool(waiver and waiver.needs_second),
            waiver_second=waiver.second if waiver else None,
            decision=json.dumps(decision.model_dump(mode="json"), ensure_ascii=False) if decision else None,
            remedy=decision.remedy.value if decision else None,
            version=record.version,
        )
    )
    if tx.connection.execute(query).rowcount != 1:
        raise StaleRecord(f"{record.id} was changed by somebody else; look at it again")
    add_events(tx, ((record.id, event) for event in happened))


def decisions_to_plan(tx: Tx, kind: Kind | None = None) -> Iterator[PlannedDecision]:
    """The decisions in force (about one kind, or all) that a plan can carry out, by exception id, a page at a time.

    A decision is in force while its exception is open or taken: once a later run no longer finds the cause, the exception is
    gone and so is the decision. Findings without the system that a remedy writes to are left out.
    """
    remedies = [remedy.value for remedy in PLAN_CHANGES]
    query = (
        sa.select(table)
        .where(table.c.remedy.in_(remedies), table.c.state.in_([state.value for state in OPEN_STATES]))
        .order_by(table.c.id)
        .limit(_PAGE)
    )
    if kind is not None:
        query = query.where(table.c.kind == kind.value)
    after = ""
    while rows := tx.connection.execute(query.where(table.c.id > after)).mappings().all():
        for row in rows:
            planned = _planned(_record(row))
            if planned is not None:
                yield planned
        after = rows[-1]["id"]


def _planned(record: ExceptionRecord) -> PlannedDecision | None:
    decision, found = record.decision, record.finding
    systems = found.systems or tuple(dict.fromkeys(ref.system for ref in found.refs))
    if decision is None or len(systems) < 2:
        return None
    action, side = PLAN_CHANGES[decision.remedy]
    return PlannedDecision(
        exception=record.id,
        remedy=decision.remedy,
        action=action,
        system=systems[0] if side is Side.LEADING else systems[-1],
        source=systems[-1] if side is Side.LEADING else systems[0],
        kind=found.kind,
        entity=found.entity,
        refs=found.refs,
        fields=decision.fields or found.fields,
        by=decision.by,
        at=decision.at,
        text=decision.text,
        seen=decision.seen,
    )


def _narrowed(query: sa.Select[Any], wanted: Wanted) -> sa.Select[Any]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.codes:
        conditions.append(table.c.code.in_([code.value for code in wanted.codes]))
    if wanted.states:
        conditions.append(table.c.state.in_([state.value for state in wanted.states]))
    if wanted.severities:
        conditions.append(table.c.severity.in_([SEVERITIES.index(severity) + 1 for severity in wanted.severities]))
    if wanted.scope is not None:
        conditions.append(table.c.scope == wanted.scope)
    if wanted.kind is not None:
        conditions.append(table.c.kind == wanted.kind.value)
    if wanted.owner is not None:
        conditions.append(table.c.owner == wanted.owner if wanted.owner else table.c.owner.is_(None))
    if wanted.customer is not None:
        named = table.c.customer_name.contains(wanted.customer, autoescape=True)
        conditions.append(sa.or_(table.c.customer == wanted.customer, named))
    if wanted.system is not None:
        conditions.append(table.c.systems.contains(f" {wanted.system} ", autoescape=True))
    if wanted.at_least is not None:
        conditions.append(_at_least(wanted.at_least))
    if wanted.waiting:
        conditions.append(sa.and_(table.c.waiver_by.is_not(None), table.c.state.in_(["open", "taken"])))
    return query.where(*conditions)


def _at_least(amount: Decimal) -> sa.ColumnElement[bool]:
    """A currency's minor units are not another's: one limit for each number of decimals."""
    parts = []
    for places in sorted(set(EXPONENTS.values())):
        codes = [code for code, decimals in EXPONENTS.items() if decimals == places]
        limit = int((amount * 10**places).to_integral_value(rounding="ROUND_CEILING"))
        parts.append(sa.and_(table.c.currency.in_(codes), table.c.worth >= limit))
    return sa.or_(*parts)


def _record(row: sa.RowMapping) -> ExceptionRecord:
    waiver = None
    if row["waiver_by"] is not None:
        until = row["waiver_until"]
        waiver = Waiver(
            by=row["waiver_by"],
            at=from_us(row["waiver_us"]),
            text=row["waiver_text"],
            until=date.fromisoformat(until) if until else None,
            needs_second=bool(row["waiver_two"]),
            second=row["waiver_second"],
        )
    return ExceptionRecord(
        id=row["id"],
        scope=row["scope"],
        ordinal=row["ordinal"],
        finding=Finding.model_validate_json(row["finding"]),
        state=State(row["state"]),
        severity=SEVERITIES[row["severity"] - 1],
        owner=row["owner"],
        first_seen_at=from_us(row["first_seen_us"]),
        last_seen_at=from_us(row["last_seen_us"]),
        moved_at=from_us(row["moved_us"]),
        moved_by=row["moved_by"],
        moved_text=row["moved_text"],
        judged_minor=row["judged_minor"],
        reopened=row["reopened"],
        comments=row["comments"],
        waiver=waiver,
        decision=Decision.model_validate_json(row["decision"]) if row["decision"] else None,
        version=row["version"],
    )


def _event(row: sa.RowMapping) -> Event:
    return Event(
        at=from_us(row["at_us"]),
        actor=row["actor"],
        act=Act(row["act"]),
        from_state=State(row["from_state"]),
        to_state=State(row["to_state"]),
        why=Why(row["why"]) if row["why"] else None,
        text=row["text"],
        details=json.loads(row["details"]),
    )
