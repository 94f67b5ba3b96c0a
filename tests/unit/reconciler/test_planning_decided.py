"""Decisions on exceptions: whatever is decided about any two invoices, amounts go together and nobody's later word is lost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from ledgerbridge.model.base import Kind, Ref, Version
from ledgerbridge.model.change import Action
from ledgerbridge.model.exception import PLAN_CHANGES, PlannedDecision, Remedy
from ledgerbridge.model.exception import Side as Part
from ledgerbridge.model.flow import Direction, Flow
from ledgerbridge.model.plan import HeldReason
from ledgerbridge.reconciler.planning import Copy, FlowRules, Outcome, Side, Subject, plan_entity

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
AMOUNTS = frozenset({"total_minor", "net_minor", "tax_minor", "currency", "base_total_minor", "exchange_rate"})
UNITS = {unit: frozenset[str]() for unit in {*AMOUNTS, "issued_on", "remark"}}
EVERY = frozenset(UNITS)
FLOW = Flow(kind=Kind.INVOICE, left="erp", right="crm", direction=Direction.TWO_WAY, owner=("manual",))
ERP = {"total_minor": 11_300, "net_minor": 10_000, "tax_minor": 1_300, "currency": "CNY", "issued_on": "2026-10-01"}
CRM = {"total_minor": 22_600, "net_minor": 20_000, "tax_minor": 2_600, "currency": "CNY", "issued_on": "2026-10-01"}


def rules_of(flow: Flow = FLOW, left: frozenset[str] = EVERY, right: frozenset[str] = EVERY) -> FlowRules:
    return FlowRules(
        "invoices",
        flow,
        Side("erp", {"t": UNITS}, creates=EVERY, updates={"t": left}, can_void=True),
        Side("crm", {"t": UNITS}, creates=EVERY, updates={"t": right}, can_void=True),
        "r",
    )


def decided(remedy: Remedy, *fields: str, exception: str = "x1", at: datetime = AT, **more: Any) -> PlannedDecision:
    action, part = PLAN_CHANGES[remedy]
    system, source = ("erp", "crm") if part is Part.LEADING else ("crm", "erp")
    return PlannedDecision(
        exception=exception,
        remedy=remedy,
        action=action,
        system=system,
        source=source,
        kind=Kind.INVOICE,
        entity="e1",
        refs=tuple(Ref(system=name, kind=Kind.INVOICE, external_id=name) for name in ("erp", "crm")),
        fields=fields,
        by="王芳",
        at=at,
        text="",
        **more,
    )


def copy(system: str, record: Mapping[str, Any], seen_at: datetime) -> Copy:
    version = Version(digest="0", seen_at=seen_at)
    return Copy(system, "t", live=True, gone=False, sound=True, version=version, record=record)


def planned(
    rules: FlowRules,
    erp: Mapping[str, Any] | None,
    crm: Mapping[str, Any] | None,
    *decisions: PlannedDecision,
    crm_seen: datetime = AT - timedelta(days=1),
) -> Outcome:
    left = None if erp is None else copy("erp", erp, AT - timedelta(days=1))
    right = () if crm is None else (copy("crm", crm, crm_seen),)
    return plan_entity(rules, Subject("e1", left, right, decisions=decisions))


def written(outcome: Outcome) -> dict[str, dict[str, object]]:
    return {one.change.system: {field.path: field.after for field in one.change.fields} for one in outcome.drafts}


def held(outcome: Outcome) -> list[tuple[HeldReason, tuple[str, ...]]]:
    return [(one.reason, one.fields) for one in outcome.held]


TAKE_ERP = decided(Remedy.TAKE_ERP_AMOUNT, "total_minor", seen={"erp": "113.00 CNY", "crm": "226.00 CNY"})
TOGETHER = ("net_minor", "tax_minor", "total_minor")


def test_all_amounts_of_a_document_are_taken_together() -> None:
    outcome = planned(rules_of(), ERP, CRM, TAKE_ERP)
    assert written(outcome) == {"crm": {"total_minor": 11_300, "net_minor": 10_000, "tax_minor": 1_300}}
    assert {field.decided_by for field in outcome.drafts[0].change.fields} == {"person:王芳"}
    assert outcome.drafts[0].change.because == "exception x1: take_erp_amount"
    assert outcome.conflicts == []


def test_the_currency_goes_with_the_amount() -> None:
    crm = {**CRM, "currency": "USD", "exchange_rate": "7.1"}
    erp = {**ERP, "exchange_rate": "1"}
    decision = decided(Remedy.TAKE_ERP_VALUE, "currency", seen={"erp": "CNY", "crm": "USD"})
    assert written(planned(rules_of(), erp, crm, decision)) == {
        "crm": {**{unit: ERP[unit] for unit in TOGETHER}, "currency": "CNY", "exchange_rate": "1"}
    }
    stuck = planned(rules_of(right=EVERY - {"currency"}), erp, crm, decision)
    assert written(stuck) == {}
    assert [reason for reason, _ in held(stuck)] == [HeldReason.NOT_WRITABLE]


@pytest.mark.parametrize("unit", TOGETHER)
def test_no_amount_is_written_if_one_of_them_cannot_be(unit: str) -> None:
    outcome = planned(rules_of(right=EVERY - {unit}), ERP, CRM, TAKE_ERP)
    assert written(outcome) == {}
    assert held(outcome) == [(HeldReason.NOT_WRITABLE, TOGETHER)]


def test_an_amount_that_the_source_does_not_say_is_not_left_beside_the_new_total() -> None:
    erp = {name: value for name, value in ERP.items() if name != "net_minor"}
    outcome = planned(rules_of(), erp, CRM, TAKE_ERP)
    assert written(outcome) == {}
    assert held(outcome) == [(HeldReason.NOT_WRITABLE, TOGETHER)]


def test_a_rate_that_the_source_does_not_say_holds_nothing_up() -> None:
    assert set(written(planned(rules_of(), ERP, {**CRM, "exchange_rate": "1"}, TAKE_ERP))["crm"]) == set(TOGETHER)


def test_an_amount_edited_since_is_not_overwritten() -> None:
    edited = planned(rules_of(), ERP, {**CRM, "total_minor": 20_000}, TAKE_ERP)
    assert held(edited) == [(HeldReason.EDITED_SINCE, TOGETHER)]
    moved_on = planned(rules_of(), {**ERP, "total_minor": 11_400}, CRM, TAKE_ERP)
    assert held(moved_on) == [(HeldReason.EDITED_SINCE, TOGETHER)]
    # the tax was not shown: a record changed since may hold a newer one
    late = planned(rules_of(), ERP, {**CRM, "tax_minor": 2_500}, TAKE_ERP, crm_seen=AT + timedelta(hours=1))
    assert held(late) == [(HeldReason.EDITED_SINCE, TOGETHER)]
    assert written(edited) == written(moved_on) == written(late) == {}


def test_of_two_decisions_the_newer_one_holds() -> None:
    other = decided(Remedy.TAKE_CRM_VALUE, "tax_minor", exception="x2", at=AT + timedelta(hours=1))
    outcome = planned(rules_of(), ERP, CRM, TAKE_ERP, other)
    assert set(written(outcome)) == {"erp"}
    assert outcome.drafts[0].change.because == "exception x2: take_crm_value"


def test_a_flow_that_updates_nothing_updates_only_what_was_decided() -> None:
    flow = FLOW.model_copy(update={"update": False, "owner": ("erp",)})
    outcome = planned(rules_of(flow), {**ERP, "remark": "a"}, {**CRM, "remark": "b"}, TAKE_ERP)
    assert set(written(outcome)["crm"]) == set(TOGETHER)


def test_decided_and_other_fields_are_one_change() -> None:
    flow = FLOW.model_copy(update={"owner": ("erp",)})
    outcome = planned(rules_of(flow), {**ERP, "remark": "a"}, {**CRM, "remark": "b"}, TAKE_ERP)
    assert written(outcome) == {"crm": {**{unit: ERP[unit] for unit in TOGETHER}, "remark": "a"}}
    by = {field.path: field.decided_by for field in outcome.drafts[0].change.fields}
    assert by["remark"] == "owner:erp"
    assert by["total_minor"] == "person:王芳"


def test_voids_need_a_record_that_is_as_it_was() -> None:
    void = decided(Remedy.VOID_IN_CRM)
    assert [one.change.action for one in planned(rules_of(), None, CRM, void).drafts] == [Action.VOID]
    late = planned(rules_of(), None, CRM, void, crm_seen=AT + timedelta(seconds=1))
    assert held(late) == [(HeldReason.EDITED_SINCE, ())]
    assert planned(rules_of(), None, {**CRM, "status": "void"}, void).rests


def test_a_draft_is_not_created_and_says_why() -> None:
    outcome = planned(rules_of(), {**ERP, "status": "draft"}, None, decided(Remedy.CREATE_IN_CRM))
    assert outcome.drafts == []
    assert "draft in erp" in outcome.held[0].detail


def test_what_the_filter_leaves_out_is_held() -> None:
    rules = rules_of(FLOW.model_copy(update={"filter": {"currency": ("USD",)}}))
    for erp, crm, decision in ((ERP, CRM, TAKE_ERP), (ERP, None, decided(Remedy.CREATE_IN_CRM))):
        outcome = planned(rules, erp, crm, decision)
        assert outcome.drafts == []
        assert "filter" in outcome.held[0].detail


amounts = st.fixed_dictionaries(
    {"total_minor": st.integers(1, 3), "currency": st.sampled_from(["CNY", "USD"])},
    optional={
        "net_minor": st.integers(1, 2),
        "tax_minor": st.none() | st.integers(0, 1),
        "exchange_rate": st.sampled_from(["1", "7.1"]),
        "remark": st.sampled_from(["a", "b"]),
    },
)
remedies = st.sampled_from([Remedy.TAKE_ERP_AMOUNT, Remedy.TAKE_ERP_VALUE, Remedy.TAKE_CRM_VALUE])


@given(
    amounts,
    amounts,
    remedies,
    st.sampled_from(["total_minor", "tax_minor", "currency", "remark"]),
    st.sets(st.sampled_from(sorted(EVERY))).map(frozenset),
    st.sampled_from(list(Direction)),
)
def test_after_carrying_out_a_decision_the_amounts_are_the_source_s(
    erp: dict[str, Any], crm: dict[str, Any], remedy: Remedy, name: str, writable: frozenset[str], direction: Direction
) -> None:
    rules = rules_of(FLOW.model_copy(update={"direction": direction}), writable, writable)
    decision = decided(remedy, name)
    outcome = planned(rules, erp, crm, decision)
    source, there = (erp, crm) if decision.system == "crm" else (crm, erp)
    told = written(outcome).get(decision.system, {})
    if name in told:
        after = {**there, **told}
        wanted = AMOUNTS if name in AMOUNTS else {name}
        for unit in wanted:
            if unit.endswith("_minor") and (source.get(unit) is not None or after.get(unit) is not None):
                assert after.get(unit) == source.get(unit) or (unit not in writable and unit not in there)
        assert after["currency"] == source["currency"] or name not in AMOUNTS
        assert told.keys() <= writable
    elif source.get(name) != there.get(name):
        assert outcome.held or outcome.conflicts
    if direction is Direction.ONE_WAY:
        assert "erp" not in written(outcome)
