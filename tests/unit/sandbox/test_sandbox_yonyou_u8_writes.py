"""Adding, editing, approving; idempotency and the asynchronous form (yonyou.md A5, A6)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from u8_asking import ACCESS, Asker, read

CUSTOMER = {"code": "C01", "name": "Demo Ltd", "sort_code": "00"}
INVOICE: dict[str, Any] = {
    "customercode": "C01",
    "entry": [{"inventorycode": "I1", "quantity": 2, "originalsum": 226, "originaltax": 26}],
}
OUGHT: dict[str, Any] = {
    "cust_vendor_code": "C01",
    "amount": 100,
    "entry": [{"cust_vendor_code": "C01", "natamount": 100}],
}
ACCEPT: dict[str, Any] = {
    "vouchtype": "48",
    "customercode": "C01",
    "amount": 100,
    "digest": "货款",
    "entry": [{"type": 0, "amount": 100}],
}
VOUCHERS = {"saleinvoice": INVOICE, "oughtreceive": OUGHT, "accept": ACCEPT}
KEYS = {"saleinvoice": "invoiceno", "oughtreceive": "code", "accept": "vouchcode"}


@pytest.fixture
def asker() -> Asker:
    asker = Asker()
    asker.customer("C01", name="Demo Ltd")
    return asker


def _poll(asker: Asker, url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return read(asker.raw("GET", parts.path, dict(parse_qsl(parts.query))))


def test_a_synchronous_add_answers_like_the_sample(asker: Asker) -> None:
    trade = asker.trade()
    answer = asker.add("oughtreceive", {**OUGHT, "code": "YS0008"}, tradeid=trade)
    assert answer == {"errcode": "0", "errmsg": "", "id": "YS0008", "tradeid": trade}


def test_an_asynchronous_add_is_polled_until_there_is_no_url(asker: Asker) -> None:
    answer = asker.post("/api/oughtreceive/add", {"oughtreceive": {**OUGHT, "code": "YS1"}}, biz_id="b1")
    assert answer == {"errcode": "0", "errmsg": "", "url": answer["url"], "ping_after": "1"}
    assert answer["url"].startswith("http://relay.example/result?requestid=")
    assert asker.u8.count("invoice") == 0
    again = _poll(asker, answer["url"])
    assert again == answer
    done = _poll(asker, answer["url"])
    assert (done["errcode"], done["id"]) == ("0", "YS1")
    assert "url" not in done
    assert _poll(asker, answer["url"]) == done
    assert asker.u8.count("invoice") == 1


@pytest.mark.parametrize("polls", [0, 3])
def test_how_many_polls_it_takes_is_a_switch(asker: Asker, polls: int) -> None:
    asker.u8.switches.update(async_polls=polls, poll_running_errcode="30025")
    answer = asker.post("/api/accept/add", {"accept": ACCEPT}, biz_id="b1", sync=0)
    for _ in range(polls):
        running = _poll(asker, answer["url"])
        assert (running["errcode"], running["url"]) == ("30025", answer["url"])
    assert "url" not in _poll(asker, answer["url"])


def test_an_asynchronous_add_is_done_in_time_without_any_poll(asker: Asker) -> None:
    asker.post("/api/accept/add", {"accept": ACCEPT}, biz_id="b1")
    asker.clock.advance(4)
    assert asker.u8.count("payment") == 0
    asker.clock.advance(1)
    assert asker.u8.count("payment") == 1


def test_a_running_operation_is_not_started_again(asker: Asker) -> None:
    asker.u8.switches["async_polls"] = 2
    body = {"accept": ACCEPT}
    asker.post("/api/accept/add", body, biz_id="b1")
    assert asker.post("/api/accept/add", body, biz_id="b1")["errcode"] == "30025"
    assert asker.post("/api/accept/add", body, biz_id="b1", sync=1)["errcode"] == "30025"
    first = asker.post("/api/accept/add", body, biz_id="b1")
    assert first["errcode"] == "0"
    assert asker.post("/api/accept/add", body, biz_id="b1") == first
    assert asker.u8.count("payment") == 1


def test_an_asynchronous_refusal_comes_with_the_poll(asker: Asker) -> None:
    asker.u8.switches["async_polls"] = 0
    answer = asker.post("/api/customer/add", {"customer": CUSTOMER}, biz_id="b1")
    assert answer["errcode"] == "0"
    done = _poll(asker, answer["url"])
    assert done["errcode"] == "20005"
    assert "C01" in done["errmsg"]


def test_an_unknown_poll_is_refused(asker: Asker) -> None:
    assert _poll(asker, "/result?requestid=nope")["errcode"] == "20001"


@pytest.mark.parametrize("name", ["biz_id", "tradeid"])
def test_the_same_name_answers_the_stored_result(asker: Asker, name: str) -> None:
    value = asker.trade() if name == "tradeid" else "mine-1"
    first = asker.add("accept", ACCEPT, **{name: value})
    assert first["errcode"] == "0"
    assert asker.add("accept", {**ACCEPT, "amount": 7, "entry": [{"amount": 7}]}, **{name: value}) == first
    assert asker.u8.count("payment") == 1


def test_a_failed_operation_may_be_tried_again_under_its_name(asker: Asker) -> None:
    bad = {**ACCEPT, "customercode": "C99"}
    assert asker.add("accept", bad, biz_id="b1")["errcode"] == "20005"
    assert asker.add("accept", ACCEPT, biz_id="b1")["errcode"] == "0"


def test_one_name_is_for_one_record(asker: Asker) -> None:
    assert asker.add("accept", ACCEPT, biz_id="b1")["errcode"] == "0"
    answer = asker.add("oughtreceive", OUGHT, biz_id="b1")
    assert answer["errcode"] == "20005"
    assert asker.u8.count("invoice") == 0


@pytest.mark.parametrize("names", [{}, {"biz_id": "b", "tradeid": "t"}, {"tradeid": "never-issued"}], ids=str)
def test_exactly_one_known_name_is_needed(asker: Asker, names: dict[str, str]) -> None:
    answer = asker.post("/api/accept/add", {"accept": ACCEPT}, sync=1, **names)
    assert answer["errcode"] == "20001"
    assert asker.u8.count("payment") == 0


def test_sync_is_zero_or_one(asker: Asker) -> None:
    assert asker.post("/api/accept/add", {"accept": ACCEPT}, sync=2, biz_id="b")["errcode"] == "20001"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"customer":[]}', b'{"accept":{}}', b'{"customer":{"code":NaN}}'])
def test_unreadable_bodies_are_refused(asker: Asker, body: bytes) -> None:
    query = asker.common(sync=1, biz_id="b")
    assert read(asker.raw("POST", "/api/customer/add", query, body))["errcode"] == "20001"


@pytest.mark.parametrize("table", sorted(VOUCHERS))
def test_a_number_cannot_be_used_twice(asker: Asker, table: str) -> None:
    record = {**VOUCHERS[table], KEYS[table]: "N1"}
    assert asker.add(table, record)["id"] == "N1"
    answer = asker.add(table, record)
    assert answer["errcode"] == "20005"
    assert "N1" in answer["errmsg"]


@pytest.mark.parametrize("table", sorted(VOUCHERS))
def test_a_voucher_without_a_number_gets_one(asker: Asker, table: str) -> None:
    first, second = asker.add(table, VOUCHERS[table])["id"], asker.add(table, VOUCHERS[table])["id"]
    assert first != second
    assert asker.get(f"/api/{table}/get", id=first)[table][KEYS[table]] == first


def test_a_tenant_may_number_vouchers_itself(asker: Asker) -> None:
    asker.u8.switches["assign_numbers"] = True
    answer = asker.add("accept", {**ACCEPT, "vouchcode": "MINE"})
    assert answer["errcode"] == "0"
    assert answer["id"] != "MINE"


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("customer", "code"),
        ("customer", "name"),
        ("saleinvoice", "customercode"),
        ("saleinvoice", "entry"),
        ("oughtreceive", "cust_vendor_code"),
        ("oughtreceive", "amount"),
        ("oughtreceive", "entry"),
        ("accept", "vouchtype"),
        ("accept", "customercode"),
        ("accept", "amount"),
        ("accept", "digest"),
        ("accept", "entry"),
    ],
)
def test_required_fields(asker: Asker, table: str, field: str) -> None:
    record = {**VOUCHERS, "customer": {**CUSTOMER, "code": "C02"}}[table]
    answer = asker.add(table, {name: value for name, value in record.items() if name != field})
    assert answer["errcode"] == "20001"
    assert f"{table}.{field}" in answer["errmsg"]


@pytest.mark.parametrize("field", ["cust_vendor_code", "natamount"])
def test_required_fields_of_a_line(asker: Asker, field: str) -> None:
    line = {name: value for name, value in OUGHT["entry"][0].items() if name != field}
    assert asker.add("oughtreceive", {**OUGHT, "entry": [line]})["errcode"] == "20001"


@pytest.mark.parametrize(
    ("table", "changes", "named"),
    [
        ("customer", {"code": "C01"}, "C01"),
        ("customer", {"code": "C02", "sort_code": ""}, "sort_code"),
        ("customer", {"code": "C02", "sort_code": "77"}, "77"),
        ("customer", {"code": "C02", "ccusexch_name": "贝壳"}, "贝壳"),
        ("customer", {"code": "C02", "end_date": "soon"}, "end_date"),
        ("customer", {"code": "C02", "name": {"zh": "x"}}, "name"),
        ("saleinvoice", {"customercode": "C99"}, "C99"),
        ("saleinvoice", {"personcode": "9999"}, "9999"),
        ("saleinvoice", {"date": "2024-02-30"}, "date"),
        ("saleinvoice", {"foreigncurrency": "USD", "currencyrate": 7}, "USD"),
        ("saleinvoice", {"foreigncurrency": "美元"}, "美元"),
        ("saleinvoice", {"currencyrate": 7}, "汇率"),
        ("saleinvoice", {"entry": [{"inventorycode": "I", "quantity": 1, "originalsum": "1,000"}]}, "originalsum"),
        ("saleinvoice", {"entry": [{"inventorycode": "I", "quantity": 1, "originalsum": "1.005"}]}, "originalsum"),
        ("saleinvoice", {"entry": [{"inventorycode": "I", "quantity": 1, "originalsum": -5}]}, "isnegative"),
        ("saleinvoice", {"entry": [{"inventorycode": "I", "quantity": 1}]}, "originalsum"),
        (
            "saleinvoice",
            {"entry": [{"inventorycode": "I", "quantity": 1, "originalsum": 10, "originalmoney": 9, "originaltax": 2}]},
            "originalmoney",
        ),
        ("saleinvoice", {"entry": "x"}, "entry"),
        ("oughtreceive", {"amount": 99}, "99"),
        ("oughtreceive", {"natamount": 99}, "99"),
        ("oughtreceive", {"bdebitcredit": 2}, "bdebitcredit"),
        ("accept", {"vouchtype": "50"}, "50"),
        ("accept", {"amount": -100, "entry": [{"amount": -100}]}, "49"),
        ("accept", {"amount": 120}, "120"),
        ("accept", {"entry": [{"type": 7, "amount": 100}]}, "type"),
        ("accept", {"amount": "1e999999"}, "amount"),
    ],
    ids=str,
)
def test_what_u8_refuses_names_the_culprit(asker: Asker, table: str, changes: dict[str, Any], named: str) -> None:
    record = {**VOUCHERS, "customer": CUSTOMER}[table]
    before = {each: asker.u8.books.count(each) for each in ("customer", *VOUCHERS)}
    answer = asker.add(table, {**record, **changes})
    assert answer["errcode"] == "20005"
    assert named in answer["errmsg"]
    assert {each: asker.u8.books.count(each) for each in before} == before


def test_unknown_fields_are_dropped_or_by_switch_refused(asker: Asker) -> None:
    number = asker.add("accept", {**ACCEPT, "currency": "USD"})["id"]
    assert "currency" not in asker.get("/api/accept/get", id=number)["accept"]
    asker.u8.switches["unknown_fields"] = "refuse"
    answer = asker.add("accept", {**ACCEPT, "currency": "USD"})
    assert (answer["errcode"], "accept.currency" in answer["errmsg"]) == ("20005", True)


def test_a_new_customer_gets_u8s_own_fields(asker: Asker) -> None:
    banks = [{"caccountnum": "622", "cbranch": "工行", "bdefault": True}, {"caccountnum": "1", "bdefault": False}]
    children = {"banks": banks, "addresses": [{"cdeliveradd": "仓库", "bdefault": 1}]}
    asker.customer("C02", timestamp="1", ModifyDate="1999-01-01", memo="", **children)
    row = asker.get("/api/customer/get", id="C02")["customer"]
    assert row["ModifyDate"] == "2024-05-06 12:00:00.0"
    assert int(row["timestamp"]) > 100_000
    assert (row["bank_open"], row["bank_acc_number"], row["devliver_site"]) == ("工行", "622", "仓库")
    assert (row["ccusexch_name"], row["ccusmngtypecode"], row["bcusdomestic"]) == ("人民币", "999", "1")
    assert not {"memo", "banks", "addresses"} & set(row)


def test_editing_changes_only_what_is_sent(asker: Asker) -> None:
    asker.customer("C02", memo="old", contact="李", phone="1")
    before = asker.get("/api/customer/get", id="C02")["customer"]
    asker.clock.advance(10)
    answer = asker.post(
        "/api/customer/edit", {"customer": {"code": "C02", "memo": "new", "contact": "", "phone": None}}
    )
    assert answer == {"errcode": "0", "errmsg": "", "id": "C02"}
    after = asker.get("/api/customer/get", id="C02")["customer"]
    assert int(after["timestamp"]) > int(before["timestamp"])
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed == {"memo", "contact", "ModifyDate", "timestamp"}
    assert (after["memo"], "contact" in after) == ("new", False)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"memo": "x"}, "20001"),
        ({"code": "C99", "memo": "x"}, "20005"),
        ({"code": "C01", "name": ""}, "20005"),
        ({"code": "C01", "sort_code": "9"}, "20005"),
    ],
    ids=str,
)
def test_edits_that_are_refused(asker: Asker, record: dict[str, str], code: str) -> None:
    before = asker.get("/api/customer/get", id="C01")
    assert asker.post("/api/customer/edit", {"customer": record})["errcode"] == code
    assert asker.get("/api/customer/get", id="C01") == before


def test_classes_have_ranks_by_their_codes_and_only_leaves_take_customers(asker: Asker) -> None:
    assert asker.add("customerclass", {"code": "0101", "name": "华东"})["id"] == "0101"
    classes = {row["code"]: row for row in asker.get("/api/customerclass/batch_get")["customerclass"]}
    assert (classes["01"]["rank"], classes["01"]["end_rank_flag"]) == (1, 0)
    assert (classes["0101"]["rank"], classes["0101"]["end_rank_flag"]) == (2, 1)
    assert asker.add("customer", {"code": "C02", "name": "B", "sort_code": "01"})["errcode"] == "20005"
    assert asker.customer("C03", sort_code="0101") == "C03"


def test_the_two_amounts_of_foreign_vouchers_are_opposite(asker: Asker) -> None:
    """`oughtreceive.amount` is document currency, `accept.amount` base currency."""
    line = {
        "cust_vendor_code": "C01",
        "currency_name": "美元",
        "currency_rate": "7.1",
        "amount": 1000,
        "natamount": 7100,
    }
    number = asker.add("oughtreceive", {"cust_vendor_code": "C01", "amount": 1000, "entry": [line]})["id"]
    ought = asker.get("/api/oughtreceive/get", id=number)["oughtreceive"]
    assert (ought["amount"], ought["natamount"]) == (1000, 7100)
    assert ought["bdebitcredit"] == 1
    assert (ought["entry"][0]["currency_name"], ought["entry"][0]["bdebitcredit"]) == ("美元", 0)
    record = {**ACCEPT, "amount": 7100, "originalamount": 1000, "entry": [{"amount": 7100, "originalamount": 1000}]}
    number = asker.add("accept", record)["id"]
    accept = asker.get("/api/accept/get", id=number)["accept"]
    assert (accept["amount"], accept["originalamount"]) == (7100, 1000)
    assert accept["entry"] == [{"type": 0, "customercode": "C01", "amount": 7100, "originalamount": 1000}]


def test_an_invoice_gets_base_amounts_and_has_no_totals(asker: Asker) -> None:
    head = {"customercode": "C01", "foreigncurrency": "美元", "currencyrate": "7.1234", "taxrate": 13}
    lines = [{"inventorycode": "I1", "quantity": 3, "originaltaxedprice": "11.3"}, {**INVOICE["entry"][0]}]
    number = asker.add("saleinvoice", {**head, "entry": lines})["id"]
    row = asker.get("/api/saleinvoice/get", id=number)["saleinvoice"]
    first = {name: Decimal(row["entry"][0][name]) for name in ("originalsum", "originalmoney", "originaltax", "sum")}
    assert first == {
        "originalsum": Decimal("33.9"), "originalmoney": Decimal(30), "originaltax": Decimal("3.9"),
        "sum": Decimal("241.48"),
    }  # fmt: skip
    assert row["entry"][1]["originalmoney"] == "200"
    assert [line["irowno"] for line in row["entry"]] == [1, 2]
    assert not {"money", "sum", "originalsum", "amount"} & set(row)
    assert (row["customername"], row["date"], row["isnegative"]) == ("Demo Ltd", "2024-05-06", 0)


@given(
    nets=st.lists(st.integers(0, 10**9), min_size=1, max_size=4),
    tax=st.integers(0, 20),
    rate=st.decimals("0.01", "900", places=4),
)
@settings(max_examples=40, deadline=None)
def test_lines_always_add_up_in_both_currencies(nets: list[int], tax: int, rate: Decimal) -> None:
    asker = Asker()
    asker.customer()
    lines = [{"inventorycode": "I", "quantity": 1, "originalsum": str(Decimal(net) / 100)} for net in nets]
    head = {"customercode": "C01", "foreigncurrency": "欧元", "currencyrate": str(rate), "taxrate": tax}
    number = asker.add("saleinvoice", {**head, "entry": lines})["id"]
    row = asker.get("/api/saleinvoice/get", id=number)["saleinvoice"]
    for net, line in zip(nets, row["entry"], strict=True):
        amounts = {name: Decimal(value) for name, value in line.items() if name in ["money", "tax", "sum"]}
        assert Decimal(line["originalsum"]) == Decimal(net) / 100
        assert Decimal(line["originalmoney"]) + Decimal(line["originaltax"]) == Decimal(line["originalsum"])
        assert amounts["money"] + amounts["tax"] == amounts["sum"]
        assert abs(amounts["sum"] - Decimal(net) / 100 * rate) <= Decimal("0.005")


@pytest.mark.parametrize("sent", [1, -1], ids=["sent positive", "sent negative"])
@pytest.mark.parametrize(("shown", "sign"), [("negative", -1), ("positive", 1)])
def test_red_invoices_have_one_sign_however_they_were_sent(asker: Asker, sent: int, shown: str, sign: int) -> None:
    asker.u8.switches["red_saleinvoice_sign"] = shown
    line = {"inventorycode": "I", "quantity": 2 * sent, "originalsum": 113 * sent, "originaltax": 13 * sent}
    number = asker.add("saleinvoice", {"customercode": "C01", "isnegative": 1, "entry": [line]})["id"]
    row = asker.get("/api/saleinvoice/get", id=number)["saleinvoice"]
    assert row["isnegative"] == 1
    found = {name: Decimal(row["entry"][0][name]) * sign for name in ("quantity", "originalsum", "tax", "money")}
    assert found == {"quantity": 2, "originalsum": 113, "tax": 13, "money": 100}


@pytest.mark.parametrize("sent", [1, -1], ids=["sent positive", "sent negative"])
@pytest.mark.parametrize(("shown", "sign"), [("negative", -1), ("positive", 1)])
def test_red_receivables_have_one_sign_however_they_were_sent(asker: Asker, sent: int, shown: str, sign: int) -> None:
    asker.u8.switches["red_oughtreceive_sign"] = shown
    line = {"cust_vendor_code": "C01", "natamount": 50 * sent}
    record = {"cust_vendor_code": "C01", "amount": 50 * sent, "bdebitcredit": 0, "entry": [line]}
    number = asker.add("oughtreceive", record)["id"]
    row = asker.get("/api/oughtreceive/get", id=number)["oughtreceive"]
    assert row["bdebitcredit"] == 0
    assert (row["amount"], row["natamount"], row["entry"][0]["amount"]) == (50 * sign, 50 * sign, 50 * sign)


@pytest.mark.parametrize(("table", "more"), [("oughtreceive", {}), ("accept", {"voucher_type": "48"})])
def test_approving_and_taking_it_back(asker: Asker, table: str, more: dict[str, str]) -> None:
    number = asker.add(table, VOUCHERS[table])["id"]
    body = {table: {"voucher_code": number, **more}}
    trade = asker.trade()
    answer = asker.post(f"/api/{table}/verify", body, tradeid=trade)
    assert answer == {"errcode": "0", "errmsg": "", "id": number, "tradeid": trade}
    assert asker.post(f"/api/{table}/verify", body, tradeid=trade) == answer
    assert asker.post(f"/api/{table}/verify", body, tradeid=asker.trade())["errcode"] == "20005"
    state = asker.get("/api/oughtreceive/get", id=number).get("oughtreceive", {}).get("state")
    assert state == ("审核" if table == "oughtreceive" else None)
    assert asker.post(f"/api/{table}/unverify", body, tradeid=asker.trade())["errcode"] == "0"
    assert asker.post(f"/api/{table}/unverify", body, tradeid=asker.trade())["errcode"] == "20005"


@pytest.mark.parametrize(
    ("table", "body", "code"),
    [
        ("oughtreceive", {}, "20001"),
        ("oughtreceive", {"voucher_code": "N9"}, "20005"),
        ("accept", {"voucher_code": "N1"}, "20001"),
        ("accept", {"voucher_code": "N1", "voucher_type": "49"}, "20005"),
        ("accept", {"voucher_code": "N1", "voucher_type": "48", "person_code": "1", "user_id": "demo"}, "20001"),
        ("accept", {"voucher_code": "N1", "voucher_type": "48", "user_id": "demo"}, "20005"),
    ],
    ids=str,
)
def test_approvals_that_are_refused(asker: Asker, table: str, body: dict[str, str], code: str) -> None:
    asker.add(table, {**VOUCHERS[table], KEYS[table]: "N1"})
    assert asker.post(f"/api/{table}/verify", {table: body}, tradeid=asker.trade())["errcode"] == code
    assert asker.u8.books.rows(table)[0]["_status"] == "draft"


def test_approving_needs_a_trade_id(asker: Asker) -> None:
    number = asker.add("oughtreceive", OUGHT)["id"]
    assert asker.post("/api/oughtreceive/verify", {"oughtreceive": {"voucher_code": number}})["errcode"] == "20001"


def test_a_named_approver_must_have_logged_in(asker: Asker) -> None:
    asker.add("accept", {**ACCEPT, "vouchcode": "N1"})
    user = {"user_id": ACCESS["user_id"], "password": ACCESS["password"]}
    assert asker.post("/api/user/login_v2", {"user": user}, tradeid=asker.trade())["errcode"] == "0"
    body = {"accept": {"voucher_code": "N1", "voucher_type": "48", "user_id": "demo"}}
    assert asker.post("/api/accept/verify", body, tradeid=asker.trade())["errcode"] == "0"
    assert asker.u8.books.rows("accept")[0]["_verifier"] == "demo"


def test_a_tenant_may_want_a_login_for_every_approval(asker: Asker) -> None:
    asker.u8.switches["verify_needs_login"] = True
    asker.add("oughtreceive", {**OUGHT, "code": "N1"})
    body = {"oughtreceive": {"voucher_code": "N1"}}
    assert asker.post("/api/oughtreceive/verify", body, tradeid=asker.trade())["errcode"] == "20005"


def test_what_was_written_survives_a_restart_of_the_far_side(asker: Asker) -> None:
    """The record of operations is in the books: a restored account set still knows its biz_ids and what is running."""
    first = asker.add("accept", ACCEPT, biz_id="b1")
    running = asker.post("/api/oughtreceive/add", {"oughtreceive": OUGHT}, biz_id="b2")
    other = Asker()
    other.u8.books.restore(asker.u8.books.save())
    assert other.add("accept", ACCEPT, biz_id="b1") == first
    other.clock.advance(10)
    assert _poll(other, running["url"])["errcode"] == "0"
    assert (other.u8.count("payment"), other.u8.count("invoice")) == (1, 1)


def test_a_tenant_that_computes_base_amounts_itself_rounds_to_the_fen(asker: Asker) -> None:
    asker.u8.switches["required"]["oughtreceive.entry"] = ["cust_vendor_code"]
    line = {"cust_vendor_code": "C01", "currency_name": "美元", "currency_rate": "7.1235", "amount": "0.99"}
    number = asker.add("oughtreceive", {"cust_vendor_code": "C01", "amount": "0.99", "entry": [line]})["id"]
    row = asker.get("/api/oughtreceive/get", id=number)["oughtreceive"]
    assert (row["natamount"], row["entry"][0]["natamount"]) == (Decimal("7.05"), Decimal("7.05"))
