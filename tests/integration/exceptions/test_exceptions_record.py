"""What a run's findings do to the stored exceptions, on both engines."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from exception_cases import SCOPE, finding

from ledgerbridge.errors import ActRefused, StoreError
from ledgerbridge.model.exception import Act, ExceptionRecord, Finding, Remedy, Severity, State, Why
from ledgerbridge.model.money import Money
from ledgerbridge.reconciler.exceptions import moving
from ledgerbridge.reconciler.exceptions.policy import AssignmentRule, ExceptionPolicy
from ledgerbridge.store import Store, audit, exceptions
from ledgerbridge.store.exceptions import Wanted
from ledgerbridge.store.tables_exceptions import exception, exception_found
from ledgerbridge.sync.exceptions import Recorded, act, actor, decisions_to_plan, record
from ledgerbridge.testing.fakes import FakeClock

DAY = 86_400.0
ALL = Wanted(states=())


def run(store: Store, clock: FakeClock, *found: Finding, **options: Any) -> Recorded:
    clock.advance(DAY)
    with store.writing() as tx:
        return record(tx, SCOPE, found, clock.now(), **options)


def stored(store: Store) -> list[ExceptionRecord]:
    with store.reading() as tx:
        return list(exceptions.every(tx, ALL))


def only(store: Store) -> ExceptionRecord:
    (one,) = stored(store)
    return one


def acts(store: Store, one: ExceptionRecord) -> list[tuple[Act, Why | None]]:
    with store.reading() as tx:
        return [(event.act, event.why) for event in exceptions.events(tx, one.id)]


def person(clock: FakeClock, name: str = "王芳", policy: ExceptionPolicy | None = None) -> moving.Actor:
    return actor(name, clock.now(), policy or ExceptionPolicy())


def test_a_finding_is_new_once_then_known_then_gone_then_back(store: Store, clock: FakeClock) -> None:
    assert run(store, clock, finding("A")).new == 1
    first = only(store)
    assert (first.state, first.finding) == (State.OPEN, finding("A"))
    assert run(store, clock, finding("A")) == Recorded(SCOPE, 1)
    assert only(store).last_seen_at == first.first_seen_at + timedelta(days=1)
    assert only(store).version == first.version
    assert run(store, clock).gone == 1
    assert only(store).state is State.GONE
    assert run(store, clock).gone == 0
    assert run(store, clock, finding("A")).reopened == 1
    again = only(store)
    assert (again.id, again.state, again.reopened, again.first_seen_at) == (
        first.id,
        State.OPEN,
        1,
        first.first_seen_at,
    )
    assert acts(store, again) == [(Act.GONE, Why.NOT_FOUND), (Act.RETURNED, Why.FOUND_AGAIN)]


def test_a_run_that_looked_at_a_part_makes_nothing_gone(store: Store, clock: FakeClock) -> None:
    run(store, clock, finding("A"), finding("B"))
    assert run(store, clock, finding("A"), complete=False).gone == 0
    seen = {one.finding.number: one.last_seen_at for one in stored(store)}
    assert seen["A"] - seen["B"] == timedelta(days=1)


def test_another_scope_is_left_alone(store: Store, clock: FakeClock) -> None:
    run(store, clock, finding("A"))
    with store.writing() as tx:
        assert record(tx, "credit", [finding("A")], clock.now()).new == 1
        assert record(tx, "credit", [], clock.now()).gone == 1
    assert sorted(one.state for one in stored(store)) == [State.GONE, State.OPEN]


def test_a_change_of_amount_is_an_event(store: Store, clock: FakeClock) -> None:
    run(store, clock, finding("A", "100.00"))
    assert run(store, clock, finding("A", "60000.00")).changed == 1
    one = only(store)
    assert one.finding.difference == Money.of("60000.00", "CNY")
    assert one.severity is Severity.HIGH
    with store.reading() as tx:
        (event,) = exceptions.events(tx, one.id)
    assert event.details == {"before": "100.00 CNY", "after": "60,000.00 CNY"}


@pytest.mark.parametrize(
    ("amount", "state"),
    [("50.00", State.SETTLED), ("100.00", State.SETTLED), ("100.01", State.OPEN), ("-1.00", State.OPEN)],
)
def test_what_was_settled_opens_again_only_when_it_is_worse(
    store: Store, clock: FakeClock, amount: str, state: State
) -> None:
    run(store, clock, finding("A"))
    act(store, only(store).id, lambda one: moving.settle(one, "已在 ERP 更正", person(clock)))
    run(store, clock, finding("A", amount))
    assert only(store).state is state
    if state is State.OPEN:
        assert acts(store, only(store))[-1] == (Act.REOPENED, Why.WORSE)
        assert only(store).judged_minor is None


def test_what_was_settled_and_is_still_found_long_after_opens_again(store: Store, clock: FakeClock) -> None:
    run(store, clock, finding("A"))
    act(store, only(store).id, lambda one: moving.settle(one, "", person(clock)))
    clock.advance(29 * DAY)
    run(store, clock, finding("A"))
    assert only(store).state is State.SETTLED
    run(store, clock, finding("A"))
    assert acts(store, only(store))[-1] == (Act.REOPENED, Why.STILL_FOUND)


def test_a_waiver_holds_until_its_last_day(store: Store, clock: FakeClock) -> None:
    run(store, clock, finding("A"))
    until = date(2026, 3, 5)
    act(store, only(store).id, lambda one: moving.waive(one, "尾差", person(clock), until=until))
    for _ in range(2):  # 4 and 5 March
        run(store, clock, finding("A"))
        assert only(store).state is State.WAIVED
    run(store, clock, finding("A"))
    one = only(store)
    assert (one.state, one.waiver) == (State.OPEN, None)
    assert acts(store, one)[-1] == (Act.REOPENED, Why.WAIVER_ENDED)


def test_a_large_waiver_takes_two_people(store: Store, clock: FakeClock) -> None:
    run(store, clock, finding("A", "100.01"))
    one = act(store, only(store).id, lambda it: moving.waive(it, "客户破产", person(clock)))
    assert (one.state, one.waits_for_second) == (State.OPEN, True)
    for same in ("王芳", " 王芳 "):
        with pytest.raises(ActRefused, match="somebody else"):
            act(store, one.id, lambda it, name=same: moving.waive(it, "同意", person(clock, name)))  # type: ignore[misc]
    agreed = act(store, one.id, lambda it: moving.waive(it, "同意", person(clock, "张总")))
    assert agreed.state is State.WAIVED
    assert only(store) == agreed
    assert agreed.waiver is not None
    assert (agreed.waiver.by, agreed.waiver.second) == ("王芳", "张总")
    with store.reading() as tx:
        entries = [(e.actor, e.action) for e in audit.entries(tx, subject=f"exception/{one.id}")]
    assert entries == [("王芳", "exception waiver_asked"), ("张总", "exception waived")]


@pytest.mark.parametrize(
    "values",
    [
        {"state": "waived", "waiver_by": "a", "waiver_two": True},
        {"state": "waived", "waiver_by": "a", "waiver_two": True, "waiver_second": "a"},
        {"state": "waived"},
        {"state": "forgotten"},
    ],
)
def test_the_database_holds_two_people_too(store: Store, clock: FakeClock, values: dict[str, Any]) -> None:
    run(store, clock, finding("A"))
    with pytest.raises(StoreError, match="refused"), store.writing() as tx:
        tx.connection.execute(exception.update().values(values))


def test_a_worse_amount_voids_a_waiver_that_waits_and_a_decision(store: Store, clock: FakeClock) -> None:
    run(store, clock, finding("A", "500.00"))
    one = only(store)
    act(store, one.id, lambda it: moving.decide(it, Remedy.TAKE_ERP_AMOUNT, person(clock)))
    act(store, one.id, lambda it: moving.waive(it, "小额", person(clock)))
    run(store, clock, finding("A", "400.00"))
    assert only(store).waits_for_second
    run(store, clock, finding("A", "600.00"))
    after = only(store)
    assert (after.waiver, after.decision, after.state) == (None, None, State.TAKEN)
    assert acts(store, after)[-2:] == [(Act.WAIVER_DROPPED, Why.WORSE), (Act.DECISION_DROPPED, Why.WORSE)]


def test_equal_findings_are_a_multiset(store: Store, clock: FakeClock) -> None:
    same, other = finding("A", "5.00"), finding("A", "7.00")
    assert run(store, clock, other, same, same).new == 3
    ids = {one.id for one in stored(store)}
    assert len(ids) == 3
    assert run(store, clock, same, same, other) == Recorded(SCOPE, 3)  # in whatever order
    assert run(store, clock, same, other).gone == 1
    amounts = sorted(str(one.finding.difference) for one in stored(store) if one.state is State.OPEN)
    assert amounts == ["5.00 CNY", "7.00 CNY"]
    assert run(store, clock, same, other, same).reopened == 1
    assert {one.id for one in stored(store)} == ids


def test_rules_assign_what_is_new(store: Store, clock: FakeClock) -> None:
    rules = (AssignmentRule("张总", at_least={"CNY": 5_000_000}), AssignmentRule("李雷", salespeople=("李*",)))
    policy = ExceptionPolicy(rules=rules)
    run(store, clock, finding("A"), finding("B", "50000.00"), finding("C", evidence={}), policy=policy)
    owners = {one.finding.number: one.owner for one in stored(store)}
    assert owners == {"A": "李雷", "B": "张总", "C": None}
    events = [acts(store, one) for one in stored(store) if one.owner]
    assert events == [[(Act.ASSIGNED, Why.RULE)]] * 2


def test_age_makes_it_more_severe_without_any_change(store: Store, clock: FakeClock) -> None:
    run(store, clock, finding("A", "1.00"), finding("B", "0.99"))
    clock.advance(30 * DAY)
    assert run(store, clock, finding("A", "1.00"), finding("B", "0.99")).changed == 1
    found = {one.finding.number: one.severity for one in stored(store)}
    assert found == {"A": Severity.MEDIUM, "B": Severity.LOW}


def test_decisions_reach_the_planner_while_they_are_in_force(store: Store, clock: FakeClock) -> None:
    run(store, clock, *(finding(name) for name in "ABC"))
    by_number = {one.finding.number: one.id for one in stored(store)}
    act(store, by_number["A"], lambda it: moving.decide(it, Remedy.TAKE_ERP_AMOUNT, person(clock), text="以ERP为准"))
    act(store, by_number["B"], lambda it: moving.decide(it, Remedy.TAKE_CRM_VALUE, person(clock)))
    act(store, by_number["C"], lambda it: moving.decide(it, Remedy.ASK_CUSTOMER, person(clock)))
    with store.reading() as tx:
        planned = {one.entity: (one.system, one.action, one.fields) for one in decisions_to_plan(tx)}
    assert planned == {"e-A": ("crm", "update", ("total",)), "e-B": ("erp", "update", ("total",))}
    run(store, clock, finding("B"), finding("C"))
    with store.reading() as tx:
        assert [one.entity for one in decisions_to_plan(tx)] == ["e-B"]


def test_lists_are_narrowed_and_counted(store: Store, clock: FakeClock) -> None:
    yen = finding("Y", None, difference=Money(minor=-5_000, currency="JPY"), systems=("erp", "zoho"), refs=())
    run(
        store, clock, finding("A", "3000.00"), finding("B", "100.00", customer="c-2", customer_name="50%_有限公司"), yen
    )
    wanted = {
        "A Y": Wanted(at_least=Decimal(3000)),
        "B": Wanted(customer="50%_"),
        "A B": Wanted(system="crm"),
        "Y": Wanted(system="zoho"),
        "A B Y": Wanted(owner=""),
        "": Wanted(states=(State.WAIVED,)),
    }
    with store.reading() as tx:
        for numbers, narrowed in wanted.items():
            found = [str(one.finding.number) for one in exceptions.every(tx, narrowed)]
            assert " ".join(sorted(found)) == numbers
            assert exceptions.count(tx, narrowed) == len(found)
        sums = {(one.currency, one.minor) for one in exceptions.counts(tx, ALL) if one.severity is Severity.MEDIUM}
        assert sums == {("CNY", 300_000), ("JPY", -5_000)}
        assert [one.finding.number for one in exceptions.listed(tx, ALL, limit=2)] == ["A", "Y"]


def test_thousands_of_findings_stream_through(store: Store, clock: FakeClock) -> None:
    found = [finding(f"N{number:05}", f"{number % 90}.50") for number in range(2_500)]
    assert run(store, clock, *found).new == 2_500
    assert run(store, clock, *reversed(found)) == Recorded(SCOPE, 2_500)
    changed = [finding("N00000", "9.99"), *found[1:2_490], finding("NEW")]
    made = run(store, clock, *changed)
    assert (made.new, made.changed, made.gone, made.same) == (1, 1, 10, 2_489)
    with store.reading() as tx:
        assert tx.connection.execute(sa.select(sa.func.count()).select_from(exception_found)).scalar() == 0
        assert len(list(exceptions.every(tx, ALL))) == 2_501


def test_nothing_of_a_run_stays_that_breaks_off(store: Store, clock: FakeClock) -> None:
    def breaking() -> Any:
        yield finding("A")
        raise RuntimeError("the comparison broke off")

    with pytest.raises(RuntimeError), store.writing() as tx:
        record(tx, SCOPE, breaking(), clock.now())
    assert stored(store) == []


def test_a_misspelt_scope_is_refused(store: Store, clock: FakeClock) -> None:
    with store.writing() as tx, pytest.raises(ValueError, match="no scope"):
        record(tx, "Compare ERP", [], clock.now())


@pytest.mark.parametrize("name", ["", "  ", "ledgerbridge", "a\nb"])
def test_nobody_acts_under_a_name_that_is_none(clock: FakeClock, name: str) -> None:
    with pytest.raises(ActRefused):
        person(clock, name)
