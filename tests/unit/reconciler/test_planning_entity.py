"""What becomes of one entity: over any two records, any flow and any past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from ledgerbridge.model.agreed import Base, Bases
from ledgerbridge.model.base import Kind, Version
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.flow import LATEST, MANUAL, Direction, Flow
from ledgerbridge.model.operation import OpState
from ledgerbridge.model.plan import HeldReason
from ledgerbridge.reconciler.merge import may_change, owners_of
from ledgerbridge.reconciler.planning import (
    Copy,
    Desk,
    FlowRules,
    Outcome,
    Side,
    Subject,
    Targets,
    Traffic,
    admit,
    order_key,
    plan_entity,
)

UNITS = {
    "name": frozenset[str](),
    "fax": frozenset[str](),
    "remark": frozenset[str](),
    "category": frozenset[str](),
    "contacts": frozenset({"name", "phone"}),
}
EVERY = frozenset(UNITS)
flows = st.builds(
    Flow,
    kind=st.just(Kind.CUSTOMER),
    left=st.just("erp"),
    right=st.just("crm"),
    direction=st.sampled_from(list(Direction)),
    owner=st.lists(st.sampled_from(["erp", "crm", LATEST, MANUAL]), max_size=2, unique=True).map(tuple),
    ignore=st.sampled_from([(), ("fax",)]),
)
texts = st.sampled_from([None, "", "a", "b", "c"])
lists = st.lists(st.fixed_dictionaries({}, optional={"name": texts, "phone": texts, "title": texts}), max_size=2)
records = st.fixed_dictionaries(
    {"name": st.sampled_from(["A", "B", "C"])},
    optional={"fax": texts, "remark": texts, "category": texts, "contacts": lists},
)
bases = st.dictionaries(
    st.sampled_from(["name", "fax", "remark", "category"]), st.builds(Base, texts, texts), max_size=4
)
writable = st.sets(st.sampled_from(sorted(EVERY))).map(frozenset)


def rules_of(flow: Flow, left: frozenset[str] = EVERY, right: frozenset[str] = EVERY) -> FlowRules:
    return FlowRules(
        "customers",
        flow,
        Side("erp", {"t": UNITS}, creates=EVERY, updates={"t": left}),
        Side("crm", {"t": UNITS}, creates=EVERY, updates={"t": right}, can_void=True),
        "r",
    )


def copy(external_id: str, record: Mapping[str, Any] | None, digest: str = "0", **more: Any) -> Copy:
    version = Version(digest=digest)
    return Copy(external_id, "t", record is not None, gone=False, sound=True, version=version, record=record, **more)


def subject(left: Mapping[str, Any] | None, right: Mapping[str, Any] | None, known: Bases | None = None) -> Subject:
    return Subject(
        "e1",
        None if left is None else copy("1", left),
        () if right is None else (copy("2", right),),
        bases=known or {},
    )


def carried_out(one: Subject, outcome: Outcome) -> Subject:
    """The same subject after all drafts were written and noted."""
    assert one.left is not None
    left, right = dict(one.left.record or {}), dict(one.right[0].record or {})
    known = dict(outcome.bases)
    for draft in outcome.drafts:
        target = left if draft.change.system == "erp" else right
        for field in draft.change.fields:
            target[field.path] = field.after
            known[field.path] = Base(field.after, field.after)
    return subject(left, right, known)


@given(flows, records, records, bases, writable, writable)
def test_after_carrying_out_a_plan_the_next_one_is_empty(
    flow: Flow,
    left: dict[str, Any],
    right: dict[str, Any],
    known: dict[str, Base],
    ours: frozenset[str],
    theirs: frozenset[str],
) -> None:
    rules = rules_of(flow, ours, theirs)
    before = subject(left, right, known)
    first = plan_entity(rules, before)
    second = plan_entity(rules, carried_out(before, first))
    assert second.drafts == []
    assert [one.path for one in second.conflicts] == [one.path for one in first.conflicts]
    assert {one.fields for one in second.held} == {one.fields for one in first.held}


@given(flows, records, records, bases)
def test_only_what_may_be_written_is_written(
    flow: Flow, left: dict[str, Any], right: dict[str, Any], known: dict[str, Base]
) -> None:
    allowed = frozenset({"fax", "category"})
    for draft in plan_entity(rules_of(flow, allowed, allowed), subject(left, right, known)).drafts:
        change = draft.change
        assert change.action is Action.UPDATE
        assert change.system == "crm" or flow.direction is Direction.TWO_WAY
        for field in change.fields:
            assert field.path in allowed
            assert field.path not in flow.ignore
            source = "erp" if change.system == "crm" else "crm"
            owners = owners_of(flow, field.path)
            assert field.decided_by.startswith("drift:") or may_change(owners, source)
            assert field.before != field.after


@given(flows, records, records, bases)
def test_the_order_of_fields_and_items_makes_no_difference(
    flow: Flow, left: dict[str, Any], right: dict[str, Any], known: dict[str, Base]
) -> None:
    turned = dict(reversed(left.items()))
    if "contacts" in turned:
        turned["contacts"] = turned["contacts"][::-1]
    one = plan_entity(rules_of(flow), subject(left, right, known))
    other = plan_entity(rules_of(flow), subject(turned, right, dict(reversed(known.items()))))
    assert [(c.path, c.left_value) for c in one.conflicts] == [(c.path, c.left_value) for c in other.conflicts]
    assert [paths(d.change) for d in one.drafts] == [paths(d.change) for d in other.drafts]
    assert one.bases == other.bases


def paths(change: Change) -> list[str]:
    return [field.path for field in change.fields]


@given(flows, records)
def test_a_record_that_the_other_side_has_not_is_made_there_once(flow: Flow, left: dict[str, Any]) -> None:
    rules = rules_of(flow)
    (draft,) = plan_entity(rules, subject(left, None)).drafts
    richer = plan_entity(rules, subject({**left, "remark": "another"}, None)).drafts[0]
    assert draft.change.key == richer.change.key  # one create for ever, whatever its fields
    assert all(field.after not in (None, "", []) for field in draft.change.fields)


def desk(left: dict[str, Any], right: dict[str, Any]) -> Desk:
    rules = rules_of(Flow(kind=Kind.CUSTOMER, left="erp", right="crm"))
    one = subject(left, right, {"name": Base("A", "A")})
    return Desk(rules, one, plan_entity(rules, one))


def test_what_is_or_was_written_keeps_a_change_out() -> None:
    for state, reason in (
        (OpState.REJECTED, HeldReason.DEAD_LETTER),
        (OpState.REVIEW, HeldReason.DEAD_LETTER),
        (OpState.PLANNED, HeldReason.PLANNED_ELSEWHERE),
    ):
        at = desk({"name": "B"}, {"name": "A"})
        key = at.outcome.drafts[0].change.key
        admit(at, Traffic(by_key={key: state}))
        assert [one.reason for one in at.outcome.held] == [reason]
        assert at.outcome.drafts == []


def test_a_cancelled_change_may_be_planned_again() -> None:
    at = desk({"name": "B"}, {"name": "A"})
    admit(at, Traffic(by_key={at.outcome.drafts[0].change.key: OpState.CANCELLED}))
    assert len(at.outcome.drafts) == 1


def test_the_same_write_onto_the_same_version_is_taken_for_what_the_target_can_hold() -> None:
    at = desk({"name": "B"}, {"name": "A"})
    admit(at, Traffic(by_key={at.outcome.drafts[0].change.key: OpState.VERIFIED}))
    assert at.outcome.rests
    assert at.outcome.bases["name"] == Base("B", "A")


def test_an_entity_written_too_often_or_right_now_is_held_once() -> None:
    at = desk({"name": "B", "fax": "1"}, {"name": "A"})
    key = order_key(at.outcome.drafts[0].change)
    admit(at, Traffic(writes={key: 5}))
    assert [one.reason for one in at.outcome.held] == [HeldReason.FROZEN]
    at = desk({"name": "B"}, {"name": "A"})
    admit(at, Traffic(unfinished=frozenset({key})))
    assert [one.reason for one in at.outcome.held] == [HeldReason.UNFINISHED]


def test_a_copy_whose_newest_form_could_not_be_read_is_left_alone() -> None:
    rules = rules_of(Flow(kind=Kind.CUSTOMER, left="erp", right="crm"))
    one = subject({"name": "B"}, {"name": "A"})
    assert one.left is not None
    outcome = plan_entity(rules, replace(one, left=replace(one.left, sound=False)))
    assert outcome.drafts == []
    assert [held.reason for held in outcome.held] == [HeldReason.IN_QUARANTINE]


def test_a_reference_is_reached_by_link_or_by_a_create_that_comes_first() -> None:
    units = {"number": frozenset[str](), "customer": frozenset[str]()}
    side = Side("crm", {"t": units}, creates=frozenset(units))
    flow = Flow(kind=Kind.INVOICE, left="erp", right="crm")
    rules = FlowRules("invoices", flow, Side("erp", {"t": units}), side, "r")
    record = {"number": "1", "customer": {"external_id": "entity:c"}}
    for targets, needs, held in (
        (Targets(there=frozenset({"c"})), (), []),
        (Targets(pending={"c": "k" * 32}), ("k" * 32,), []),
        (Targets(), None, [HeldReason.CUSTOMER_MISSING]),
    ):
        outcome = plan_entity(rules, Subject("e1", copy("1", record), (), right_targets=targets))
        assert [one.reason for one in outcome.held] == held
        assert [draft.needs for draft in outcome.drafts] == ([] if needs is None else [needs])
