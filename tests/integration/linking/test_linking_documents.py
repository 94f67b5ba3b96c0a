"""Linking invoices and payments over a store, with parts of payments and what comes later; on both engines."""

from __future__ import annotations

import pytest
from linking_books import Record, customer, delete, invoice, payment, put

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.store import Store, identity, links
from ledgerbridge.sync import linking_documents
from ledgerbridge.sync.linking import LinkResult, link_all
from ledgerbridge.sync.linking_people import accept, split

ORDER = ("erp", "crm", "zoho")
CUSTOMERS = [
    customer("erp", "C1", "杭州江河泵业有限公司", code="C1"),
    customer("erp", "C2", "宁波蓝海模具有限公司", code="C2"),
    customer("crm", "k1", "杭州江河泵业有限公司", code="C1"),
    customer("crm", "k2", "宁波蓝海模具有限公司", code="C2"),
    customer("zoho", "z1", "杭州江河泵业有限公司", code="C1"),
]


def linked(store: Store, *records: Record) -> LinkResult:
    put(store, *CUSTOMERS, *records)
    return link_all(store, ORDER, store.clock)


def groups(store: Store, kind: Kind) -> list[list[str]]:
    made: dict[str, list[str]] = {}
    with store.reading() as tx:
        for system in ORDER:
            for one in links.every_linked(tx, system, kind):
                made.setdefault(one.entity_id, []).append(f"{one.system}/{one.external_id}")
    return sorted(sorted(group) for group in made.values())


def waiting(store: Store) -> list[tuple[str, ...]]:
    with store.reading() as tx:
        return sorted((d.left.external_id, d.right.external_id) for d in identity.doubts(tx))


def test_invoices_by_number_across_three_systems(store: Store) -> None:
    result = linked(
        store,
        invoice("erp", "1", "XS1"),
        invoice("erp", "2", "XS2"),
        invoice("crm", "a", "XS1", "k1", total_minor=99_00),
        invoice("zoho", "z", "XS1", "z1"),
        invoice("zoho", "y", "XS9", "z1"),
    )
    assert groups(store, Kind.INVOICE) == [["crm/a", "erp/1", "zoho/z"], ["erp/2"], ["zoho/y"]]
    one = next(one for one in result.kinds if one.kind is Kind.INVOICE)
    assert (one.new_entities, one.joined, one.doubts) == (3, 2, 0)


def test_a_repeated_number_is_told_apart_by_the_customer_even_by_code(store: Store) -> None:
    linked(
        store,
        invoice("erp", "1", "XS1", "C1"),
        invoice("erp", "2", "XS1", "C2"),
        invoice("crm", "a", "XS1", "k1"),
        invoice("crm", "b", "XS1", customer={"code": "C2"}),
    )
    assert groups(store, Kind.INVOICE) == [["crm/a", "erp/1"], ["crm/b", "erp/2"]]
    assert waiting(store) == []


def test_a_tie_waits_until_its_rival_is_gone_or_a_person_decides(store: Store) -> None:
    linked(
        store,
        invoice("erp", "1", "XS1"),
        invoice("crm", "a", "XS1", "k1"),
        invoice("crm", "b", "XS1", "k1"),
        invoice("erp", "2", "XS2"),
        invoice("crm", "c", "XS2", "k1"),
        invoice("crm", "d", "XS2", "k1"),
    )
    assert waiting(store) == [("a", "1"), ("b", "1"), ("c", "2"), ("d", "2")]
    delete(store, [Ref(system="crm", kind=Kind.INVOICE, external_id="b")])
    left = Ref(system="erp", kind=Kind.INVOICE, external_id="2")
    accept(
        store, left, left.model_copy(update={"system": "crm", "external_id": "d"}), who="w", why="", clock=store.clock
    )
    linked(store)
    assert groups(store, Kind.INVOICE) == [["crm/a", "erp/1"], ["crm/b"], ["crm/c"], ["crm/d", "erp/2"]]
    assert waiting(store) == []


def test_a_document_that_was_entered_again_takes_the_place_of_the_deleted_one(store: Store) -> None:
    linked(store, invoice("erp", "1", "XS1"), invoice("crm", "a", "XS1", "k1"))
    delete(store, [Ref(system="erp", kind=Kind.INVOICE, external_id="1")])
    linked(store, invoice("erp", "9", "XS1"))
    assert groups(store, Kind.INVOICE) == [["crm/a", "erp/9"]]


def test_a_changed_number_is_matched_again(store: Store) -> None:
    linked(store, invoice("erp", "1", "XS1"), invoice("crm", "a", "XS0", "k1"))
    assert groups(store, Kind.INVOICE) == [["crm/a"], ["erp/1"]]
    linked(store, invoice("crm", "a", "XS1", "k1"))
    assert groups(store, Kind.INVOICE) == [["crm/a", "erp/1"]]


def test_an_entity_that_holds_another_number_of_that_system_is_full(store: Store) -> None:
    linked(store, invoice("erp", "1", "XS1"), invoice("crm", "a", "XS1", "k1"))
    linked(store, invoice("crm", "a", "XS7", "k1"), invoice("crm", "b", "XS1", "k1"))
    assert groups(store, Kind.INVOICE) == [["crm/a", "erp/1"], ["crm/b"]]


def test_two_numbers_of_one_entity_do_not_fill_it_twice(store: Store) -> None:
    linked(store, invoice("erp", "1", "XS1"), invoice("crm", "a", "XS1", "k1"))
    linked(
        store, invoice("crm", "a", "XS7", "k1"), invoice("zoho", "y", "XS1", "z1"), invoice("zoho", "z", "XS7", "z1")
    )
    assert groups(store, Kind.INVOICE) == [["crm/a", "erp/1", "zoho/y"], ["zoho/z"]]


def test_parts_of_a_payment_are_one_and_later_parts_join(store: Store) -> None:
    linked(
        store,
        payment("erp", "1", "SK1", amount_minor=300),
        payment("zoho", "p1", "SK1", "z1", part="p1", amount_minor=100),
        payment("zoho", "p2", "SK1", "z1", part="p2", amount_minor=200),
        payment("crm", "a", "SK1", "k1", amount_minor=300),
    )
    assert groups(store, Kind.PAYMENT) == [["crm/a", "erp/1", "zoho/p1", "zoho/p2"]]
    linked(store, payment("zoho", "p3", "SK1", "z1", part="p3", amount_minor=1))
    assert groups(store, Kind.PAYMENT) == [["crm/a", "erp/1", "zoho/p1", "zoho/p2", "zoho/p3"]]
    ref = Ref(system="zoho", kind=Kind.PAYMENT, external_id="p2")
    split(store, ref, who="w", why="another payment", clock=store.clock)
    linked(store, payment("zoho", "p1", "SK1", "z1", part="p1", amount_minor=101))
    assert groups(store, Kind.PAYMENT) == [["crm/a", "erp/1", "zoho/p1", "zoho/p3"], ["zoho/p2"]]


def test_parts_that_come_before_the_payment(store: Store) -> None:
    linked(store, payment("zoho", "p1", "SK1", "z1", part="p1"), payment("zoho", "p2", "SK1", "z1", part="p2"))
    assert groups(store, Kind.PAYMENT) == [["zoho/p1", "zoho/p2"]]
    linked(store, payment("erp", "1", "SK1"))
    assert groups(store, Kind.PAYMENT) == [["erp/1", "zoho/p1", "zoho/p2"]]


def test_bank_rows_have_no_entities(store: Store) -> None:
    linked(store, payment("erp", "1", "SK1"), payment("bank", "r", "SK1", None))
    assert groups(store, Kind.PAYMENT) == [["erp/1"]]


def test_many_numbers_in_steps(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linking_documents, "_NUMBERS", 50)
    many = 230
    linked(
        store,
        *(invoice("erp", str(at), f"XS{at:05}") for at in range(many)),
        *(invoice("crm", f"a{at}", f"XS{at:05}", "k1") for at in range(many)),
    )
    made = groups(store, Kind.INVOICE)
    assert len(made) == many
    assert all(group[0].removeprefix("crm/a") == group[1].removeprefix("erp/") for group in made)
    result = linked(store)
    assert sum(one.new_entities + one.joined for one in result.kinds) == 0
