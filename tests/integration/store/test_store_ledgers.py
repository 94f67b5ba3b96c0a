"""What the store says of two ledgers: only numbers that differ, balances by customer, the same on both engines."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

import pytest

from ledgerbridge.model.base import Kind
from ledgerbridge.model.ledger import NumberGroup
from ledgerbridge.reconciler.comparison import Scope, differences
from ledgerbridge.store import Store, bulk, ledgers
from ledgerbridge.store.observed import Body, Row, Writes, lock_of, write
from ledgerbridge.store.tables_identity import link
from ledgerbridge.store.tx import Tx
from ledgerbridge.sync.comparing import Comparing, comparing

DAY = date(2026, 10, 31)


@dataclass(frozen=True, slots=True)
class Copy:
    """What matters of an observed copy here."""

    system: str
    key: str
    kind: Kind = Kind.INVOICE
    number: str | None = "XS-1"
    minor: int = 100
    currency: str = "CNY"
    party_id: str | None = "c1"
    code: str | None = None
    name: str | None = None
    tax: int | None = 13
    fee: int | None = None
    on: str | None = "2026-10-20"
    due: str | None = None
    status: str = "approved"
    part: str | None = None
    state: str = "live"

    def row(self) -> Row:
        values: dict[str, object] = dict.fromkeys(Row._fields)
        values |= {"kind": self.kind.value, "external_id": self.key, "amount_minor": self.minor, "tax_minor": self.tax}
        values |= {"fee_minor": self.fee, "party_code": self.code, "party_name": self.name, "business_on": self.on}
        values |= {"due_on": self.due, "doc_status": self.status, "doc_kind": "invoice", "wire_type": "t"}
        values |= {"flawed": False, "raw_hash": b"r" * 16, "notices": 0}
        values |= {"first_seen_us": 1, "changed_us": 1, "changed_run": "r"}
        values |= {name: getattr(self, name) for name in ("system", "state", "currency", "number", "part", "party_id")}
        return Row(**values)  # type: ignore[arg-type]


def customer(system: str, key: str, code: str | None = None, name: str | None = None) -> Copy:
    return Copy(
        system, key, Kind.CUSTOMER, code, 0, "", party_id=None, code=code, name=name, tax=None, on=None, status="active"
    )


def put(store: Store, copies: Iterable[Copy], entities: dict[tuple[str, Kind, str], str]) -> None:
    by_stream: dict[tuple[str, Kind], list[Copy]] = {}
    for one in copies:
        by_stream.setdefault((one.system, one.kind), []).append(one)
    for (system, kind), stream in by_stream.items():
        with store.writing(lock=lock_of(system, kind)) as tx:
            rows: list[tuple[Row, Body | None]] = [(one.row(), None) for one in stream]
            write(tx, system, kind, Writes(inserts=rows), now_us=1, run_id="r")
    with store.writing() as tx:
        columns = ("system", "kind", "external_id", "part", "entity_id", "rule", "decided_by", "at_us")
        rows_of_links = [
            (system, kind.value, key, key, entity, "test", "test", 0)
            for (system, kind, key), entity in entities.items()
        ]
        bulk.insert(tx, link, columns, rows_of_links)


CUSTOMERS = [
    customer("erp", "c1", "K1", "甲"),
    customer("erp", "c2", "K2", "乙"),
    customer("crm", "x1"),
    customer("crm", "x2"),
]
ENTITIES = {
    ("erp", Kind.CUSTOMER, "c1"): "E1",
    ("crm", Kind.CUSTOMER, "x1"): "E1",
    ("erp", Kind.CUSTOMER, "c2"): "E2",
    ("crm", Kind.CUSTOMER, "x2"): "E2",
}
OURS = Copy("erp", "1")
THEIRS = Copy("crm", "9", party_id="x1")


def groups(store: Store, kind: Kind = Kind.INVOICE) -> list[NumberGroup]:
    with store.reading() as tx:
        found = ledgers.differing(tx, kind, ledgers.accounts(tx, "erp"), ledgers.accounts(tx, "crm"))
        return list(found)


SAME = [
    ("as it is", OURS, THEIRS),
    ("tax unknown on one side", replace(OURS, tax=None), THEIRS),
    ("due day unknown on one side", replace(OURS, due="2026-11-30"), THEIRS),
    ("fee apart or within", replace(OURS, kind=Kind.PAYMENT, fee=5), replace(THEIRS, kind=Kind.PAYMENT, minor=105)),
    ("customer by code", replace(OURS, party_id=None, code="K1"), THEIRS),
    ("customer by an id that stands as a code", replace(OURS, party_id=None, code="c1"), THEIRS),
    ("void on both sides", replace(OURS, status="void"), replace(THEIRS, status="void")),
]


@pytest.mark.parametrize(("ours", "theirs"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_what_is_plainly_the_same_does_not_come_out(store: Store, ours: Copy, theirs: Copy) -> None:
    put(store, [*CUSTOMERS, ours, theirs], ENTITIES)
    assert groups(store, ours.kind) == []


DIFFERENT = [
    ("amount", replace(THEIRS, minor=101)),
    ("tax", replace(THEIRS, tax=14)),
    ("currency", replace(THEIRS, currency="USD")),
    ("day", replace(THEIRS, on="2026-10-21")),
    ("status", replace(THEIRS, status="draft")),
    ("customer", replace(THEIRS, party_id="x2")),
    ("customer that is not linked", replace(THEIRS, party_id="x3")),
    ("number", replace(THEIRS, number="XS-2")),
    ("deleted", replace(THEIRS, state="deleted")),
]


@pytest.mark.parametrize("theirs", [row[1] for row in DIFFERENT], ids=[row[0] for row in DIFFERENT])
def test_what_differs_comes_out_with_both_sides(store: Store, theirs: Copy) -> None:
    put(
        store,
        [*CUSTOMERS, OURS, replace(OURS, key="2", number="XS-0"), replace(THEIRS, key="8", number="XS-0"), theirs],
        ENTITIES,
    )
    found = groups(store)
    expected = {"XS-1", theirs.number} if theirs.state == "live" else {"XS-1"}
    assert {group.number for group in found} == expected, "and XS-0, which is the same, does not"
    first = next(group for group in found if group.number == "XS-1")
    assert [one.external_ids for one in first.leading] == [("1",)]
    assert first.leading[0].account.key == "E1"


def test_numbers_that_are_there_more_than_once_come_out(store: Store) -> None:
    twin = replace(THEIRS, key="10")
    put(
        store,
        [*CUSTOMERS, OURS, THEIRS, twin, replace(THEIRS, key="a", number="Z"), replace(THEIRS, key="b", number="Z")],
        ENTITIES,
    )
    assert [(group.number, len(group.leading), len(group.compared)) for group in groups(store)] == [
        ("XS-1", 1, 2),
        ("Z", 0, 2),
    ]


def test_a_code_that_two_customers_have_names_nobody(store: Store) -> None:
    put(store, [customer("erp", "a", "K"), customer("erp", "b", "K"), customer("erp", "c", "Q", "丙")],
        {("erp", Kind.CUSTOMER, "a"): "E1", ("erp", Kind.CUSTOMER, "b"): "E2", ("erp", Kind.CUSTOMER, "c"): "E3"})  # fmt: skip
    with store.reading() as tx:
        known = ledgers.accounts(tx, "erp")
    assert known.account(None, "K", None).entity is None
    assert known.account("a", "K", None).entity == "E1"
    assert known.account(None, None, "丙").entity == "E3"
    assert known.account("gone", "Q", None).entity == "E3"
    assert known.account("gone", None, "丁").key == "erp/gone"
    assert known.account(None, "a", None).entity == "E1", "an id that stands as a code"
    assert known.account("Q", None, None).entity == "E3", "a code that stands as an id"
    assert "K" not in known.references()


def test_balances_count_what_is_approved_and_not_later(store: Store) -> None:
    copies = [
        *CUSTOMERS,
        OURS,
        replace(OURS, key="2", minor=50, status="void"),
        replace(OURS, key="3", minor=7, on="2026-11-01"),
        replace(OURS, key="4", minor=-20, party_id=None, code="K1"),
        replace(OURS, key="5", minor=3, currency="USD"),
        replace(OURS, key="6", minor=9, party_id=None, name="丁"),
        replace(OURS, key="7", minor=1000, state="filtered"),
        replace(OURS, key="p", kind=Kind.PAYMENT, minor=60, fee=2),
    ]
    put(store, copies, ENTITIES)
    both = (Kind.INVOICE, Kind.PAYMENT)
    with store.reading() as tx:
        of = ledgers.accounts(tx, "erp")
        assert ledgers.balances(tx, both, of, as_of=DAY) == {("E1", "CNY"): 18, ("E1", "USD"): 3, ("erp/丁", "CNY"): 9}
        assert ledgers.balances(tx, both, of)[("E1", "CNY")] == 25
        assert ledgers.balances(tx, (Kind.PAYMENT,), of) == {("E1", "CNY"): -62}


def test_the_comparison_from_the_store_adds_up_and_says_its_unexplained(store: Store) -> None:
    put(store, [*CUSTOMERS, OURS, replace(THEIRS, minor=120), replace(OURS, key="n", number=None, minor=5)], ENTITIES)
    with store.reading() as tx:
        findings = list(comparing(tx, Scope("erp", "crm", as_of=DAY)).findings())
        assert [(one.code, one.difference.minor if one.difference else None) for one in findings] == [
            ("amount_differs", 20),
            ("balance_unexplained", -5),
        ], "a document without a number is counted, but cannot be compared"
        assert (findings[1].customer, findings[1].customer_name) == ("E1", "甲")
        with pytest.raises(RuntimeError, match="after the differences"):
            list(Comparing(tx, Scope("erp", "crm")).balances())


def ledger(rng: random.Random, system: str, ids: str) -> list[Copy]:
    """A small ledger in which every column differs now and then."""
    found = []
    for at in range(60):
        kind = rng.choice([Kind.INVOICE, Kind.PAYMENT])
        payment = kind is Kind.PAYMENT
        found.append(
            Copy(
                system=system,
                key=f"{ids}{at}",
                kind=kind,
                number=f"N{rng.randrange(40)}",
                minor=rng.choice([100, 100, 200]),
                currency=rng.choice(["CNY"] * 5 + ["USD"]),
                party_id=rng.choice([f"{ids}1", f"{ids}1", f"{ids}2", "?"]),
                tax=rng.choice([13, 13, 14, None]),
                fee=rng.choice([None, None, 0, 1]) if payment else None,
                on=rng.choice(["2026-10-20"] * 4 + ["2026-11-02"]),
                status=rng.choice(["approved"] * 5 + ["void", "draft"]),
                part=rng.choice([None, None, "p"]) if payment else None,
                due=rng.choice([None, "2026-12-01", "2026-12-02"]),
            )
        )
    return found


@pytest.mark.parametrize("seed", range(4))
def test_leaving_out_the_same_numbers_changes_nothing(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    put(store, [*CUSTOMERS, *ledger(rng, "erp", "c"), *ledger(rng, "crm", "x")], ENTITIES)
    scope = Scope("erp", "crm", as_of=DAY)
    with store.reading() as tx:
        under_way = comparing(tx, scope)
        found = list(under_way.differences())
        assert all(balance.unexplained_minor == 0 for balance in under_way.balances())
        sides = ledgers.accounts(tx, "erp"), ledgers.accounts(tx, "crm")
        every = [group for kind in scope.kinds for group in _all_groups(tx, kind, *sides)]
        assert Counter(map(repr, found)) == Counter(map(repr, differences(every, scope)))
        assert found


def _all_groups(tx: Tx, kind: Kind, *sides: ledgers.Accounts) -> Iterator[NumberGroup]:
    """Every number, through a query that knows no equality: no customer of one system is any of the other's."""
    strangers = [replace(side, by_id={}, by_code={}, by_name={}) for side in sides]
    groups = ledgers.differing(tx, kind, *strangers)
    by_system = {side.system: side for side in sides}
    for group in groups:
        found = []
        for documents, side in ((group.leading, sides[0]), (group.compared, sides[1])):
            known = by_system[side.system]
            found.append(
                [
                    replace(one, account=known.account(one.account.key.partition("/")[2], None, None))
                    for one in documents
                ]
            )
        yield NumberGroup(kind, group.number, *found)


NUMBERS = ["N1", "N2", "N3", "N4", "n1", "N1 ", "红字-7", "0", "-", "N'1", "N\\1", "9" * 30, "\U00020bb7"]


def odd_ledger(rng: random.Random, system: str, ids: str, tidy: float) -> list[Copy]:
    """A ledger with doubles, blanks, odd numbers, voids and currencies; `tidy`: how much of it is as in the other system."""
    found: list[Copy] = []
    for kind in (Kind.INVOICE, Kind.PAYMENT):
        for number in [*NUMBERS, None]:
            for twin in range(rng.choice([1] * 8 + [0, 2, 3])):
                one = Copy(system, f"{kind}{number}{twin}", kind, number, party_id=f"{ids}1")
                if kind is Kind.PAYMENT:
                    fee = rng.choice([None, 0, 5])
                    one = replace(one, tax=None, fee=fee, minor=105 - (fee or 0))
                if rng.random() > tidy:
                    one = replace(one, tax=rng.choice([13, None]), due=rng.choice([None, "2026-12-01"]))
                if rng.random() > tidy:
                    changed: list[dict[str, object]] = [
                        {"minor": rng.choice([-100, 0, 99, 10**15])}, {"status": rng.choice(["void", "draft"])},
                        {"currency": rng.choice(["USD", "JPY"])}, {"on": "2026-11-02"}, {"state": "deleted"}, {"tax": 14},
                        {"due": "2026-12-02"}, {"party_id": f"{ids}2"}, {"party_id": None, "code": f"{ids}1"},
                        {"party_id": "c1"}, {"party_id": None}, {"party_id": None, "name": "丁"}, {"part": "p"},
                    ]  # fmt: skip
                    one = replace(one, **rng.choice(changed))  # type: ignore[arg-type]
                found.append(one)
    return found


def plainly_the_same(
    ours: list[Copy], theirs: list[Copy], optional: tuple[str, ...], customers: list[dict[str, str]]
) -> bool:
    if len(ours) != 1 or len(theirs) != 1:
        return False
    (one,), (other,) = ours, theirs
    settled = [side.minor + ((side.fee or 0) if side.kind is Kind.PAYMENT else 0) for side in (one, other)]
    columns = [("tax", "tax_minor"), ("due", "due_on")] if one.kind is Kind.INVOICE else [("fee", "fee_minor")]
    said = [(getattr(one, name), getattr(other, name)) for name, column in columns if column in optional]
    whose = [known.get(side.party_id or side.code or "") for known, side in zip(customers, (one, other), strict=True)]
    return (
        (one.currency, one.on, one.status, settled[0]) == (other.currency, other.on, other.status, settled[1])
        and all(left is None or right is None or left == right for left, right in said)
        and whose[0] is not None
        and whose[0] == whose[1]
    )


@pytest.mark.parametrize("seed", range(5))
def test_what_comes_out_is_what_a_plain_comparison_finds(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    tidy = rng.choice([0.5, 0.8, 0.95])
    leading, compared = ("erp", "crm") if seed % 2 else ("crm", "erp")
    books = {"erp": odd_ledger(rng, "erp", "c", tidy), "crm": odd_ledger(rng, "crm", "x", tidy)}
    put(
        store,
        [*CUSTOMERS, customer("crm", "c1"), *books["erp"], *books["crm"]],
        ENTITIES | {("crm", Kind.CUSTOMER, "c1"): "E2"},
    )
    with store.reading() as tx:
        sides = [ledgers.accounts(tx, system) for system in (leading, compared)]
        customers = [side.references() for side in sides]
        for kind in (Kind.INVOICE, Kind.PAYMENT):
            for optional in (ledgers.OPTIONAL, ("fee_minor", "due_on"), ()):
                numbers: dict[str, tuple[list[Copy], list[Copy]]] = {}
                for at, system in enumerate((leading, compared)):
                    for one in books[system]:
                        if one.kind is kind and one.number is not None and one.state == "live":
                            numbers.setdefault(one.number, ([], []))[at].append(one)
                expected = sorted(
                    number for number, both in numbers.items() if not plainly_the_same(*both, optional, customers)
                )
                found = [group.number for group in ledgers.differing(tx, kind, *sides, optional=optional)]
                assert found == expected, (kind, optional)
        for side, sums in zip(sides, ledgers.every_balance(tx, (Kind.INVOICE, Kind.PAYMENT), sides), strict=True):
            counted: Counter[tuple[str, str]] = Counter()
            for one in books[side.system]:
                if one.state == "live" and one.status == "approved":
                    minor = one.minor if one.kind is Kind.INVOICE else -one.minor - (one.fee or 0)
                    counted[side.account(one.party_id, one.code, one.name).key, one.currency] += minor
            assert sums == {key: minor for key, minor in counted.items() if minor}
            assert sums == ledgers.balances(tx, (Kind.INVOICE, Kind.PAYMENT), side)
