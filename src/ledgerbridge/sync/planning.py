"""From linked copies to a stored plan: what would be written, and nothing is.

One consistent picture of the store is read in chunks; pairs at rest never leave the database. What is found is put aside and
stored in one short transaction: plan, operations (as `planned`) and conflicts. A flow has at most one open plan: a newer one
takes the place of an older one unless it says the same.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, TypeVar

from pydantic import JsonValue

from ledgerbridge import log
from ledgerbridge.clock import Clock
from ledgerbridge.errors import StaleRecord, Stopped
from ledgerbridge.model.identity import MACHINE
from ledgerbridge.model.operation import Intent, OpState
from ledgerbridge.model.plan import OPEN_STATES, PlanHead, Planned, PlanState
from ledgerbridge.reconciler.planning import Desk, FlowRules, Traffic, admit, order_key, plan_entity, state_of
from ledgerbridge.reconciler.planning.gate import UNFINISHED
from ledgerbridge.store import Store, Tx, agreed, audit, conflicts, operations, pending, plans, to_us
from ledgerbridge.store.agreed import Agreed, Pairing

from .planning_findings import Findings
from .planning_reading import Looked, Reading, not_ready

_LOG = log.get(__name__)
_CHUNK: Final = 500
_IDS: Final = 50_000
"""Ids of unsettled pairs fetched at once: a server without statistics walks all links for each fetch, so there should be few."""
_WRITE: Final = 2_000
_TRIES: Final = 3
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Made:
    """What planning one flow came to. `head` is None if the flow cannot be planned yet, which `not_ready` explains.

    `same`: nothing has changed since the plan that is given, so no new one was stored.
    """

    flow: str
    head: PlanHead | None
    not_ready: str | None = None
    same: bool = False


@dataclass(frozen=True, slots=True)
class _Basis:
    """The plans of the flow as they were when reading began."""

    latest: PlanHead | None
    open: PlanHead | None
    first: bool
    inputs: dict[str, str]
    linked: int


def make_plan(
    store: Store, rules: FlowRules, clock: Clock, *, actor: str = MACHINE, stop: Callable[[], bool] | None = None
) -> Made:
    """Plan one flow and store the plan; writes nothing to any system. `actor`: who asked for it, for the audit log.

    Link before (``sync.linking.link_all``), and plan customers before what refers to them. StaleRecord if others changed the
    flow's plans faster than it could be planned, three times; :class:`Stopped` once `stop` says so.
    """
    for left in reversed(range(_TRIES)):
        try:
            return _made(store, rules, clock, actor, stop or (lambda: False))
        except StaleRecord:
            if not left:
                raise
    raise AssertionError


def _made(store: Store, rules: FlowRules, clock: Clock, actor: str, stop: Callable[[], bool]) -> Made:
    began = clock.monotonic()
    with Findings() as findings:
        with store.reading() as tx:
            why = not_ready(tx, rules)
            if why is not None:
                return Made(rules.name, None, why)
            basis = _basis(tx, rules)
            at = clock.now()
            if basis.latest is not None:
                at = max(at, basis.latest.made_at + timedelta(microseconds=1))
            _survey(tx, rules, findings, at, stop)
        findings.finish()
        _keep_agreed(store, rules, findings, to_us(at))
        made = _stored(store, rules, findings, basis, at, actor)
    summary = made.head.summary if made.head else None
    _LOG.info(
        "plan made",
        flow=rules.name,
        plan_id=made.head.plan_id if made.head else None,
        same=made.same,
        looked_at=findings.looked_at,
        changes=summary.changes if summary else 0,
        conflicts=summary.conflicts if summary else 0,
        held=sum(summary.held.values()) if summary else 0,
        elapsed_ms=int((clock.monotonic() - began) * 1000),
    )
    return made


def _basis(tx: Tx, rules: FlowRules) -> _Basis:
    flow = rules.flow
    of = _pairing(rules)
    inputs = {f"{name}/{flow.kind}": pending.stream_digest(tx, name, flow.kind) for name in (flow.left, flow.right)}
    first = not plans.flow_runs(tx, rules.name)
    return _Basis(
        plans.latest(tx, rules.name), plans.open_of(tx, rules.name), first, inputs, agreed.linked_count(tx, of)
    )


def _pairing(rules: FlowRules) -> Pairing:
    flow = rules.flow
    return Pairing(rules.name, flow.kind, flow.left, flow.right, rules.fingerprint, rules.right.parts)


def _survey(tx: Tx, rules: FlowRules, findings: Findings, at: datetime, stop: Callable[[], bool]) -> None:
    """Decide about every entity that is not at rest, or that people decided about."""
    reading = Reading.begin(tx, rules, at)
    for ids in _stretches(tx, reading.of, reading.decisions):
        if stop():
            raise Stopped
        decided = []
        for one in reading.looked(ids):
            decided.append((one, Desk(rules, one.subject, plan_entity(rules, one.subject))))
        traffic = _traffic(reading, [desk for _, desk in decided])
        postponed = reading.postponed(ids) if any(desk.outcome.conflicts for _, desk in decided) else set()
        for one, desk in decided:
            admit(desk, traffic)
            findings.take(one, desk.outcome, postponed)
            row = _agreed_row(rules, one, desk, to_us(at))
            if row is not None:
                findings.note(row, one.before.at_us if one.before else None)


def _stretches(tx: Tx, of: Pairing, decided: Collection[str]) -> Iterator[list[str]]:
    """Entities that are not at rest, a chunk at a time: first those with a record at the left, then the others; last those
    that are, but that people decided about.
    """
    at_rest = set(decided)
    for ids_after in (agreed.unsettled, agreed.unsettled_right):
        after = ""
        while found := ids_after(tx, of, after=after, limit=_IDS):
            at_rest.difference_update(found)
            for start in range(0, len(found), _CHUNK):
                yield found[start : start + _CHUNK]
            if len(found) < _IDS:
                break
            after = found[-1]
    rest = sorted(at_rest)
    yield from (rest[start : start + _CHUNK] for start in range(0, len(rest), _CHUNK))


def _traffic(reading: Reading, desks: Sequence[Desk]) -> Traffic:
    """What is being or was written of the changes at hand."""
    changes = [draft.change for desk in desks for draft in desk.outcome.drafts]
    if not changes:
        return Traffic()
    tx, order_keys = reading.tx, {order_key(change) for change in changes}
    since = to_us(reading.now - timedelta(hours=reading.rules.flow.writes_window_hours))
    return Traffic(
        unfinished=frozenset(pending.open_order_keys(tx, order_keys, UNFINISHED)),
        by_key=reading.states_of({change.key for change in changes}),
        writes=pending.writes_since(tx, order_keys, since),
    )


def _agreed_row(rules: FlowRules, one: Looked, desk: Desk, now_us: int) -> Agreed | None:
    """What is agreed now, if that is not what stands there already."""
    rests, before = desk.outcome.rests, one.before
    hashes = (one.left_hash, one.right_hash) if rests else (None, None)
    fields = desk.outcome.bases
    if before is None and not rests and not fields:
        return None
    row = Agreed.of(rules.name, one.subject.entity, *hashes, rules.fingerprint, rests, fields, now_us)
    return None if before is not None and before._replace(at_us=now_us) == row else row


def _keep_agreed(store: Store, rules: FlowRules, findings: Findings, now_us: int) -> None:
    """Store what was agreed, in transactions of their own: each row is true by itself, plan or no plan."""
    for some in _some(findings.agreed_rows(rules.name, rules.fingerprint, now_us), _WRITE):
        with store.writing(lock=plans.lock_of(rules.name), durable=False) as tx:
            agreed.put_many(tx, [row for row, _ in some], unless_moved={row.entity_id: at_us for row, at_us in some})


def _stored(store: Store, rules: FlowRules, findings: Findings, basis: _Basis, at: datetime, actor: str) -> Made:
    summary = findings.summary(linked=basis.linked)
    state, reasons = state_of(rules.flow, summary, first=basis.first)
    with store.writing(lock=plans.lock_of(rules.name)) as tx:
        for now, then in ((plans.latest(tx, rules.name), basis.latest), (plans.open_of(tx, rules.name), basis.open)):
            if (now and (now.plan_id, now.state)) != (then and (then.plan_id, then.state)):
                raise StaleRecord(f"the plans of {rules.name} changed while it was being planned; plan again")
        _note_conflicts(tx, rules, findings, to_us(at))
        latest = basis.latest
        if latest is not None and _says_the_same(latest, findings.digest, state, reasons):
            return Made(rules.name, latest, same=True)
        if basis.open is not None:
            plans.set_state(tx, basis.open.plan_id, PlanState.SUPERSEDED, now_us=to_us(at))
            operations.cancel(tx, basis.open.plan_id, at, "a newer plan took its place")
        head = PlanHead(
            plan_id=f"{at:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
            flow=rules.name,
            state=state,
            made_at=at,
            inputs=basis.inputs,
            why_waiting=reasons,
            summary=summary,
            digest=findings.digest,
        )
        plans.add(tx, head, findings.planned(), findings.held(), findings.open_conflicts())
        _hand_over(tx, head, findings.planned(), at)
        details: dict[str, JsonValue] = {"flow": head.flow, "digest": head.digest, "changes": summary.changes}
        audit.append(tx, actor=actor, action="plan made", subject=f"plan/{head.plan_id}", details=details, at=at)
    return Made(rules.name, head)


def _says_the_same(latest: PlanHead, digest: str, state: PlanState, reasons: tuple[str, ...]) -> bool:
    """Whether the newest plan still stands for what was found: open, or with nothing to do; and for the same reasons."""
    standing = latest.state in OPEN_STATES or (latest.state is PlanState.DONE and not latest.summary.changes)
    return standing and (latest.digest, latest.state, latest.why_waiting) == (digest, state, reasons)


def _note_conflicts(tx: Tx, rules: FlowRules, findings: Findings, now_us: int) -> None:
    for met in _some(findings.conflicts(), _CHUNK):
        conflicts.seen(tx, met, now_us=now_us)
    conflicts.still(tx, findings.by_person, now_us=now_us)
    conflicts.gone(tx, rules.name, before_us=now_us)


def _hand_over(tx: Tx, head: PlanHead, planned: Iterable[Planned], at: datetime) -> None:
    """Store the operations, as `planned`: approval lets them go."""
    for some in _some(planned, _WRITE):
        intents = [Intent(change=one.change, order_key=order_key(one.change), needs=one.needs) for one in some]
        found = operations.add(tx, head.plan_id, intents, OpState.PLANNED, at)
        if found.known or found.held:
            raise StaleRecord(f"some changes of {head.flow} were planned or written meanwhile; plan again")


def _some(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    source = iter(items)
    while found := list(islice(source, size)):
        yield found


def as_plain(made: Made) -> dict[str, Any]:
    """The result of planning one flow, for machines."""
    head = None if made.head is None else json.loads(made.head.model_dump_json())
    return {"flow": made.flow, "plan": head, "not_ready": made.not_ready, "same": made.same}
