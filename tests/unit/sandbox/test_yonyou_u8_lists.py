"""Lists: envelope, paging, filters, spelling, and rows that move (yonyou.md A3, A4, A6)."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from u8_asking import Asker

from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.yonyou_u8.wire import wire_row


def _customers(count: int, **switches: Any) -> Asker:
    asker = Asker(**switches)
    for number in range(1, count + 1):
        asker.clock.advance(60)
        asker.customer(f"C{number:02d}")
    return asker


def _vouchers() -> Asker:
    """Three documents of each kind on 1, 2 and 3 May 2024, of customers C01, C02, C01."""
    asker = Asker()
    asker.customer("C01", name="苏州甲有限公司")
    asker.customer("C02", name="无锡乙有限公司")
    for number, owner in enumerate(("C01", "C02", "C01"), 1):
        on = f"2024-05-0{number}"
        line = {"inventorycode": "I1", "quantity": 1, "originalsum": 100}
        more = {
            "csocode": f"SO{number}",
            "define3": f"F{number}",
            "maker": f"user{number}",
            "isnegative": int(number == 3),
        }
        head = {"invoiceno": f"XS{number}", "date": on, "customercode": owner, **more}
        assert asker.add("saleinvoice", {**head, "entry": [line]})["errcode"] == "0"
        head = {"code": f"YS{number}", "date": on, "cust_vendor_code": owner, "amount": 10, "digest": f"运费{number}"}
        line = {"cust_vendor_code": owner, "natamount": 10}
        assert asker.add("oughtreceive", {**head, "deptname": f"部{number}", "entry": [line]})["errcode"] == "0"
        head = {
            "vouchcode": f"SK{number}",
            "vouchdate": on,
            "customercode": owner,
            "amount": 5,
            "digest": f"货款{number}",
        }
        head["vouchtype"] = "49" if number == 2 else "48"
        assert asker.add("accept", {**head, "entry": [{"amount": 5}]})["errcode"] == "0"
    return asker


def test_a_list_answers_like_the_sample() -> None:
    """The sheet's sample of oughtreceivelist: every paging field a string, heads only."""
    asker = Asker()
    asker.customer("C01", name="Demo Ltd", abbrname="Demo")
    for number in (7, 8, 9):
        line = {
            "cust_vendor_code": "C01",
            "currency_name": "美元",
            "currency_rate": 7.1,
            "amount": 1000,
            "natamount": 7100,
        }
        head = {
            "code": f"YS000{number}",
            "date": "2024-05-06",
            "cust_vendor_code": "C01",
            "amount": 1000,
            "natamount": 7100,
        }
        asker.add("oughtreceive", {**head, "digest": "freight", "entry": [line]})
    answer = asker.get("/api/oughtreceivelist/batch_get", page_index="1", rows_per_page="2")
    rows = answer.pop("oughtreceivelist")
    assert answer == {
        "errcode": "0", "errmsg": "", "page_index": "1", "rows_per_page": "2", "row_count": "3", "page_count": "2",
    }  # fmt: skip
    expected = {
        "code": "YS0007", "date": "2024-05-06", "cust_vendor_code": "C01", "cusname": "Demo Ltd", "amount": 1000,
        "natamount": 7100, "digest": "freight",
    }  # fmt: skip
    assert expected.items() <= rows[0].items()
    assert "entry" not in rows[0]
    assert [row["code"] for row in rows] == ["YS0007", "YS0008"]


def test_nothing_found_is_an_error_or_by_switch_an_empty_list() -> None:
    asker = Asker()
    assert asker.get("/api/customer/batch_get") == {"errcode": "20002", "errmsg": "没有符合条件的数据"}
    asker.u8.switches["empty_as_error"] = False
    answer = asker.get("/api/customer/batch_get")
    assert (answer["errcode"], answer["row_count"], answer["customer"]) == ("0", "0", [])


def test_twenty_rows_a_page_unless_asked_and_never_more_than_the_cap() -> None:
    asker = _customers(23)
    answer = asker.get("/api/customer/batch_get")
    assert (answer["rows_per_page"], len(answer["customer"]), answer["page_count"]) == ("20", 20, "2")
    asker.u8.switches["rows_per_page_max"] = 7
    answer = asker.get("/api/customer/batch_get", rows_per_page="8000")
    assert (answer["rows_per_page"], len(answer["customer"]), answer["page_count"]) == ("7", 7, "4")


def test_a_page_behind_the_last_finds_nothing() -> None:
    assert _customers(3).get("/api/customer/batch_get", page_index="2")["errcode"] == "20002"


@pytest.mark.parametrize(
    "query",
    [{"page_index": "0"}, {"page_index": "x"}, {"page_index": "-1"}, {"rows_per_page": "1.5"}, {"rows_per_page": "二"}],
    ids=str,
)
def test_unreadable_paging_is_refused(query: dict[str, str]) -> None:
    assert _customers(1).get("/api/customer/batch_get", **query)["errcode"] == "20001"


@settings(max_examples=15, deadline=None)
@given(size=st.integers(1, 30))
def test_the_pages_together_hold_every_row_once_in_order(size: int) -> None:
    asker = _customers(13)
    keys = asker.keys("customer", "code", rows_per_page=size)
    assert keys == [f"C{number:02d}" for number in range(1, 14)]
    answer = asker.get("/api/customer/batch_get", rows_per_page=size)
    assert int(answer["page_count"]) == math.ceil(13 / size)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("key", ["A", "B", "C"]), ("key_desc", ["C", "B", "A"]), ("insertion", ["B", "C", "A"])],
)
def test_the_order_is_a_switch(sort: str, expected: list[str]) -> None:
    asker = Asker(sort=sort)
    for code in ("B", "C", "A"):
        asker.customer(code)
    assert asker.keys("customer", "code") == expected


@pytest.mark.parametrize(
    ("name", "key", "query", "expected"),
    [
        ("customer", "code", {"code_begin": "C02"}, ["C02"]),
        ("customer", "code", {"code_begin": "C01", "code_end": "C01"}, ["C01"]),
        ("customer", "code", {"name": "无锡"}, ["C02"]),
        ("customer", "code", {"name": ""}, ["C01", "C02"]),
        ("customer", "code", {"seed_date_begin": "2024-05-06", "seed_date_end": "2024-05-06"}, ["C01", "C02"]),
        ("customer", "code", {"seed_date_end": "2024-05-05"}, []),
        ("customer", "code", {"seed_date_begin": "2024-05-07"}, []),
        ("customerclass", "code", {"code_end": "01"}, ["00", "01"]),
        ("customerclass", "code", {"name": "国外"}, ["02"]),
        ("saleinvoicelist", "invoiceno", {"invoiceno_begin": "XS2", "invoiceno_end": "XS3"}, ["XS2", "XS3"]),
        ("saleinvoicelist", "invoiceno", {"date_begin": "2024-05-01", "date_end": "2024-05-02"}, ["XS1", "XS2"]),
        ("saleinvoicelist", "invoiceno", {"customercode": "C01"}, ["XS1", "XS3"]),
        ("saleinvoicelist", "invoiceno", {"ccusname": "乙"}, ["XS2"]),
        ("saleinvoicelist", "invoiceno", {"csocode": "SO3"}, ["XS3"]),
        ("saleinvoicelist", "invoiceno", {"csocode": "SO"}, []),
        ("saleinvoicelist", "invoiceno", {"isnegative": "1"}, ["XS3"]),
        ("saleinvoicelist", "invoiceno", {"isnegative": "false"}, ["XS1", "XS2"]),
        ("saleinvoicelist", "invoiceno", {"maker": "er2"}, ["XS2"]),
        ("saleinvoicelist", "invoiceno", {"define3": "F1"}, ["XS1"]),
        ("saleinvoicelist", "invoiceno", {"vouchertype": "27"}, []),
        ("saleinvoicelist", "invoiceno", {"isfirst": "1"}, []),
        ("saleinvoicelist", "invoiceno", {"customercode": "C01", "date_begin": "2024-05-02"}, ["XS3"]),
        ("oughtreceivelist", "code", {"code_begin": "YS2"}, ["YS2", "YS3"]),
        ("oughtreceivelist", "code", {"date_end": "2024-05-01"}, ["YS1"]),
        ("oughtreceivelist", "code", {"cust_vendor_code": "C02"}, ["YS2"]),
        ("oughtreceivelist", "code", {"cusname": "甲"}, ["YS1", "YS3"]),
        ("oughtreceivelist", "code", {"deptname": "部3"}, ["YS3"]),
        ("oughtreceivelist", "code", {"state": "审核"}, []),
        ("oughtreceivelist", "code", {"state": "新增", "digest": "2"}, ["YS2"]),
        ("acceptlist", "vouchcode", {"vouchcode_end": "SK1"}, ["SK1"]),
        ("acceptlist", "vouchcode", {"vouchdate_begin": "2024-05-02", "vouchdate_end": "2024-05-02"}, ["SK2"]),
        ("acceptlist", "vouchcode", {"vouchtype": "48"}, ["SK1", "SK3"]),
        ("acceptlist", "vouchcode", {"customercode": "C02", "vouchtype": "49"}, ["SK2"]),
        ("acceptlist", "vouchcode", {"customername": "甲"}, ["SK1", "SK3"]),
        ("acceptlist", "vouchcode", {"digest": "款3"}, ["SK3"]),
    ],
    ids=str,
)
def test_filters(name: str, key: str, query: dict[str, str], expected: list[str]) -> None:
    assert _vouchers().keys(name, key, **query) == expected


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("saleinvoicelist", {"date_begin": "2024/05/01"}),
        ("acceptlist", {"vouchdate_end": "20240501"}),
        ("customer", {"timestamp_begin": "now"}),
        ("customer", {"ModifyDate_begin": "yesterday"}),
        ("saleinvoicelist", {"date_begin": "2024-02-30"}),
    ],
    ids=str,
)
def test_unreadable_filters_are_refused_by_name(name: str, query: dict[str, str]) -> None:
    answer = _vouchers().get(f"/api/{name}/batch_get", **query)
    assert answer["errcode"] == "20001"
    assert next(iter(query)) in answer["errmsg"]


def test_customers_are_found_by_change() -> None:
    asker = _customers(3)
    stamps = {row["code"]: int(row["timestamp"]) for row in asker.get("/api/customer/batch_get")["customer"]}
    assert stamps["C01"] < stamps["C02"] < stamps["C03"]
    assert asker.keys("customer", "code", timestamp_begin=stamps["C02"]) == ["C02", "C03"]
    assert asker.keys("customer", "code", timestamp_end=stamps["C02"]) == ["C01", "C02"]
    asker.clock.advance(86_400)
    asker.sign_in()
    assert asker.post("/api/customer/edit", {"customer": {"code": "C01", "memo": "x"}})["errcode"] == "0"
    assert asker.keys("customer", "code", timestamp_begin=stamps["C03"] + 1) == ["C01"]
    assert asker.keys("customer", "code", ModifyDate_begin="2024-05-07") == ["C01"]
    assert asker.keys("customer", "code", modifydate_begin="2024-05-07", ModifyDate_end="2024-05-07") == ["C01"]
    assert asker.keys("customer", "code", ModifyDate_end="2024-05-06") == ["C02", "C03"]
    assert asker.keys("customer", "code", ModifyDate_begin="2024-05-06 12:02:00.0", ModifyDate_end="2024-05-06 12:02:00.0") == [
        "C02"
    ]  # fmt: skip


def test_row_versions_are_compared_as_numbers() -> None:
    asker = _customers(1)
    version = int(asker.get("/api/customer/batch_get")["customer"][0]["timestamp"])
    assert asker.keys("customer", "code", timestamp_begin="9") == ["C01"]  # as text "9" would be behind
    assert asker.keys("customer", "code", timestamp_begin=version + 1) == []


def test_spelling_of_an_archive_record() -> None:
    asker = _customers(1)
    row = asker.get("/api/customer/get", id="C01")["customer"]
    assert row["ModifyDate"] == "2024-05-06 12:01:00.0"
    assert row["seed_date"] == "2024-05-06 00:00:00.0"
    assert isinstance(row["timestamp"], str)
    assert not {"memo", "end_date", "tax_reg_code", "credit_amount", "email", "modifydate"} & set(row)
    assert None not in row.values()
    assert "" not in row.values()
    classes = asker.get("/api/customerclass/batch_get")["customerclass"]
    assert (classes[0]["rank"], classes[0]["end_rank_flag"]) == (1, 1)
    assert all(isinstance(each["timestamp"], int) for each in classes)


def test_extra_attributes_are_shown_only_where_the_tenant_has_them() -> None:
    asker = Asker()
    asker.customer("C01", tax_reg_code="91320000000000000X", credit_amount="100000.50", email="a@b.example")
    row = asker.get("/api/customer/get", id="C01")["customer"]
    assert (row["tax_reg_code"], row["credit_amount"], row["email"]) == (
        "91320000000000000X",
        "100000.5",
        "a@b.example",
    )
    asker.u8.switches["customer_extensions"] = []
    row = asker.get("/api/customer/get", id="C01")["customer"]
    assert not {"tax_reg_code", "credit_amount", "email"} & set(row)


@pytest.mark.parametrize(
    ("style", "amount", "gross", "rate"),
    [
        ("mixed", Decimal("12345678901234567.89"), "12345678901234567.89", "1"),
        ("number", Decimal("12345678901234567.89"), Decimal("12345678901234567.89"), 1),
        ("string", "12345678901234567.89", "12345678901234567.89", "1"),
    ],
)
def test_numbers_are_exact_in_every_style(style: str, amount: object, gross: object, rate: object) -> None:
    asker = Asker(numbers=style, entries_in_lists=["saleinvoicelist"])
    asker.customer()
    text = "12345678901234567.89"
    line: dict[str, Any] = {"cust_vendor_code": "C01", "natamount": text}
    asker.add("oughtreceive", {"cust_vendor_code": "C01", "amount": text, "entry": [line]})
    line = {"inventorycode": "I", "quantity": 1, "originalsum": text}
    asker.add("saleinvoice", {"customercode": "C01", "entry": [line]})
    assert asker.get("/api/oughtreceivelist/batch_get")["oughtreceivelist"][0]["amount"] == amount
    row = asker.get("/api/saleinvoicelist/batch_get")["saleinvoicelist"][0]
    assert row["entry"][0]["originalsum"] == gross
    assert row["currencyrate"] == rate


def test_lines_come_with_single_vouchers_and_by_switch_with_lists() -> None:
    asker = _vouchers()
    for table, name, key in (
        ("saleinvoice", "saleinvoicelist", "XS1"),
        ("oughtreceive", "oughtreceivelist", "YS1"),
        ("accept", "acceptlist", "SK1"),
    ):
        assert "entry" not in asker.get(f"/api/{name}/batch_get")[name][0]
        single = asker.get(f"/api/{table}/get", id=key)[table]
        assert len(single["entry"]) == 1
        asker.u8.switches["entries_in_lists"] = [name]
        assert asker.get(f"/api/{name}/batch_get")[name][0] == single


def test_a_missing_record_and_a_missing_id() -> None:
    asker = Asker()
    assert asker.get("/api/accept/get", id="SK9")["errcode"] == "20002"
    assert asker.get("/api/accept/get")["errcode"] == "20001"


def test_a_change_is_seen_by_the_next_page() -> None:
    """Kept pages are dropped when the table changes, also when the books are put back."""
    asker = _customers(2)
    before = asker.u8.books.save()
    assert asker.keys("customer", "code", name="Ltd") == ["C01", "C02"]
    asker.customer("C00")
    assert asker.keys("customer", "code", name="Ltd") == ["C00", "C01", "C02"]
    asker.u8.discard("customer", "C01")
    assert asker.keys("customer", "code", name="Ltd") == ["C00", "C02"]
    asker.u8.books.restore(before)
    assert asker.keys("customer", "code", name="Ltd") == ["C01", "C02"]


def test_page_drift_hides_a_row_behind_a_page_already_read() -> None:
    asker = _customers(6)
    asker.u8.faults.fail_next(Fault.PAGE_DRIFT)
    assert asker.keys("customer", "code", rows_per_page=2) == ["C01", "C02", "C04", "C05", "C06", "C01"]
    assert asker.keys("customer", "code", rows_per_page=2) == [f"C0{number}" for number in range(1, 7)]


def test_page_drift_waits_for_a_walk_of_several_pages() -> None:
    asker = _customers(2)
    asker.u8.faults.fail_next(Fault.PAGE_DRIFT)
    assert asker.keys("customer", "code", rows_per_page=2) == ["C01", "C02"]
    assert asker.u8.faults.pending == 1


def test_a_doubled_row_counts_twice_until_the_next_walk() -> None:
    asker = _customers(4)
    asker.u8.faults.fail_next(Fault.DUPLICATED_ROW, skip=1)
    assert asker.keys("customer", "code", rows_per_page=2) == ["C01", "C02", "C03", "C03", "C04"]
    assert asker.get("/api/customer/batch_get")["row_count"] == "4"


def test_a_late_row_has_an_older_stamp_than_what_was_read() -> None:
    asker = _customers(4)
    asker.u8.faults.fail_next(Fault.LATE_STAMP)
    first = asker.get("/api/customer/batch_get")["customer"]
    assert [row["code"] for row in first] == ["C01", "C02", "C04"]
    later = asker.get("/api/customer/batch_get")["customer"]
    (late,) = [row for row in later if row["code"] == "C03"]
    assert int(late["timestamp"]) < max(int(row["timestamp"]) for row in first)


@pytest.mark.parametrize(("unique", "versions"), [(True, 3), (False, 1)])
def test_tied_stamps(unique: bool, versions: int) -> None:
    asker = _customers(3, row_versions_unique=unique)
    assert len({row["ModifyDate"] for row in asker.get("/api/customer/batch_get")["customer"]}) == 3
    asker.u8.faults.fail_next(Fault.TIED_STAMPS)
    rows = asker.get("/api/customer/batch_get")["customer"]
    assert {row["ModifyDate"] for row in rows} == {"2024-05-06 12:03:00.0"}
    assert len({row["timestamp"] for row in rows}) == versions


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("customer", "name"),
        ("saleinvoicelist", "entry"),
        ("oughtreceivelist", "natamount"),
        ("acceptlist", "originalamount"),
    ],
)
def test_one_malformed_record_of_a_page(name: str, field: str) -> None:
    asker = _vouchers()
    asker.u8.switches["entries_in_lists"] = ["saleinvoicelist"]
    asker.u8.faults.fail_next(Fault.MALFORMED_RECORD)
    bad = asker.get(f"/api/{name}/batch_get")[name]
    good = asker.get(f"/api/{name}/batch_get")[name]
    differing = [index for index, row in enumerate(good) if row != bad[index]]
    assert len(differing) == 1
    assert type(bad[differing[0]][field]) is not type(good[differing[0]][field])
    assert bad[differing[0]] | {field: good[differing[0]][field]} == good[differing[0]]


def test_a_further_page_neither_copies_nor_spells_the_whole_table(monkeypatch: pytest.MonkeyPatch) -> None:
    asker = Asker()
    asker.u8.seed("customer", 60)
    asker.get("/api/customer/batch_get", rows_per_page=10)
    spelled: list[str] = []

    def counted(resource: Any, row: Any, switches: Any, *, entries: bool) -> Any:
        spelled.append(row["code"])
        return wire_row(resource, row, switches, entries=entries)

    monkeypatch.setattr("ledgerbridge.sandbox.yonyou_u8.lists.wire_row", counted)
    monkeypatch.setattr(asker.u8.books, "peek", lambda table: pytest.fail(f"all of {table} was copied"))
    answer = asker.get("/api/customer/batch_get", rows_per_page=10, page_index=3)
    assert [row["code"] for row in answer["customer"]] == spelled
    assert len(spelled) == 10
