"""What is mapped and judged together, column by column, ends as what is mapped and judged one by one (invariants 1 and 9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pull_books import INVOICES, KIND, SYSTEM, Scripted, digest, pulled
from pull_books import raw as as_made

from ledgerbridge.mapping.apply import Context
from ledgerbridge.mapping.load import load_mapping
from ledgerbridge.model.raw import Raw, Unreadable, digest_of
from ledgerbridge.store import Store, copies, quarantine
from ledgerbridge.sync.decode import DecodeWith, Stretch
from ledgerbridge.sync.mapped import mapped_by
from ledgerbridge.sync.step import StepResult

MAPPING = """
name: test/invoice
revision: 1
connector: test
kind: invoice
wire_type: fake_invoice
skip:
  - {when: {skip: {is: filled}}, because: not ours}
fields:
  number: {wire: number, required: true}
  customer.code: {wire: party, required: true}
  issued_on: {wire: day, default: "2026-01-31"}
  currency: currency
  total_minor: {wire: minor, required: true}
  due_on: {wire: due, on_problem: omit}
  remark: memo
  lines[]: {wire: rows, fields: {item_name: name, net_minor: net}}
"""


@pytest.fixture
def decode() -> DecodeWith:
    return mapped_by([load_mapping(MAPPING, "invoice.yaml")], Context(ZoneInfo("Asia/Shanghai"), "CNY", {}))


def one_by_one(decode: DecodeWith) -> DecodeWith:
    return replace(decode, quickly={})


def raw(external_id: str, minor: Any = "10.50", text: str | None = None, **more: Any) -> Raw:
    made = as_made(external_id, minor, **more)
    body = made.body if text is None else text.encode()
    return Raw(
        KIND, INVOICES, external_id, body, digest_of(body), made.fetched_at, made.order, made.modified_at, made.deleted
    )


def pages() -> list[list[Raw | Unreadable]]:
    usual = [raw(f"u{at}", f"{at}.25", currency="USD" if at % 7 == 0 else "CNY", memo="货款") for at in range(600)]
    odd = [
        raw("lines", rows=[{"name": "甲", "net": "1.00"}, {"name": None}]),
        raw("credit", "-3.10"),
        raw("yen", "12", currency="JPY"),
        raw("words", "twelve"),
        raw("left out", skip="a test"),
        raw("a notice", due="tomorrow"),
        raw("torn", text='{"number": "x"'),
        raw("twice a key", text='{"number":"x","number":"y","party":"C1","currency":"CNY","minor":"1.00"}'),
        raw("u5", "5.25", memo="货款"),
        raw("u6", "99.00", order=2),
        raw("gone", deleted=True),
        raw("u7", deleted=True, order=3),
        raw("\x00", "1.00"),
        replace_wire_type(raw("other type")),
        raw("colon", memo="12:30 号"),
    ]
    return [[*usual[:300], *odd, *usual[300:]], [raw("u8", "8.25", memo="货款"), raw("late", "1.00")]]


def replace_wire_type(found: Raw) -> Raw:
    return Raw(KIND, "unknown", found.external_id, found.body, found.digest, found.fetched_at, found.order)


def changed() -> list[list[Raw | Unreadable]]:
    return [[raw(f"u{at}", f"{at + 1}.25", order=5, due="2026-02-30" if at == 9 else None) for at in range(40)]]


def outcome(store: Store, result: StepResult) -> object:
    with store.reading() as tx:
        held = [
            (copy.ref.external_id, copy.notices, copy.notices_json, copy.flawed, copy.reason)
            for copy in copies.every(tx, SYSTEM, KIND, states=None)
        ]
        aside = sorted(quarantine.open_ids(tx, SYSTEM, KIND))
    return digest(store), held, aside, result.certificate.tallies, result.certificate.closing, result.reasons


def test_a_load_and_its_changes_end_the_same(
    store: Store, fresh_sqlite: Callable[[], Store], decode: DecodeWith
) -> None:
    other_store = fresh_sqlite()
    for given in (pages(), changed(), pages()):
        together = outcome(store, pulled(store, Scripted(*given), decode))
        by_itself = outcome(other_store, pulled(other_store, Scripted(*given), one_by_one(decode)))
        assert together == by_itself
    other_store.close()


def test_all_but_the_odd_records_are_taken_together(decode: DecodeWith) -> None:
    records = [found for found in pages()[0] if isinstance(found, Raw) and found.wire_type == INVOICES]
    found = decode.together(KIND, records)
    assert len(found.at) >= 605
    assert {records[at].external_id for at in found.others} == {
        "\x00", "words", "left out", "a notice", "torn", "twice a key", "gone", "u7",
    }  # fmt: skip
    assert found.each() == [decode(record) for record in records]


def test_a_defect_of_the_quick_way_costs_time_alone(decode: DecodeWith) -> None:
    def broken(_raws: object) -> Stretch:
        raise KeyError

    records = [raw(str(at)) for at in range(10)]
    found = replace(decode, quickly={INVOICES: broken}).together(KIND, records)
    assert found.each() == [decode(record) for record in records]
