"""What is carried forward gives, after any edits, what the documents give: statements, aging, sums and allocations alike."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reconcile_books import NOW, RULES, Record, allocation, customer, delete, invoice, payment, put, rolled, run

from ledgerbridge.clock import business_day
from ledgerbridge.errors import StatementError
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.reconciler.allocation import Policy, Tolerance
from ledgerbridge.reconciler.statement import Period
from ledgerbridge.store import Store, Tx, allocations, book_marks, bulk, carried, links
from ledgerbridge.sync.reconciling import Rules
from ledgerbridge.sync.reconciling import books as reading
from ledgerbridge.sync.reconciling.aging import aging, open_items
from ledgerbridge.sync.reconciling.books import CarriedBooks, CustomerBooks, directory, every_customer, in_full
from ledgerbridge.sync.reconciling.findings import of_cash
from ledgerbridge.sync.reconciling.statements import Asked, statement_again, statements
from ledgerbridge.sync.reconciling.sums import Totals
from ledgerbridge.sync.reconciling.verifying import faults, verify

FIRST = date(2025, 12, 1)
DAYS = 130
OWNERS = ("C1", "C2", "C3")
OTHER_RULES = replace(RULES, cash=Policy(tolerances={"CNY": Tolerance(fee_minor=500)}))


class Desk:
    """Books under edit, each edit as its seed rolls it."""

    def __init__(self, store: Store) -> None:
        self.store, self.rules, self.now = store, RULES, NOW
        self.records: dict[tuple[Kind, str], Record] = {}
        self.numbered, self.recorded = 0, False
        put(store, [customer(code, f"第{code}客户有限公司") for code in OWNERS])

    def day(self, die: random.Random, last: int = DAYS) -> str:
        return (FIRST + timedelta(days=die.randrange(last))).isoformat()

    def keep(self, record: Record) -> None:
        self.records[record.kind, record.external_id] = record
        put(self.store, [record])

    def some(self, die: random.Random, *kinds: Kind) -> Record | None:
        listed = [one for (kind, _), one in sorted(self.records.items()) if kind in kinds]
        return die.choice(listed) if listed else None

    def named(self, die: random.Random, owner: str) -> dict[str, Any]:
        ways: list[dict[str, str]] = [
            {"external_id": owner, "code": owner},
            {"code": owner},
            {"name": f"第{owner}客户有限公司"},
        ]
        return die.choice(ways)

    def bill(self, die: random.Random) -> None:
        self.numbered += 1
        minor = die.choice((10_000, 20_000, 7_300, -3_000))
        said: dict[str, Any] = {
            "currency": die.choice(("CNY", "CNY", "USD")),
            "due_on": self.day(die) if die.random() < 0.7 else None,
        }
        owner = die.choice(OWNERS)
        made = invoice(f"XS{self.numbered:05}", owner, minor, self.day(die), **said)
        made.fields["customer"] = self.named(die, owner)
        if minor > 0 and die.random() < 0.1:
            made.fields["kind"] = "opening_balance"
        self.keep(made)

    def pay(self, die: random.Random) -> None:
        self.numbered += 1
        bill = self.some(die, Kind.INVOICE)
        if bill is None:
            self.bill(die)
            return
        said, minor = bill.fields, bill.fields["total_minor"]
        on = min(
            (date.fromisoformat(said["issued_on"]) + timedelta(days=die.randrange(30))).isoformat(),
            self.day(die, DAYS * 2),
        )
        owner = die.choice(OWNERS) if die.random() < 0.1 else None
        paid = die.choice((minor, minor, minor // 2, minor - 400, minor + 900))
        number = f"SK{self.numbered:05}"
        more: dict[str, Any] = {
            "currency": said["currency"],
            "remittance_text": die.choice((f"货款{said['number']}", "货款", "")),
        }
        if die.random() < 0.3 and 0 < paid <= minor:
            given = {"invoice": {"number": said["number"]}, "amount_minor": paid, "allocated_on": self.day(die)}
            more["allocations"] = [given]
        made = payment(number, owner or "C1", paid or 1, on, **more)
        made.fields["customer"] = {"external_id": owner, "code": owner} if owner else said["customer"]
        self.keep(made)
        if die.random() < 0.2:  # another record of the same payment
            made.fields["part"] = "1"
            self.keep(made)
            second = payment(number, "C1", 700, on, **more | {"part": "2", "allocations": None})
            second.fields["customer"] = made.fields["customer"]
            self.keep(Record("erp", Kind.PAYMENT, f"{number}-2", second.fields))

    def allocate(self, die: random.Random) -> None:
        self.numbered += 1
        bill, paid = self.some(die, Kind.INVOICE), self.some(die, Kind.PAYMENT)
        if bill and paid:
            made = allocation(
                f"HX{self.numbered:05}",
                paid.external_id,
                bill.external_id,
                die.choice((500, 7_300)),
                self.day(die),
                "C1",
            )
            made.fields["customer"] = bill.fields["customer"]
            made.fields["currency"] = bill.fields["currency"]
            self.keep(made)

    def change(self, die: random.Random) -> None:
        one = self.some(die, Kind.INVOICE, Kind.PAYMENT)
        if one is None:
            return
        on, minor = ("issued_on", "total_minor") if one.kind is Kind.INVOICE else ("received_on", "amount_minor")
        field = die.choice((on, minor, "customer", "status", "currency", "remark"))
        values: dict[str, Any] = {
            on: self.day(die),
            minor: abs(one.fields[minor]) // 2 + 1,
            "customer": self.named(die, die.choice(OWNERS)),
            "status": die.choice(("approved", "void", "draft")),
            "currency": die.choice(("CNY", "USD")),
            "remark": f"备注{die.randrange(9)}",
        }
        kind = "invoice" if one.kind is Kind.INVOICE else "receipt"
        self.keep(
            replace(
                one,
                fields={**one.fields, "kind": kind, field: values[field]}
                if field == minor
                else {**one.fields, field: values[field]},
            )
        )

    def remove(self, die: random.Random) -> None:
        one = self.some(die, Kind.INVOICE, Kind.PAYMENT, Kind.ALLOCATION)
        if one is not None:
            del self.records[one.kind, one.external_id]
            delete(self.store, one)

    def relink(self, die: random.Random) -> None:
        with self.store.writing() as tx:
            links.unbind(
                tx, Ref(system="erp", kind=Kind.CUSTOMER, external_id=die.choice(OWNERS)), at=self.now, actor="test"
            )

    def rename(self, die: random.Random) -> None:
        code = die.choice(OWNERS)
        made = customer(code, f"第{die.choice(OWNERS)}客户有限公司")
        made.fields["code"] = die.choice((code, code, "C9"))
        put(self.store, [made])

    def reconcile(self, die: random.Random) -> None:
        self.now += timedelta(days=die.choice((0, 0, 1, 30)), minutes=1)
        if die.random() < 0.1:
            self.rules = OTHER_RULES if self.rules is RULES else RULES
        self.recorded = run(self.store, rules=self.rules, now=self.now).recorded

    def look_back(self, die: random.Random) -> None:
        run(self.store, rules=self.rules, now=self.now, as_of=date.fromisoformat(self.day(die)))


EDITS = (
    "bill",
    "bill",
    "bill",
    "pay",
    "pay",
    "pay",
    "allocate",
    "change",
    "change",
    "remove",
    "relink",
    "rename",
    "look_back",
)


def stated(tx: Tx, rules: Rules, period: Period, now: datetime) -> list[object]:
    try:
        found = list(statements(tx, rules, Asked(period), now))
        again = [statement_again(tx, rules, one, now) == one for one in found[:1]]
    except StatementError as error:
        return [str(error)]
    return [*(one.model_dump_json() for one in found), *again]


def told(tx: Tx, rules: Rules, day: date, now: datetime, *, full: bool) -> dict[str, object]:
    """All that is read from books on a day."""
    who = directory(tx, rules.lead)
    sums, findings = Totals(rules, day), []
    for one in in_full(tx, rules, who, day) if full else every_customer(tx, rules, who, day):
        sums.add(one, list(one.open_entries()))
        findings += list(of_cash(one, rules, day))
        if full:
            assert isinstance(one, CustomerBooks)
            sums.add_records(one)
    if not full:
        sums.add_days(book_marks.day_sums(tx, rules.lead, day.isoformat()))
    firsts = (day.replace(day=1), day - timedelta(days=17), day - timedelta(days=60), day - timedelta(days=100))
    return {
        "aging": aging(tx, rules, day),
        "items": list(open_items(tx, rules, day)),
        "statements": [stated(tx, rules, Period(first, day), now) for first in firsts],
        "sums": (sums.customers, sums.passes(), sums.cash(), sums.aging(), sums.collection()),
        "findings": findings,
    }


def compare(desk: Desk, days: list[date]) -> int:
    """Assert that what is carried forward tells what the documents tell; how many customers were read as they were carried."""
    rules, resting = desk.rules, 0
    with desk.store.reading() as tx:
        if not book_marks.watched(tx, rules.lead):
            return 0
        assert list(book_marks.wrong(tx, rules.lead)) == []
        for day in days:
            books = every_customer(tx, rules, directory(tx, rules.lead), day)
            resting += sum(isinstance(one, CarriedBooks) for one in books)
            quick = told(tx, rules, day, desk.now, full=False)
            with (
                patch.object(reading, "at_rest", return_value={}),
                patch.object(allocations, "states", return_value={}),
            ):
                assert quick == told(tx, rules, day, desk.now, full=True)
    return resting


def compare_stored(desk: Desk) -> None:
    """Right after a reconciliation, what is stored is what the documents give, and nearly all of it is carried forward."""
    with desk.store.reading() as tx:
        rules, day = desk.rules, business_day(desk.now, RULES.zone)
        stored = allocations.states(tx, rules.lead)
        with patch.object(allocations, "states", return_value={}):
            for one in in_full(tx, rules, directory(tx, rules.lead), day):
                assert stored.pop(one.account.key) == one.replacement().state
                assert allocations.of_account(tx, rules.lead, one.account.key) == list(one.applied)
        assert not stored
        assert carried.standings(tx, rules.lead).keys() <= allocations.states(tx, rules.lead).keys()
        assert list(faults(tx, rules, day)) == []


def play(store: Store, edits: list[tuple[str, int]]) -> int:
    desk, resting = Desk(store), 0
    for name, seed in edits:
        die = random.Random(seed)
        getattr(desk, name)(die)
        today = business_day(desk.now, RULES.zone)
        if name == "reconcile":
            if desk.recorded:
                compare_stored(desk)
            resting += compare(desk, [today, today + timedelta(days=3)])
        elif seed % 3 == 0:
            resting += compare(desk, [today])
    return resting


STEPS = st.lists(
    st.tuples(st.sampled_from((*EDITS, *(["reconcile"] * 4))), st.integers(0, 2**20)), min_size=10, max_size=25
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(edits=STEPS)
def test_what_is_carried_forward_tells_what_the_documents_tell(
    fresh_sqlite: Callable[[], Store], edits: list[tuple[str, int]]
) -> None:
    with fresh_sqlite() as store:
        play(store, edits)


@pytest.mark.parametrize("seed", [0])
def test_the_same_through_a_long_life_of_the_books(store: Store, seed: int) -> None:
    die = random.Random(seed)
    names = [die.choice(("reconcile", *EDITS) if at % 7 else ("reconcile",)) for at in range(30)]
    resting = play(store, [(name, die.randrange(2**20)) for name in names])
    assert resting > 10, "customers at rest are read as they were carried forward"


@pytest.mark.parametrize(
    ("damage", "told_of"),
    [
        ("UPDATE book_carry SET items = '[]'", "carried forward"),
        ("UPDATE book_year SET months = '{}'", "carried forward"),
        ("UPDATE allocation_result SET amount_minor = amount_minor - 1", "the allocations"),
        ("UPDATE book_account SET cash = replace(cash, '10000', '10001')", "cash application"),
        ("UPDATE book_party SET records = records + 1", "mark"),
        ("UPDATE book_day SET minor = '1'", "minor units"),
    ],
)
def test_a_proof_tells_what_is_stored_otherwise_and_the_next_run_mends_it(
    store: Store, damage: str, told_of: str
) -> None:
    put(store, [customer("C1", "上海飞轮机械有限公司"), invoice("XS1", "C1", 10_000, "2026-01-05")])
    put(
        store,
        [invoice("XS2", "C1", 500, "2026-02-05"), payment("SK1", "C1", 10_000, "2026-02-06", remittance_text="XS1")],
    )
    right = run(store).summary
    assert verify(store, RULES, right.as_of) == ()
    run(store)
    with store.writing() as tx:
        assert bulk.run(tx, damage, ()) > 0
    found = verify(store, RULES, right.as_of)
    assert any(told_of in fault.what for fault in found)
    again = run(store).summary
    assert (again.cash, again.aging, again.collection) == (right.cash, right.aging, right.collection)
    assert verify(store, RULES, right.as_of) == ()


@pytest.mark.parametrize("seed", range(3))
def test_statements_from_any_day_are_those_of_the_documents(fresh_sqlite: Callable[[], Store], seed: int) -> None:
    last = date(2026, 3, 31)
    fees = replace(RULES, cash=Policy(tolerances={code: Tolerance(fee_minor=1_000) for code in ("CNY", "USD")}))
    with fresh_sqlite() as store:
        put(store, rolled(seed, customers=3, documents=70))
        put(
            store,
            [
                invoice("XSF", "C01", 90_000, "2026-01-20"),
                payment("SKF", "C01", 89_300, "2026-02-11", remittance_text="XSF"),
            ],
        )
        run(store, rules=fees)
        with store.reading() as tx:
            books = list(every_customer(tx, fees, directory(tx, "erp"), last))
            assert all(isinstance(one, CarriedBooks) for one in books)
            assert any(match.difference == "fee" for _, rows in allocations.every(tx, "erp") for match in rows)
            for first in (last - timedelta(days=3 * back) for back in range(30)):
                period = Period(first, last)
                quick = stated(tx, fees, period, NOW)
                with patch.object(reading, "at_rest", return_value={}):
                    assert quick == stated(tx, fees, period, NOW)
            strict = [
                one for one in every_customer(tx, RULES, directory(tx, "erp"), last) if isinstance(one, CarriedBooks)
            ]
            assert strict == [], "other rules, other books"
            early = every_customer(tx, fees, directory(tx, "erp"), date(2026, 2, 1))
            assert not any(isinstance(one, CarriedBooks) for one in early), "of a day before its last record"


def test_only_the_customer_whose_books_change_is_read_again(store: Store) -> None:
    put(store, [customer(code, f"第{code}客户有限公司") for code in OWNERS])
    bills = [invoice(f"XS{code}", code, 10_000, "2026-01-05") for code in OWNERS]
    put(store, [*bills, invoice("XSC1-2", "C1", 500, "2026-01-06")])

    def read_again(day: date = date(2026, 3, 31)) -> int:
        with store.reading() as tx:
            every = list(every_customer(tx, RULES, directory(tx, "erp"), day))
        return sum(isinstance(one, CustomerBooks) for one in every)

    assert read_again() == 3, "nothing is carried forward before the first reconciliation"
    run(store)
    assert read_again() == 0
    put(store, [bills[0]])
    assert read_again() == 1, "written again, so read again"
    run(store)
    put(store, [invoice("XSC1", "C2", 10_000, "2026-01-05")])
    assert read_again() == 2, "whoever had the document, and whoever has it now"
    run(store)
    assert read_again() == 0
    assert read_again(date(2026, 1, 4)) == 0, "no document yet"
    put(store, [payment("SK1", "C3", 1, "2026-04-02")])
    run(store)
    assert read_again(date(2026, 4, 1)) == 0
    assert read_again(date(2026, 4, 2)) == 1, "its day has come"
