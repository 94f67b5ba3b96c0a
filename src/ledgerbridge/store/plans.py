"""Plans: what would be written, row by row, and where each plan stands.

A plan's rows never change; what becomes of them stands with their operations. Whoever stores a plan holds the lock
:func:`lock_of` its flow, so that there is at most one open plan of a flow.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from ledgerbridge.errors import StaleRecord
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.plan import OPEN_STATES, PLAN_TRANSITIONS, Held, PlanHead, Planned, PlanState, Summary

from . import bulk
from .tables_plans import plan, plan_conflict, plan_held, plan_row
from .tx import Tx, from_us, to_us

_CHUNK: Final = 1000
_ROW: Final = ("plan_id", "seq", "change_key", "action", "system", "entity_id", "title", "currency", "change", "needs")
_HELD: Final = ("plan_id", "seq", "reason", "entity_id", "held")
_CONFLICT: Final = ("plan_id", "seq", "conflict_key")
_T = TypeVar("_T")
_RAN: Final = (PlanState.APPROVED, PlanState.DONE, PlanState.ENDED)


def lock_of(flow: str) -> str:
    """The name under which those who store or approve plans of a flow take turns; for ``Store.writing(lock=…)``."""
    return f"plan/{flow}"


def add(
    tx: Tx, head: PlanHead, rows: Iterable[Planned] = (), held: Iterable[Held] = (), conflicts: Iterable[str] = ()
) -> None:
    """Store a plan. `rows` in the order of their `seq`; `conflicts` are keys. Taken chunk by chunk: memory stays flat."""
    tx.connection.execute(
        plan.insert().values(
            plan_id=head.plan_id,
            flow=head.flow,
            state=head.state.value,
            made_us=to_us(head.made_at),
            state_us=to_us(head.made_at),
            inputs=_json(head.inputs),
            why_waiting=_json(list(head.why_waiting)),
            summary=head.summary.model_dump_json(),
            digest=head.digest,
            undoes=head.undoes,
        )
    )
    for planned in _some(rows):
        bulk.insert(tx, plan_row, _ROW, [_row(head.plan_id, one) for one in planned])
    for some in _some(enumerate(held, 1)):
        values = [
            (head.plan_id, seq, h.reason.value, h.entity, h.model_dump_json(exclude_defaults=True)) for seq, h in some
        ]
        bulk.insert(tx, plan_held, _HELD, values)
    for keys in _some(enumerate(conflicts, 1)):
        bulk.insert(tx, plan_conflict, _CONFLICT, [(head.plan_id, seq, key) for seq, key in keys])


def head(tx: Tx, plan_id: str) -> PlanHead | None:
    """One plan without its rows."""
    row = tx.connection.execute(sa.select(plan).where(plan.c.plan_id == plan_id)).mappings().first()
    return None if row is None else _head(row)


def find(tx: Tx, start: str, *, limit: int = 10) -> list[PlanHead]:
    """Plans whose id begins so: what a person types."""
    query = sa.select(plan).where(plan.c.plan_id.startswith(start, autoescape=True)).order_by(plan.c.plan_id)
    return [_head(row) for row in tx.connection.execute(query.limit(limit)).mappings()]


def heads(
    tx: Tx, *, flow: str | None = None, states: Collection[PlanState] | None = None, limit: int = 50
) -> list[PlanHead]:
    """Plans, the newest first."""
    query = sa.select(plan).order_by(plan.c.made_us.desc(), plan.c.plan_id.desc()).limit(limit)
    if flow is not None:
        query = query.where(plan.c.flow == flow)
    if states is not None:
        query = query.where(plan.c.state.in_([state.value for state in states]))
    return [_head(row) for row in tx.connection.execute(query).mappings()]


def latest(tx: Tx, flow: str) -> PlanHead | None:
    """The newest plan of a flow, whatever has become of it."""
    found = heads(tx, flow=flow, limit=1)
    return found[0] if found else None


def open_of(tx: Tx, flow: str) -> PlanHead | None:
    """The plan of a flow that nobody has approved yet."""
    found = heads(tx, flow=flow, states=OPEN_STATES, limit=1)
    return found[0] if found else None


def flow_runs(tx: Tx, flow: str) -> bool:
    """Whether a plan of this flow was ever approved, or found that there is nothing to do: the next one is not its first."""
    query = sa.select(plan.c.plan_id).where(plan.c.flow == flow, plan.c.state.in_([state.value for state in _RAN]))
    return tx.connection.execute(query.limit(1)).first() is not None


def set_state(tx: Tx, plan_id: str, state: PlanState, *, now_us: int) -> PlanHead:
    """Move a plan on, and give it as it is now. StaleRecord if the plan is not in a state that `state` may follow."""
    before = [old.value for old, new in PLAN_TRANSITIONS if new is state]
    done = tx.connection.execute(
        plan.update()
        .where(plan.c.plan_id == plan_id, plan.c.state.in_(before))
        .values(state=state.value, state_us=now_us)
    ).rowcount
    now = head(tx, plan_id)
    if now is None:
        raise StaleRecord(f"there is no plan {plan_id}")
    if done == 0:
        raise StaleRecord(f"the plan {plan_id} is {now.state}; it cannot become {state}")
    return now


def rows(
    tx: Tx, plan_id: str, *, after_seq: int = 0, limit: int = _CHUNK, action: Action | None = None
) -> list[Planned]:
    """A stretch of a plan's rows in order; go on with `after_seq` the last one's."""
    columns = (plan_row.c.seq, plan_row.c.title, plan_row.c.currency, plan_row.c.change, plan_row.c.needs)
    query = sa.select(*columns).where(plan_row.c.plan_id == plan_id, plan_row.c.seq > after_seq)
    if action is not None:
        query = query.where(plan_row.c.action == action.value)
    found = tx.connection.execute(query.order_by(plan_row.c.seq).limit(limit))
    return [
        Planned(
            seq=seq,
            change=Change.model_validate_json(change),
            title=title,
            currency=currency,
            needs=tuple(json.loads(needs)),
        )
        for seq, title, currency, change, needs in found
    ]


def every_row(tx: Tx, plan_id: str, *, action: Action | None = None) -> Iterator[Planned]:
    """All rows of a plan in order, within the transaction: memory stays flat."""
    after = 0
    while found := rows(tx, plan_id, after_seq=after, action=action):
        yield from found
        after = found[-1].seq


def held(tx: Tx, plan_id: str) -> Iterator[Held]:
    """All records that a plan holds back, within the transaction."""
    after = 0
    while True:
        query = sa.select(plan_held.c.seq, plan_held.c.held).where(
            plan_held.c.plan_id == plan_id, plan_held.c.seq > after
        )
        found = tx.connection.execute(query.order_by(plan_held.c.seq).limit(_CHUNK)).all()
        yield from (Held.model_validate_json(row.held) for row in found)
        if len(found) < _CHUNK:
            return
        after = found[-1].seq


def conflict_keys(tx: Tx, plan_id: str) -> list[str]:
    """The conflicts that were open when the plan was made."""
    query = sa.select(plan_conflict.c.conflict_key).where(plan_conflict.c.plan_id == plan_id)
    return list(tx.connection.execute(query.order_by(plan_conflict.c.seq)).scalars())


def with_key(tx: Tx, change_key: str) -> list[tuple[str, int]]:
    """Where a change stands: plan id and seq, the newest plan first."""
    sql = (
        "SELECT r.plan_id, r.seq FROM plan_row r JOIN plan p ON p.plan_id = r.plan_id WHERE r.change_key = ? "
        "ORDER BY p.made_us DESC, r.plan_id DESC"
    )
    return [(row[0], int(row[1])) for row in bulk.rows_of(tx, sql, (change_key,))]


def _some(items: Iterable[_T]) -> Iterator[list[_T]]:
    source = iter(items)
    while found := list(islice(source, _CHUNK)):
        yield found


def _row(plan_id: str, one: Planned) -> tuple[Any, ...]:
    change = one.change
    return (
        plan_id,
        one.seq,
        change.key,
        change.action.value,
        change.system,
        change.entity,
        one.title,
        one.currency,
        change.model_dump_json(exclude_defaults=True),
        _json(list(one.needs)),
    )


def _head(row: sa.RowMapping) -> PlanHead:
    return PlanHead(
        plan_id=row["plan_id"],
        flow=row["flow"],
        state=PlanState(row["state"]),
        made_at=from_us(row["made_us"]),
        inputs=json.loads(row["inputs"]),
        why_waiting=tuple(json.loads(row["why_waiting"])),
        summary=Summary.model_validate_json(row["summary"]),
        digest=row["digest"],
        undoes=row["undoes"],
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
