"""The pure rules of exceptions: severity, assignment, suggestions, pairing, and what people may do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.errors import ActRefused
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.exception import (
    PLAN_CHANGES,
    TRANSITIONS,
    Code,
    ExceptionRecord,
    Finding,
    Remedy,
    Severity,
    State,
    exception_id,
)
from ledgerbridge.model.money import Money
from ledgerbridge.model.sighting import Sighting, Standing
from ledgerbridge.reconciler.exceptions import moving
from ledgerbridge.reconciler.exceptions.assigning import owner_for
from ledgerbridge.reconciler.exceptions.merging import Moment, is_worse, merged
from ledgerbridge.reconciler.exceptions.moving import Actor
from ledgerbridge.reconciler.exceptions.policy import AssignmentRule, ExceptionPolicy, Limits
from ledgerbridge.reconciler.exceptions.severity import RANK, severity_of
from ledgerbridge.reconciler.exceptions.suggesting import remedies, suggested

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
TODAY = date(2026, 3, 2)
POLICY = ExceptionPolicy()
NOW = Moment("allocation", AT, TODAY, POLICY)
MINORS = st.one_of(st.none(), st.integers(-(10**9), 10**9))


def sighting(seq: int, minor: int | None, digest: str | None = None, **changes: Any) -> Sighting:
    facts: dict[str, Any] = {
        "seq": seq,
        "fingerprint": "f",
        "digest": digest or f"d{minor}",
        "code": Code.AMOUNT_DIFFERS,
        "systems": ("crm", "erp"),
        "customer": "c-1",
        "customer_name": "青岛海风贸易有限公司",
        "salesperson": "李雷",
        "currency": None if minor is None else "CNY",
        "minor": minor,
        "business_on": TODAY,
    }
    return Sighting(**(facts | changes))


def standing(ordinal: int, minor: int | None, state: State = State.OPEN) -> Standing:
    return Standing(
        id=exception_id("allocation", "f", ordinal),
        fingerprint="f",
        ordinal=ordinal,
        digest=f"d{minor}",
        code=Code.AMOUNT_DIFFERS,
        state=state,
        severity=severity_of(Code.AMOUNT_DIFFERS, minor, "CNY", TODAY, TODAY, POLICY),
        owner=None,
        currency=None if minor is None else "CNY",
        minor=minor,
        judged_minor=minor if state in (State.SETTLED, State.WAIVED) else None,
        business_on=TODAY,
        first_seen_at=AT,
        moved_at=AT,
        reopened=0,
        has_waiver=state is State.WAIVED,
        waiver_until=None,
        has_decision=False,
    )


def record(
    state: State = State.OPEN, minor: int | None = 5_000, code: Code = Code.AMOUNT_DIFFERS, **changes: Any
) -> ExceptionRecord:
    difference = None if minor is None else Money(minor=minor, currency="CNY")
    found = Finding(code=code, kind=Kind.INVOICE, fields=("total",), difference=difference)
    facts: dict[str, Any] = {
        "id": "e1",
        "scope": "allocation",
        "finding": found,
        "state": state,
        "severity": Severity.MEDIUM,
        "first_seen_at": AT,
        "last_seen_at": AT,
        "moved_at": AT,
        "moved_by": "x",
    }
    return ExceptionRecord(**(facts | changes))


def person(name: str = "王芳", **changes: Any) -> Actor:
    return Actor(name, AT, TODAY, **({"policy": POLICY} | changes))


@pytest.mark.parametrize(
    ("minor", "currency", "days", "severity"),
    [
        (99_999, "CNY", 0, Severity.LOW),
        (-100_000, "CNY", 0, Severity.MEDIUM),
        (5_000_000, "CNY", 0, Severity.HIGH),
        (99_999, "CNY", 30, Severity.LOW),
        (99_999, "CNY", 31, Severity.MEDIUM),
        (99, "CNY", 4_000, Severity.LOW),
        (1_000, "JPY", 0, Severity.MEDIUM),
        (1_000, "USD", 0, Severity.LOW),
        (5_000_000, "CNY", 999, Severity.HIGH),
        (None, None, 0, Severity.LOW),
        (None, None, 31, Severity.MEDIUM),
    ],
)
def test_severity_comes_from_money_and_age(
    minor: int | None, currency: str | None, days: int, severity: Severity
) -> None:
    since = TODAY - timedelta(days=days)
    assert severity_of(Code.AMOUNT_DIFFERS, minor, currency, since, TODAY, POLICY) is severity


def test_some_kinds_are_never_trifles() -> None:
    assert severity_of(Code.OUTCOME_UNKNOWN, None, None, TODAY, TODAY, POLICY) is Severity.HIGH
    assert severity_of(Code.BALANCE_UNEXPLAINED, 1, "CNY", TODAY, TODAY, POLICY) is Severity.MEDIUM


@given(st.integers(0, 10**10), st.integers(0, 10**10), st.integers(0, 400), st.integers(0, 400), st.sampled_from(Code))
def test_more_money_and_more_age_never_weigh_less(one: int, other: int, young: int, old: int, code: Code) -> None:
    (small, large), (young, old) = sorted((one, other)), sorted((young, old))
    less = severity_of(code, small, "CNY", TODAY - timedelta(days=young), TODAY, POLICY)
    more = severity_of(code, -large, "CNY", TODAY - timedelta(days=old), TODAY, POLICY)
    assert RANK[less] <= RANK[more]


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        (AssignmentRule("x"), True),
        (AssignmentRule("x", codes=frozenset({Code.AMOUNT_DIFFERS, Code.MISSING})), True),
        (AssignmentRule("x", codes=frozenset({Code.MISSING})), False),
        (AssignmentRule("x", systems=frozenset({"erp", "bank"})), True),
        (AssignmentRule("x", systems=frozenset({"bank"})), False),
        (AssignmentRule("x", customers=("c-1",)), True),
        (AssignmentRule("x", customers=("青岛*",)), True),
        (AssignmentRule("x", customers=("上海*",)), False),
        (AssignmentRule("x", salespeople=("李?",)), True),
        (AssignmentRule("x", salespeople=("王*",)), False),
        (AssignmentRule("x", at_least={"CNY": 5_000}), True),
        (AssignmentRule("x", at_least={"CNY": 5_001}), False),
        (AssignmentRule("x", at_least={"USD": 1}), False),
    ],
)
def test_a_rule_matches_when_all_that_it_says_does(rule: AssignmentRule, matches: bool) -> None:
    assert owner_for(sighting(1, -5_000), [rule]) == (("x", 1) if matches else None)


def test_the_first_rule_that_matches_decides() -> None:
    rules = [AssignmentRule("a", at_least={"CNY": 10**9}), AssignmentRule("b"), AssignmentRule("c")]
    assert owner_for(sighting(1, 1), rules) == ("b", 2)


@pytest.mark.parametrize("code", Code)
def test_every_kind_has_remedies_and_a_suggestion_among_them(code: Code) -> None:
    found = Finding(code=code, kind=Kind.INVOICE)
    assert len(set(remedies(code))) == len(remedies(code))
    assert suggested(found) in remedies(code)


def test_what_is_missing_is_made_where_it_is_not() -> None:
    def missing(there: str) -> Finding:
        ref = Ref(system=there, kind=Kind.INVOICE, external_id="1")
        return Finding(code=Code.MISSING, kind=Kind.INVOICE, systems=("erp", "crm"), refs=(ref,))

    assert suggested(missing("erp")) == Remedy.CREATE_IN_CRM
    assert suggested(missing("crm")) == Remedy.INVESTIGATE  # nothing is made in the books without a person's idea
    assert suggested(missing("erp").model_copy(update={"action": "call_the_bank"})) == "call_the_bank"


def test_every_plan_change_can_be_decided_on_something() -> None:
    decidable = {remedy for code in Code for remedy in remedies(code)}
    assert set(PLAN_CHANGES) <= decidable
    assert decidable == set(Remedy)


@pytest.mark.parametrize(
    ("judged", "now", "worse"),
    [(100, 100, False), (100, 99, False), (100, 101, True), (-100, -101, True), (100, -1, True), (None, 5, False)],
)
def test_worse_is_larger_or_the_other_way_round(judged: int | None, now: int, worse: bool) -> None:
    assert is_worse(judged, now) is worse


@given(st.lists(st.tuples(MINORS, st.sampled_from(State)), max_size=6), st.lists(MINORS, max_size=6))
def test_every_finding_ends_in_exactly_one_exception_that_stands(
    before: list[tuple[int | None, State]], found: list[int | None]
) -> None:
    stored = [standing(at, minor, state) for at, (minor, state) in enumerate(before, start=1)]
    seen = [sighting(seq, minor) for seq, minor in enumerate(found, start=1)]
    steps = merged(stored, seen, NOW)
    assert len({step.id for step in steps}) == len(steps)
    after = {one.id: (one.state, one.minor) for one in stored}
    for step in steps:
        was = step.standing.state if step.standing else State.OPEN
        assert step.state is was or (was, step.state) in TRANSITIONS
        after[step.id] = (step.state, step.sighting.minor if step.sighting else None)
    standing_now = [minor for state, minor in after.values() if state is not State.GONE]
    assert sorted(map(str, standing_now)) == sorted(map(str, found))
    assert len(after) == max(len(stored), len(found))


@given(st.lists(MINORS, max_size=6), st.randoms())
def test_the_order_of_findings_changes_nothing(found: list[int | None], random: Any) -> None:
    made = merged([], [sighting(seq, minor) for seq, minor in enumerate(found)], NOW)
    stored = [standing(step.ordinal, step.sighting.minor) for step in made if step.sighting]
    random.shuffle(found)
    assert merged(stored, [sighting(seq, minor) for seq, minor in enumerate(found)], NOW) == []


ACTS: list[Callable[[ExceptionRecord], moving.Moved]] = [
    lambda one: moving.assign(one, "李雷", person()),
    lambda one: moving.assign(one, None, person()),
    lambda one: moving.comment(one, "x", person()),
    lambda one: moving.settle(one, "", person()),
    lambda one: moving.waive(one, "x", person()),
    lambda one: moving.waive(one, "x", person("张总")),
    lambda one: moving.reopen(one, "x", person()),
    lambda one: moving.decide(one, Remedy.WAIT, person()),
    lambda one: moving.decide(one, None, person()),
]


@given(st.lists(st.sampled_from(range(len(ACTS))), max_size=12), st.sampled_from([5_000, 500_000, None]))
def test_no_order_of_acts_leaves_the_transition_table(order: list[int], minor: int | None) -> None:
    one = record(minor=minor)
    for at in order:
        try:
            after, event = ACTS[at](one)
        except ActRefused:
            continue
        assert (event.from_state, event.to_state) == (one.state, after.state)
        assert after.state is one.state or (one.state, after.state) in TRANSITIONS
        assert after.version == one.version + 1
        assert ExceptionRecord.model_validate(after.model_dump()) == after
        if after.state is State.WAIVED and minor == 500_000:
            assert after.waiver is not None
            assert after.waiver.second not in (None, after.waiver.by)
        one = after


@pytest.mark.parametrize("state", [State.GONE, State.SETTLED])
def test_what_is_over_cannot_be_waived_or_decided(state: State) -> None:
    for act in (ACTS[0], ACTS[4], ACTS[7]):
        with pytest.raises(ActRefused):
            act(record(state))


@pytest.mark.parametrize(
    ("minor", "severity", "two"),
    [
        (10_000, Severity.HIGH, False),
        (-10_001, Severity.LOW, True),
        (None, Severity.HIGH, True),
        (None, Severity.MEDIUM, False),
    ],
)
def test_two_people_above_the_limit(minor: int | None, severity: Severity, two: bool) -> None:
    assert moving.needs_second(record(minor=minor, severity=severity), POLICY) is two
    dollars = record().model_copy(
        update={"finding": Finding(code=Code.DUPLICATE, kind=Kind.PAYMENT, difference=Money(minor=1, currency="USD"))}
    )
    assert moving.needs_second(dollars, POLICY)  # no limit named: every waiver


def test_limits_of_a_currency_without_its_own_are_in_its_units() -> None:
    limits = Limits({"CNY": 7}, other=1_000)
    assert [limits.of(currency) for currency in ("CNY", "USD", "JPY", "KWD")] == [7, 100_000, 1_000, 1_000_000]


@pytest.mark.parametrize("text", ["a\x00b", "x" * 20_001])
def test_texts_that_cannot_be_kept_are_refused(text: str) -> None:
    with pytest.raises(ActRefused, match="text"):
        moving.settle(record(), text, person())
    with pytest.raises(ActRefused, match="no name"):
        moving.decide(record(), Remedy.WAIT, person(named="a\nb"))
    with pytest.raises(ActRefused, match="over already"):
        moving.waive(record(), "x", person(), until=TODAY - timedelta(days=1))
    with pytest.raises(ActRefused, match="no field"):
        moving.decide(record(), Remedy.TAKE_ERP_AMOUNT, person(), fields=["date"])
