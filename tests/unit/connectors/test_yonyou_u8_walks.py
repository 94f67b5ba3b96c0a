"""Nothing is lost between the pages of a U8 list, and no walk goes on for ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from u8_relay import Relay, customers

from ledgerbridge.connectors.base import Page
from ledgerbridge.errors import BadReply, Unsupported
from ledgerbridge.model.base import Kind

CODES = [f"C{number:02}" for number in range(1, 10)]


def ids(pages: Sequence[Page]) -> list[str]:
    return [record.external_id for page in pages for record in page.records]


def walk(
    relay: Relay, kind: Kind = Kind.CUSTOMER, *, cursor: str | None = None, limit: int = 3, **settings: Any
) -> list[Page]:
    with relay.connector(**settings) as u8:
        return list(u8.pull(kind, cursor=cursor, limit=limit))


def vouchers(name: str, key: str, *numbers: str) -> list[dict[str, Any]]:
    return [{key: number, "date": "2026-03-01"} for number in numbers]


def at_call(number: int, change: Any) -> Any:
    """Change the rows just before the call of that number is answered."""

    def before(relay: Relay) -> None:
        if len(relay.calls) == number:
            change(relay.rows["customer"])

    return before


def test_a_list_of_one_page_is_looked_at_once() -> None:
    relay = Relay()
    relay.rows["customer"] = customers("C01", "C02")
    pages = walk(relay)
    assert ids(pages) == ["C01", "C02"]
    assert [page.last for page in pages] == [False, True]
    assert relay.asked("batch_get") == ["1"]


def test_a_list_of_several_pages_is_looked_at_until_nothing_new_is_found() -> None:
    relay = Relay()
    relay.rows["customer"] = customers(*CODES)
    assert ids(walk(relay)) == CODES
    assert sorted(relay.asked("batch_get")) == ["1", "1", "2", "2", "3", "3"]


@pytest.mark.parametrize("call", [2, 3])
def test_a_row_that_another_one_moved_up_is_found(call: int) -> None:
    """One row goes and another one comes, so that the count is the same: C04, or C07, slips to a page that was read already."""
    relay = Relay()
    relay.rows["customer"] = customers(*CODES)

    def change(rows: list[Any]) -> None:
        del rows[0]
        rows.extend(customers("C99", version=50))

    relay.before = at_call(call, change)
    assert set(ids(walk(relay, http={"in_flight_max": 1}))) == {*CODES, "C99"}


def test_a_row_that_moves_to_the_end_while_it_is_read_hides_none() -> None:
    relay = Relay()
    relay.rows["customer"] = customers(*CODES)
    relay.before = at_call(2, lambda rows: rows.append(rows.pop(0)))
    read = ids(walk(relay, http={"in_flight_max": 1}))
    assert sorted(read) == CODES


def test_a_row_that_stands_twice_is_handed_over_once() -> None:
    relay = Relay()
    relay.rows["customer"] = [*customers("C01", "C02"), *customers("C01"), *customers("C03")]
    assert ids(walk(relay, limit=2)) == ["C01", "C02", "C03"]


def test_a_list_that_never_rests_is_looked_at_four_times() -> None:
    relay = Relay()
    relay.rows["customer"] = customers(*CODES)

    def before(relay: Relay) -> None:
        relay.rows["customer"].insert(0, customers(f"N{len(relay.calls)}", version=100)[0])

    relay.before = before
    pages = walk(relay)
    assert pages[-1].last
    assert {*CODES} <= set(ids(pages))
    assert relay.asked("batch_get").count("1") == 4


def test_a_far_side_that_always_claims_more_pages_is_not_followed_for_ever() -> None:
    relay = Relay()
    relay.rows["customer"] = customers(*CODES)
    relay.claimed_pages = 20

    def before(relay: Relay) -> None:
        relay.claimed_pages += 20

    relay.before = before
    assert ids(walk(relay)) == CODES
    assert len(relay.calls) < 12


def test_a_walk_resumes_on_the_page_it_had_reached() -> None:
    relay = Relay()
    relay.rows["customer"] = customers(*CODES)
    second = walk(relay)[1]
    relay.calls.clear()
    assert ids(walk(relay, cursor=second.cursor)) == CODES[3:]
    assert "1" not in relay.asked("batch_get")


def test_a_walk_whose_place_is_gone_begins_again() -> None:
    """So many rows have gone meanwhile that the page holds others: rows in between could have been skipped."""
    relay = Relay()
    relay.rows["customer"] = customers(*CODES)
    second = walk(relay)[1]
    del relay.rows["customer"][:4]
    assert ids(walk(relay, cursor=second.cursor)) == CODES[4:]


def test_a_walk_resumes_in_the_second_object_without_the_first() -> None:
    relay = Relay()
    relay.rows["saleinvoice"] = vouchers("saleinvoice", "invoiceno", "XS1", "XS2")
    relay.rows["oughtreceive"] = vouchers("oughtreceive", "code", "YS1", "YS2", "YS3")
    pages = walk(relay, Kind.INVOICE, limit=2)
    second = ["oughtreceive:YS1", "oughtreceive:YS2", "oughtreceive:YS3"]
    assert ids(pages) == ["saleinvoice:XS1", "saleinvoice:XS2", *second]
    assert ids(walk(relay, Kind.INVOICE, cursor=pages[1].cursor, limit=2)) == second


def test_a_resumed_walk_leaves_the_same_cursor_as_one_in_one_go() -> None:
    relay = Relay()
    relay.rows["oughtreceive"] = vouchers("oughtreceive", "code", *(f"YS{number}" for number in range(6)))
    pages = walk(relay, Kind.INVOICE, limit=2)
    relay.clock.advance(40 * 86_400)
    assert walk(relay, Kind.INVOICE, cursor=pages[1].cursor, limit=2)[-1].cursor == pages[-1].cursor


def test_the_next_walk_of_vouchers_reads_a_window_of_dates_from_the_day_the_last_one_began() -> None:
    relay = Relay()
    relay.rows["accept"] = vouchers("accept", "vouchcode", "SK1")
    relay.clock.advance(13 * 3600)  # 2026-03-06 01:00 in Shanghai, still the 5th in UTC
    first = walk(relay, Kind.PAYMENT, window_days=10)
    assert "vouchdate_begin" not in relay.calls[0][1]
    relay.calls.clear()
    relay.clock.advance(100 * 86_400)
    walk(relay, Kind.PAYMENT, cursor=first[-1].cursor, window_days=10)
    assert relay.calls[0][1]["vouchdate_begin"] == "2026-02-24"


def test_customers_are_read_on_after_the_settled_versions_only() -> None:
    relay = Relay()
    relay.rows["customer"] = [
        *customers("C01", "C02", version=10),
        *customers("C03", version=20, saved="2026-03-05 11:55:00.0"),  # five minutes ago
    ]
    cursor = walk(relay)[-1].cursor
    assert ids(walk(relay, cursor=cursor)) == ["C03"]
    relay.clock.advance(3600)
    cursor = walk(relay, cursor=cursor)[-1].cursor
    assert ids(walk(relay, cursor=cursor)) == []


def test_a_customer_saved_before_and_committed_after_a_later_one_was_read_is_not_missed() -> None:
    """C02 got its version before C03 did, and its transaction was still open when the first walk read C03."""
    relay = Relay()
    late = customers("C02", version=19, saved="2026-03-05 11:54:59.0")
    relay.rows["customer"] = [
        *customers("C01", version=10),
        *customers("C03", version=20, saved="2026-03-05 11:55:00.0"),
    ]
    cursor = walk(relay)[-1].cursor
    relay.rows["customer"] += late
    relay.clock.advance(3600)
    assert "C02" in ids(walk(relay, cursor=cursor))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"walk": {"resource": "customer"}}',
        '{"page": 3}',
        '{"walk": {"resource": "customer", "started": "soon"}}',
        '{"since": {"customer": "many"}}',
    ],
)
def test_a_foreign_cursor_is_refused(text: str) -> None:
    relay = Relay()
    with pytest.raises(Unsupported, match="pull this kind in full"):
        walk(relay, cursor=text)
    assert relay.calls == []


def test_one_record_that_cannot_be_read_does_not_keep_the_others_from_being_read() -> None:
    relay = Relay()
    relay.rows["accept"] = vouchers("accept", "vouchcode", "SK1", "SK2", "SK3", "SK4")
    relay.refused = {"SK1", "SK3"}
    pages = walk(relay, Kind.PAYMENT, limit=10)
    assert ids(pages) == ["SK2", "SK4"]
    assert [(item.where, item.why) for item in pages[0].unreadable] == [
        ("accept SK1", "it is listed, but reading it was refused: 单据已损坏"),
        ("accept SK3", "it is listed, but reading it was refused: 单据已损坏"),
    ]
    assert sorted(set(relay.asked("get"))) == ["SK1", "SK2", "SK3", "SK4"]


def test_a_record_deleted_between_list_and_get_is_left_out() -> None:
    relay = Relay()
    relay.rows["accept"] = vouchers("accept", "vouchcode", "SK1", "SK2")

    def before(relay: Relay) -> None:
        if len(relay.calls) == 2:
            del relay.rows["accept"][0]

    relay.before = before
    assert ids(walk(relay, Kind.PAYMENT, http={"in_flight_max": 1})) == ["SK2"]


def test_an_answer_that_is_another_record_is_not_taken_for_the_one_asked_for() -> None:
    relay = Relay()
    relay.rows["accept"] = vouchers("accept", "vouchcode", "SK1")

    def before(relay: Relay) -> None:
        if len(relay.calls) == 2:
            relay.calls[-1][1]["id"] = "SK2"
            relay.rows["accept"] = vouchers("accept", "vouchcode", "SK2")

    relay.before = before
    pages = walk(relay, Kind.PAYMENT)
    assert ids(pages) == []
    assert [item.where for item in pages[0].unreadable] == ["accept SK1"]


@pytest.mark.parametrize("entries", [False, True], ids=["one call each", "lists with entries"])
def test_two_documents_of_one_number_are_never_taken_for_one(entries: bool) -> None:
    """A receipt and a refund may share a number; the `get` of that number gives one of them."""
    relay = Relay()
    more = {"entry": []} if entries else {}
    relay.rows["accept"] = [
        {"vouchcode": "1", "vouchtype": "48", **more},
        {"vouchcode": "2", "vouchtype": "48", **more},
        {"vouchcode": "1", "vouchtype": 49, **more},
    ]
    pages = walk(relay, Kind.PAYMENT)
    assert ids(pages) == ["1", "2"]
    [unread] = pages[0].unreadable
    assert unread.where == "accept 1"
    assert "48 and 49 have the same number" in unread.why
    del relay.rows["accept"][0]
    relay.rows["accept"].append({"vouchcode": "3", "vouchtype": "48"})
    assert ids(walk(relay, Kind.PAYMENT)) == ["2", "1", "3"]


def test_a_record_of_another_type_than_the_listed_one_is_not_handed_over() -> None:
    relay = Relay()
    relay.rows["accept"] = [{"vouchcode": "1", "vouchtype": "48"}]

    def before(relay: Relay) -> None:
        if len(relay.calls) == 2:
            relay.rows["accept"][0]["vouchtype"] = "49"

    relay.before = before
    pages = walk(relay, Kind.PAYMENT)
    assert ids(pages) == []
    assert "49 and 48 have the same number" in pages[0].unreadable[0].why


NO_KEYS = [{"name": "no code"}, {"code": ""}, {"code": "  "}, {"code": None}, {"code": ["C9"]}, "C9", 9, None, []]


@pytest.mark.parametrize("row", NO_KEYS, ids=str)
def test_a_row_without_a_usable_key_is_handed_over_as_unreadable(row: Any) -> None:
    relay = Relay()
    relay.rows["customer"] = [*customers("C01"), row, *customers("C02")]
    pages = walk(relay)
    assert ids(pages) == ["C01", "C02"]
    assert [(item.where, item.why) for item in pages[0].unreadable] == [
        ("customer page 1 row 2", "the row has no usable code")
    ]


def test_a_far_side_that_repeats_a_page_for_ever_is_left() -> None:
    relay = Relay()
    rows = customers("C01", "C02")

    def listed(name: str, query: dict[str, str]) -> Any:
        pages = str(int(query["page_index"]) + 1)
        return {"errcode": "0", "errmsg": "", "row_count": "9", "page_count": pages, name: rows}

    relay.listed = listed  # type: ignore[method-assign]
    assert ids(walk(relay)) == ["C01", "C02"]
    assert len(relay.calls) < 40


def test_keys_are_all_keys() -> None:
    relay = Relay()
    relay.rows["saleinvoice"] = vouchers("saleinvoice", "invoiceno", "XS1")
    relay.rows["oughtreceive"] = vouchers("oughtreceive", "code", "XS1", "YS2")
    with relay.connector() as u8:
        found = [key for page in u8.keys(Kind.INVOICE) for key in page]
    assert found == ["saleinvoice:XS1", "oughtreceive:XS1", "oughtreceive:YS2"]
    assert relay.asked("get") == []


def test_only_configured_objects_are_read_as_invoices() -> None:
    relay = Relay()
    relay.rows["saleinvoice"] = vouchers("saleinvoice", "invoiceno", "XS1")
    relay.rows["oughtreceive"] = vouchers("oughtreceive", "code", "YS2")
    assert ids(walk(relay, Kind.INVOICE, invoices=["saleinvoice"])) == ["saleinvoice:XS1"]


def test_settings_that_read_another_object_since_read_it_from_its_beginning() -> None:
    relay = Relay()
    relay.rows["saleinvoice"] = vouchers("saleinvoice", "invoiceno", "XS1", "XS2", "XS3")
    relay.rows["oughtreceive"] = vouchers("oughtreceive", "code", "YS2")
    cursor = walk(relay, Kind.INVOICE, invoices=["saleinvoice"])[-1].cursor
    relay.calls.clear()
    walk(relay, Kind.INVOICE, cursor=cursor)
    filters = {path: "date_begin" in query for path, query in relay.calls if path.endswith("batch_get")}
    assert filters == {"/api/saleinvoicelist/batch_get": True, "/api/oughtreceivelist/batch_get": False}


def test_a_page_without_counts_ends_the_walk_loudly() -> None:
    relay = Relay()
    relay.listed = lambda name, _: {"errcode": "0", "errmsg": "", name: []}  # type: ignore[method-assign]
    with pytest.raises(BadReply, match="without rows or counts"):
        walk(relay)


def test_closing_a_walk_asks_for_nothing_more() -> None:
    relay = Relay()
    relay.rows["customer"] = customers(*CODES)
    with relay.connector(http={"in_flight_max": 1}) as u8:
        pages = u8.pull(Kind.CUSTOMER, cursor=None, limit=1)
        next(pages)
        pages.close()  # type: ignore[attr-defined]
    assert relay.asked("batch_get") == ["1"]
