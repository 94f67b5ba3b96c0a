"""The three-way merge of one field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.model.agreed import UNSET, Base, Unset, Value, bases_from_json, bases_to_json
from ledgerbridge.model.base import Kind
from ledgerbridge.model.flow import LATEST, MANUAL, Direction, Flow
from ledgerbridge.reconciler.merge import FieldRule, Verdict, comparable, may_change, merge, owners_of

ERP, CRM = "erp", "crm"
values = st.one_of(st.none(), st.just(UNSET), st.sampled_from(["a", "b", "c"]))
owners = st.lists(st.sampled_from([ERP, CRM, LATEST, MANUAL]), min_size=1, max_size=3, unique=True).map(tuple)
rules = st.builds(FieldRule, st.just(ERP), st.just(CRM), st.booleans(), owners, st.sampled_from([None, ERP, CRM]))
bases = st.none() | st.builds(Base, values, values)


def rule(*named: str, two_way: bool = True, later: str | None = None) -> FieldRule:
    return FieldRule(ERP, CRM, two_way, named, later)


def carried_out(base: Base | None, left: Value, right: Value, verdict: Verdict) -> tuple[Base | None, Value, Value]:
    """What there is after the verdict was carried out and the write noted."""
    if verdict is Verdict.AGREED:
        return Base(left, right), left, right
    if verdict is Verdict.TAKE_LEFT:
        return Base(left, left), left, left
    if verdict is Verdict.TAKE_RIGHT:
        return Base(right, right), right, right
    return base, left, right


@given(bases, values, values, rules)
def test_after_one_round_the_field_rests_or_waits_for_a_person(
    base: Base | None, left: Value, right: Value, by: FieldRule
) -> None:
    first = merge(base, left, right, by)
    base, left, right = carried_out(base, left, right, first.verdict)
    second = merge(base, left, right, by)
    assert second.verdict is (Verdict.CONFLICT if first.verdict is Verdict.CONFLICT else Verdict.REST)


@given(st.builds(Base, values, values), values, values, rules)
def test_nothing_is_written_that_nobody_changed(base: Base, left: Value, right: Value, by: FieldRule) -> None:
    changed = [not isinstance(now, Unset) and now != was for now, was in ((left, base.left), (right, base.right))]
    found = merge(base, left, right, by)
    if not any(changed):
        assert found.verdict in (Verdict.REST, Verdict.AGREED)
    if found.verdict is Verdict.CONFLICT:
        assert any(changed)
        assert all(changed) or (not by.two_way and changed[1])


@given(bases, values, values, rules)
def test_what_is_written_was_said_by_somebody_who_may(
    base: Base | None, left: Value, right: Value, by: FieldRule
) -> None:
    found = merge(base, left, right, by)
    if found.verdict is Verdict.TAKE_LEFT:
        assert not isinstance(left, Unset)
        assert found.drift or may_change(by.owners, ERP)
    if found.verdict is Verdict.TAKE_RIGHT:
        assert by.two_way
        assert not isinstance(right, Unset)
        assert found.drift or may_change(by.owners, CRM)


@given(values, values, rules)
def test_at_first_contact_no_value_is_wiped_out(left: Value, right: Value, by: FieldRule) -> None:
    found = merge(None, left, right, by)
    written = {Verdict.TAKE_LEFT: left, Verdict.TAKE_RIGHT: right}.get(found.verdict, "nothing is written")
    assert written is not None
    assert not isinstance(written, Unset)


@pytest.mark.parametrize(
    ("named", "two_way", "base", "left", "right", "verdict", "by"),
    [
        ((ERP,), False, None, "a", "b", Verdict.TAKE_LEFT, "owner:erp"),
        ((ERP,), True, Base("a", "a"), "a", "b", Verdict.TAKE_LEFT, "drift:erp"),
        ((ERP,), False, Base("a", "a"), "a", "b", Verdict.TAKE_LEFT, "drift:erp"),
        ((CRM, ERP), True, Base("a", "a"), "b", "a", Verdict.TAKE_LEFT, "only:erp"),
        ((CRM, ERP), True, Base("a", "a"), "b", "c", Verdict.TAKE_RIGHT, "owner:crm"),
        ((CRM, ERP), False, Base("a", "a"), "b", "c", Verdict.AGREED, "stands"),
        ((CRM,), True, Base("a", "a"), "b", "a", Verdict.TAKE_RIGHT, "drift:crm"),
        ((CRM,), False, Base("a", "a"), "b", "a", Verdict.AGREED, "stands"),
        ((MANUAL,), True, Base("a", "a"), "b", "a", Verdict.TAKE_LEFT, "only:erp"),
        ((MANUAL,), True, Base("a", "a"), "b", "c", Verdict.CONFLICT, ""),
        ((MANUAL,), True, None, "b", "c", Verdict.CONFLICT, ""),
        ((MANUAL,), False, Base("a", "a"), "a", "c", Verdict.CONFLICT, ""),
        ((MANUAL,), True, None, "b", None, Verdict.TAKE_LEFT, "fill:erp"),
        ((MANUAL,), True, None, UNSET, "c", Verdict.TAKE_RIGHT, "fill:crm"),
        ((ERP,), True, None, None, "c", Verdict.AGREED, "stands"),
        ((ERP,), True, Base("a", "a"), UNSET, "a", Verdict.REST, ""),
        ((ERP,), True, Base("a", "x"), "a", "x", Verdict.REST, ""),  # the right cannot hold what the left says
        ((ERP,), True, Base("a", "a"), None, "a", Verdict.TAKE_LEFT, "only:erp"),
    ],
)
def test_who_decides(
    named: tuple[str, ...],
    two_way: bool,
    base: Base | None,
    left: Value,
    right: Value,
    verdict: Verdict,
    by: str,
) -> None:
    found = merge(base, left, right, rule(*named, two_way=two_way))
    assert (found.verdict, found.by) == (verdict, by)


def test_the_latest_prevails_and_a_tie_is_not_guessed() -> None:
    base = Base("a", "a")
    assert merge(base, "b", "c", rule(LATEST, later=CRM)).verdict is Verdict.TAKE_RIGHT
    assert merge(base, "b", "c", rule(LATEST, later=ERP)).by == "latest:erp"
    assert merge(base, "b", "c", rule(LATEST)).verdict is Verdict.CONFLICT
    assert merge(base, "b", "c", rule(LATEST, ERP)).by == "owner:erp"


def test_a_list_that_says_less_is_no_difference_at_first_contact() -> None:
    less: Value = [{"name": "Li"}]
    more: Value = [{"name": "Li", "phone": "1"}, {"name": "Wu"}]
    other: Value = [{"name": "Lu"}]
    assert merge(None, less, more, rule(ERP)).by == "stands"
    assert merge(None, other, more, rule(ERP)).verdict is Verdict.TAKE_LEFT


def test_default_owners() -> None:
    two_way = Flow(kind=Kind.CUSTOMER, left=ERP, right=CRM, direction=Direction.TWO_WAY, owners={"fax": (MANUAL,)})
    assert owners_of(two_way, "credit_limit_minor") == (ERP,)
    assert owners_of(two_way, "phone") == (CRM, ERP)
    assert owners_of(two_way, "parent") == (MANUAL,)
    assert owners_of(two_way, "fax") == (MANUAL,)
    assert owners_of(Flow(kind=Kind.INVOICE, left=ERP, right=CRM), "remark") == (ERP,)


@pytest.mark.parametrize(
    ("unit", "one", "other"),
    [
        ("exchange_rate", "0.8975", "0.897499958485"),
        ("exchange_rate", "7.10", "7.1"),
        ("remark", "a\r\nb ", "a\nb"),
        ("fax", "", None),
        ("contacts", [{"name": "Li", "primary": False}, {"name": "Wu"}], [{"name": "Wu", "x": 1}, {"name": "Li"}]),
        ("customer", {"external_id": "entity:1", "name": "A"}, {"external_id": "entity:1"}),
        ("references", [], None),
    ],
)
def test_equal_things_have_one_form(unit: str, one: Value, other: Value) -> None:
    items = frozenset({"name", "primary"})
    assert comparable(unit, one, items) == comparable(unit, other, items)


def test_the_order_of_lines_and_an_unknown_reference_count() -> None:
    items = frozenset({"item_code"})
    lines: Value = [{"item_code": "1"}, {"item_code": "2"}]
    assert isinstance(lines, list)
    assert comparable("lines", lines, items) != comparable("lines", lines[::-1], items)
    assert comparable("customer", {"external_id": "C1"}, items) is UNSET


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.builds(Base, values, values), max_size=5))
def test_bases_survive_their_text(given_bases: dict[str, Base]) -> None:
    assert bases_from_json(bases_to_json(given_bases)) == given_bases
