"""The comparison of two ledgers: every difference by name, and the sums that must hold whatever the ledgers are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.model.base import Kind
from ledgerbridge.model.exception import Code
from ledgerbridge.model.invoice import DocumentStatus
from ledgerbridge.model.ledger import Account, Balances, LedgerDocument, NumberGroup
from ledgerbridge.reconciler.comparison import (
    NOT_HELD,
    NOT_LINKED,
    Aspect,
    CauseBook,
    Difference,
    Scope,
    Tolerance,
    compare_balances,
    differences,
    out_of_scope,
    pairing,
    unexplained,
)

DAY = date(2026, 10, 20)
LAST_DAY = date(2026, 10, 31)
LATER = date(2026, 11, 2)
SCOPE = Scope("erp", "crm", as_of=LAST_DAY)
ACME, BETA = Account("E1", "E1", "甲公司"), Account("E2", "E2", "乙公司")
STRANGER = Account("crm/77", None, "丙公司")
ONE = LedgerDocument(Kind.INVOICE, ("1",), "XS-1", ACME, "CNY", 10_000, DAY, DocumentStatus.APPROVED, tax_minor=1150)
PAYMENT = LedgerDocument(Kind.PAYMENT, ("9",), "SK-1", ACME, "CNY", 7_000, DAY, DocumentStatus.APPROVED)


def grouped(leading: Iterable[LedgerDocument], compared: Iterable[LedgerDocument]) -> list[NumberGroup]:
    found: dict[tuple[Kind, str], NumberGroup] = {}
    for side, documents in enumerate((leading, compared)):
        for one in documents:
            group = found.setdefault((one.kind, one.number), NumberGroup(one.kind, one.number, [], []))
            (group.leading, group.compared)[side].append(one)  # type: ignore[attr-defined]
    return list(found.values())


def run(
    leading: Sequence[LedgerDocument], compared: Sequence[LedgerDocument], scope: Scope = SCOPE
) -> list[Difference]:
    return list(differences(grouped(leading, compared), scope))


def balances(documents: Iterable[LedgerDocument], scope: Scope) -> Balances:
    """The plain definition, apart from the engine's."""
    found: Counter[tuple[str, str]] = Counter()
    for one in documents:
        if one.status is DocumentStatus.APPROVED and (scope.as_of is None or one.business_on <= scope.as_of):
            found[(one.account.key, one.currency)] += one.settled_minor * (1 if one.kind is Kind.INVOICE else -1)
    return dict(found)


def told(found: Iterable[Difference]) -> list[tuple[str, list[tuple[str, str, int]]]]:
    return [(one.cause, [tuple(effect) for effect in one.effects]) for one in found]  # type: ignore[misc]


SINGLE: list[tuple[str, LedgerDocument, str, list[tuple[str, str, int]]]] = [
    ("amount", replace(ONE, settled_minor=10_001), Code.AMOUNT_DIFFERS, [("E1", "CNY", 1)]),
    ("tax", replace(ONE, tax_minor=1151), Code.TAX_DIFFERS, []),
    ("currency", replace(ONE, currency="USD"), Code.CURRENCY_DIFFERS, [("E1", "CNY", -10_000), ("E1", "USD", 10_000)]),
    ("customer", replace(ONE, account=BETA), Code.CUSTOMER_DIFFERS, [("E1", "CNY", -10_000), ("E2", "CNY", 10_000)]),
    ("date", replace(ONE, business_on=date(2026, 10, 3)), Code.DATE_DIFFERS, []),
    ("timing", replace(ONE, business_on=LATER), Code.TIMING, [("E1", "CNY", -10_000)]),
    ("draft", replace(ONE, status=DocumentStatus.DRAFT), Code.STATUS_DIFFERS, [("E1", "CNY", -10_000)]),
    ("void", replace(ONE, status=DocumentStatus.VOID), Code.VOID_ON_ONE_SIDE, [("E1", "CNY", -10_000)]),
    ("not linked", replace(ONE, account=STRANGER), NOT_LINKED, [("E1", "CNY", -10_000), ("crm/77", "CNY", 10_000)]),
]


@pytest.mark.parametrize(("other", "cause", "effects"), [row[1:] for row in SINGLE], ids=[row[0] for row in SINGLE])
def test_one_difference_is_one_finding_with_all_its_effects(
    other: LedgerDocument, cause: str, effects: list[tuple[str, str, int]]
) -> None:
    found = run([ONE], [other])
    assert told(found) == [(cause, effects)]
    finding = found[0].finding
    if cause == NOT_LINKED:
        assert finding is None, "it is a matter of links, not of this document"
        return
    assert finding is not None
    assert finding.code == cause
    assert [str(ref) for ref in finding.refs] == ["erp/invoice/1", "crm/invoice/1"]
    assert finding.difference is not None
    assert finding.difference.minor == sum(
        minor for account, currency, minor in effects if (account, currency) == ("E1", "CNY")
    )
    assert finding.customer == "E1"
    assert finding.number == "XS-1"


def test_equal_documents_say_nothing() -> None:
    assert run([ONE, PAYMENT], [replace(ONE, external_ids=("a",)), replace(PAYMENT, external_ids=("b",))]) == []


def test_what_one_side_does_not_say_is_no_difference() -> None:
    silent = replace(ONE, tax_minor=None, due_on=None, doc_kind=None)
    assert run([replace(ONE, due_on=LATER, doc_kind="invoice")], [silent]) == []


def test_quiet_fields_are_named_and_can_be_left_out() -> None:
    ours, theirs = replace(ONE, due_on=LATER, doc_kind="invoice"), replace(ONE, due_on=DAY, doc_kind="adjustment")
    assert [one.finding.fields for one in run([ours], [theirs]) if one.finding] == [("due_on",), ("kind",)]
    assert run([ours], [theirs], replace(SCOPE, aspects=frozenset({Aspect.TAX}))) == []


def test_the_tax_of_another_amount_is_not_told_twice() -> None:
    assert [one.cause for one in run([ONE], [replace(ONE, settled_minor=20_000, tax_minor=2300)])] == ["amount_differs"]


@pytest.mark.parametrize("in_leading", [True, False])
def test_a_document_of_one_side_is_missing_on_the_other(in_leading: bool) -> None:
    found = run([ONE] if in_leading else [], [] if in_leading else [ONE])
    assert told(found) == [("missing", [("E1", "CNY", -10_000 if in_leading else 10_000)])]
    finding = found[0].finding
    assert finding is not None
    assert finding.systems == ("erp", "crm")
    assert [ref.system for ref in finding.refs] == ["erp" if in_leading else "crm"]


@pytest.mark.parametrize("status", [DocumentStatus.VOID, DocumentStatus.DRAFT])
def test_what_counts_nowhere_need_not_be_anywhere(status: DocumentStatus) -> None:
    idle = replace(ONE, status=status)
    assert run([idle], []) == []
    assert run([], [idle]) == []
    assert run([idle], [replace(idle, settled_minor=5, account=BETA)]) == []
    assert run([replace(ONE, business_on=LATER)], []) == []


def test_a_draft_against_a_void_says_only_that() -> None:
    found = run(
        [replace(ONE, status=DocumentStatus.DRAFT)], [replace(ONE, status=DocumentStatus.VOID, settled_minor=1)]
    )
    assert told(found) == [("void_on_one_side", [])]


def test_several_things_at_once_add_up_to_what_the_documents_leave() -> None:
    other = replace(ONE, account=BETA, currency="USD", settled_minor=9_000)
    assert told(run([ONE], [other])) == [
        ("amount_differs", [("E1", "CNY", -1_000)]),
        ("currency_differs", [("E1", "CNY", -9_000), ("E1", "USD", 9_000)]),
        ("customer_differs", [("E1", "USD", -9_000), ("E2", "USD", 9_000)]),
    ]
    found = run([ONE], [replace(other, business_on=LATER)])
    assert told(found) == [
        ("amount_differs", [("E1", "CNY", -1_000)]),
        ("timing", [("E1", "CNY", -9_000)]),
        ("currency_differs", []),
        ("customer_differs", []),
    ]


def test_a_payment_takes_away() -> None:
    assert told(run([PAYMENT], [])) == [("missing", [("E1", "CNY", 7_000)])]
    assert told(run([PAYMENT], [replace(PAYMENT, settled_minor=6_000)])) == [("amount_differs", [("E1", "CNY", 1_000)])]


def test_duplicates_are_counted_as_multisets() -> None:
    twin = replace(ONE, external_ids=("2",), business_on=date(2026, 10, 21))
    assert told(run([ONE], [ONE, twin])) == [("duplicate", [("E1", "CNY", 10_000)])]
    assert told(run([ONE, twin], [ONE])) == [("duplicate", [("E1", "CNY", -10_000)])]
    assert run([ONE, twin], [twin, ONE]) == [], "twice on both sides is no difference"
    assert run([ONE], [ONE, replace(twin, status=DocumentStatus.VOID)]) == [], "the twin was taken back"


def test_another_document_under_the_same_number_is_no_duplicate() -> None:
    other = replace(ONE, external_ids=("2",), account=BETA, settled_minor=77)
    assert told(run([ONE], [ONE, other])) == [("missing", [("E2", "CNY", 77)])]


def test_a_tolerance_is_a_cause_of_its_own_and_only_for_its_currency() -> None:
    scope = replace(SCOPE, tolerances=(Tolerance("cents", "CNY", 5), Tolerance("wide", "CNY", 50)))
    assert told(run([ONE], [replace(ONE, settled_minor=10_005)], scope)) == [("tolerated:cents", [("E1", "CNY", 5)])]
    assert told(run([ONE], [replace(ONE, settled_minor=9_994)], scope)) == [("tolerated:wide", [("E1", "CNY", -6)])]
    assert [one.cause for one in run([ONE], [replace(ONE, settled_minor=10_051)], scope)] == ["amount_differs"]
    dollars = replace(ONE, currency="USD")
    assert [one.cause for one in run([dollars], [replace(dollars, settled_minor=10_001)], scope)] == ["amount_differs"]


def test_parts_of_one_number_are_one_payment() -> None:
    parts = [
        replace(PAYMENT, external_ids=(key,), part=key, settled_minor=minor)
        for key, minor in (("a", 3_000), ("b", 4_000))
    ]
    assert run([PAYMENT], parts) == []
    found = run([PAYMENT], [parts[0], replace(parts[1], settled_minor=4_100)])
    assert told(found) == [("amount_differs", [("E1", "CNY", -100)])]
    assert found[0].finding is not None
    assert [ref.external_id for ref in found[0].finding.refs] == ["9", "a", "b"]
    void = replace(PAYMENT, external_ids=("c",), part="c", status=DocumentStatus.VOID)
    assert run([PAYMENT], [*parts, void]) == [], "a part that was taken back does not count"


def test_a_payment_entered_twice_in_parts_is_a_duplicate_not_another_amount() -> None:
    parts = [
        replace(PAYMENT, external_ids=(key,), part=key, settled_minor=minor)
        for key, minor in (("a", 3_000), ("b", 7_000), ("c", 4_000))
    ]
    assert told(run([PAYMENT], parts)) == [("duplicate", [("E1", "CNY", -7_000)])]
    uneven = [replace(parts[0], settled_minor=9_000), replace(parts[1], settled_minor=5_000)]
    assert told(run([PAYMENT], uneven)) == [("amount_differs", [("E1", "CNY", -7_000)])]


def test_a_link_pairs_documents_of_different_numbers() -> None:
    ours, theirs = replace(ONE, entity="D1"), replace(ONE, entity="D1", number="CRM-7", settled_minor=9_000)
    assert told(run([ours], [theirs])) == [("amount_differs", [("E1", "CNY", -1_000)])]
    assert [one.cause for one in run([ours], [replace(theirs, entity="D2")])] == ["missing", "missing"]


def test_customers_that_the_compared_system_need_not_have_are_out_of_scope() -> None:
    scope = replace(SCOPE, held=frozenset({"E1"}))
    found = run([ONE, replace(ONE, number="XS-2", account=BETA)], [], scope)
    assert told(found) == [("missing", [("E1", "CNY", -10_000)]), (NOT_HELD, [("E2", "CNY", -10_000)])]
    book = CauseBook()
    for one in found:
        book.add(one)
    gaps = list(compare_balances({("E1", "CNY"): 10_000, ("E2", "CNY"): 10_000}, {}, book))
    assert [out_of_scope(one) for one in gaps] == [False, True]


def test_a_gap_without_a_cause_is_a_line_and_a_finding_of_its_own() -> None:
    book = CauseBook()
    for one in run([ONE], [replace(ONE, settled_minor=10_500)]):
        book.add(one)
    (balance,) = compare_balances({("E1", "CNY"): 10_000}, {("E1", "CNY"): 10_700}, book)
    assert balance.gap_minor == 700
    assert [(cause.name, cause.minor) for cause in balance.causes] == [("amount_differs", 500)]
    assert balance.unexplained_minor == 200
    finding = unexplained(balance, SCOPE, {"E1": ACME})
    assert finding is not None
    assert (finding.code, finding.customer, finding.difference.minor if finding.difference else 0) == (
        Code.BALANCE_UNEXPLAINED,
        "E1",
        200,
    )
    (whole,) = compare_balances({("E1", "CNY"): 10_000}, {("E1", "CNY"): 10_500}, book)
    assert unexplained(whole, SCOPE) is None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Scope("erp", "erp"),
        lambda: Scope("erp", "crm", (Kind.CUSTOMER,)),
        lambda: Scope("erp", "crm", tolerances=(Tolerance("less", "CNY", -1),)),
    ],
)
def test_a_scope_that_makes_no_sense_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        wrong()  # type: ignore[operator]


ACCOUNTS = st.sampled_from([ACME, BETA, Account("E3", "E3"), STRANGER])
DOCUMENTS = st.lists(
    st.builds(
        LedgerDocument,
        kind=st.sampled_from([Kind.INVOICE, Kind.PAYMENT]),
        external_ids=st.just(("?",)),
        number=st.sampled_from(["1", "2", "3", "4"]),
        account=ACCOUNTS,
        currency=st.sampled_from(["CNY", "USD"]),
        settled_minor=st.integers(-3, 6),
        business_on=st.sampled_from([DAY, LAST_DAY, LATER]),
        status=st.sampled_from([DocumentStatus.APPROVED] * 3 + [DocumentStatus.DRAFT, DocumentStatus.VOID]),
        tax_minor=st.sampled_from([None, 1, 2]),
        entity=st.sampled_from([None, None, "D1", "D2"]),
        part=st.sampled_from([None, None, "p"]),
    ),
    max_size=14,
)


def numbered(documents: list[LedgerDocument]) -> list[LedgerDocument]:
    ids = count(1)
    return [replace(one, external_ids=(str(next(ids)),)) for one in documents]


@given(
    DOCUMENTS,
    DOCUMENTS,
    st.sampled_from([None, LAST_DAY]),
    st.sampled_from([None, frozenset({"E1"})]),
    st.integers(0, 2),
)
def test_invariant_7_causes_add_up_to_the_gap_of_every_balance(
    leading: list[LedgerDocument],
    compared: list[LedgerDocument],
    as_of: date | None,
    held: frozenset[str] | None,
    near: int,
) -> None:
    leading, compared = numbered(leading), numbered(compared)
    scope = Scope("erp", "crm", as_of=as_of, held=held, tolerances=(Tolerance("near", "CNY", near),))
    book = CauseBook()
    for one in run(leading, compared, scope):
        book.add(one)
    ours, theirs = balances(leading, scope), balances(compared, scope)
    for balance in compare_balances(ours, theirs, book):
        assert balance.gap_minor == theirs.get((balance.account, balance.currency), 0) - ours.get(
            (balance.account, balance.currency), 0
        )
        assert balance.unexplained_minor == 0
        assert sum(cause.minor for cause in balance.causes) == balance.gap_minor


@given(DOCUMENTS, st.randoms())
def test_a_ledger_does_not_differ_from_itself_whatever_the_order(documents: list[LedgerDocument], rng: object) -> None:
    linked = [replace(one, account=ACME if one.account is STRANGER else one.account) for one in numbered(documents)]
    shuffled = list(linked)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert run(linked, shuffled) == []


@given(DOCUMENTS, DOCUMENTS, st.randoms())
def test_the_answer_does_not_depend_on_the_order_of_documents(
    leading: list[LedgerDocument], compared: list[LedgerDocument], rng: object
) -> None:
    leading, compared = numbered(leading), numbered(compared)

    def answer() -> list[str]:
        groups = sorted(grouped(leading, compared), key=lambda group: (group.kind, group.number))
        return sorted(repr((one.cause, one.effects)) for one in differences(groups, SCOPE))

    first = answer()
    rng.shuffle(leading)  # type: ignore[attr-defined]
    rng.shuffle(compared)  # type: ignore[attr-defined]
    assert answer() == first


def test_a_number_that_thousands_of_documents_share_is_not_compared_all_with_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = 0
    ways = pairing._SAMENESS

    def counting(way: Callable[[LedgerDocument], Hashable]) -> Callable[[LedgerDocument], Hashable]:
        def look(one: LedgerDocument) -> Hashable:
            nonlocal looked
            looked += 1
            return way(one)

        return look

    monkeypatch.setattr(pairing, "_SAMENESS", tuple(counting(way) for way in ways))
    size = 1000
    ours = [replace(ONE, external_ids=(f"{at:05d}",), settled_minor=at) for at in range(size)]
    theirs = [replace(ONE, external_ids=(f"{at:05d}",), settled_minor=at + size) for at in range(size)]
    found = run(ours, theirs)
    assert {one.cause for one in found} == {"amount_differs"}
    assert len(found) == size
    assert looked <= 2 * size * len(ways)
