from __future__ import annotations

from typing import Any

import pytest
from fxiaoke_desk import START_MS, Desk, ids
from hypothesis import given, settings
from hypothesis import strategies as st

from ledgerbridge.sandbox.fxiaoke import paging

BY_ID = [{"fieldName": "_id", "isAsc": True}]


@pytest.fixture(scope="module")
def four() -> Desk:
    """Accounts 甲 to 丁 with different text, number, time, option and list values; 丁 has none of them."""
    desk = Desk()
    desk.account("甲公司", account_type="1", credit_limit__c="100.00", opened_on__c=0, tel="021-1")
    desk.account("乙公司", account_type="2", credit_limit__c="20.50", opened_on__c=86_400_000, tel="010-2")
    desk.account("丙集团", account_type="2", credit_limit__c="-3", opened_on__c=172_800_000)
    desk.account("丁集团", data_own_department=["1001"])
    return desk


def _names(desk: Desk, *filters: tuple[str, str, list[Any]]) -> str:
    rows = desk.found("AccountObj", *filters, orders=[{"fieldName": "create_time", "isAsc": True}])
    return "".join(sorted((row["name"][0] for row in rows), key="甲乙丙丁".index))


@pytest.mark.parametrize(
    ("field", "operator", "values", "names"),
    [
        ("name", "EQ", ["乙公司"], "乙"),
        ("name", "N", ["乙公司"], "甲丙丁"),
        ("tel", "N", ["021-1"], "乙丙丁"),
        ("name", "IN", ["甲公司", "丙集团"], "甲丙"),
        ("name", "NIN", ["甲公司", "丙集团"], "乙丁"),
        ("account_type", "IN", ["1", "2"], "甲乙丙"),
        ("credit_limit__c", "EQ", [100], "甲"),
        ("credit_limit__c", "EQ", ["100"], "甲"),
        ("credit_limit__c", "GT", ["20.50"], "甲"),
        ("credit_limit__c", "GTE", ["20.5"], "甲乙"),
        ("credit_limit__c", "LT", [20.5], "丙"),
        ("credit_limit__c", "LTE", ["20.50"], "乙丙"),
        ("credit_limit__c", "BETWEEN", ["20.5", "100"], "甲乙"),
        ("credit_limit__c", "NBETWEEN", ["20.5", "100"], "丙丁"),
        ("name", "LIKE", ["集"], "丙丁"),
        ("name", "NLIKE", ["集"], "甲乙"),
        ("name", "STARTWITH", ["丁"], "丁"),
        ("name", "ENDWITH", ["公司"], "甲乙"),
        ("tel", "IS", [], "丙丁"),
        ("tel", "ISN", [], "甲乙"),
        ("data_own_department", "CONTAINS", ["1001"], "丁"),
        ("data_own_department", "HASANYOF", ["1001", "1000"], "甲乙丙丁"),
        ("data_own_department", "NHASANYOF", ["1001"], "甲乙丙"),
        ("data_own_department", "EQ", ["1001"], "丁"),
        ("opened_on__c", "GTE", ["57600000"], "乙丙"),
        ("is_deleted", "EQ", [False], "甲乙丙丁"),
        ("is_deleted", "EQ", ["true"], ""),
        ("life_status", "EQ", ["normal"], "甲乙丙丁"),
    ],
)
def test_each_operator_does_what_the_sheet_says(
    four: Desk, field: str, operator: str, values: list[Any], names: str
) -> None:
    four.emulator.clock.advance(20)

    assert _names(four, (field, operator, values)) == names


def test_filters_are_anded() -> None:
    desk = Desk()
    desk.account("甲", tel="1")
    desk.account("乙", tel="1")

    assert _names(desk, ("tel", "EQ", ["1"]), ("name", "EQ", ["乙"])) == "乙"


def test_owner_filters_take_the_styles_person_ids() -> None:
    desk = Desk()
    desk.account("甲")

    assert _names(desk, ("owner", "HASANYOF", [desk.keys["currentOpenUserId"]])) == "甲"
    assert _names(desk, ("owner", "HASANYOF", ["1000"])) == ""


@pytest.mark.parametrize(
    ("field", "operator", "values"),
    [
        ("name", "NEQ", ["x"]),
        ("name", "NE", ["x"]),
        ("name", "eq", ["x"]),
        ("nowhere", "EQ", ["x"]),
        ("name", "EQ", "x"),
        ("name", "EQ", []),
        ("name", "EQ", ["x", "y"]),
        ("credit_limit__c", "BETWEEN", ["1"]),
        ("credit_limit__c", "GT", ["many"]),
        ("credit_limit__c", "GT", ["NaN"]),
        ("is_deleted", "EQ", ["perhaps"]),
        ("owner", "GT", ["1000"]),
        ("name", "CONTAINS", ["x"]),
        ("name", "EQ", [None]),
        ("name", "EQ", [{"a": 1}]),
    ],
)
def test_a_bad_filter_is_32000(four: Desk, field: str, operator: str, values: Any) -> None:
    four.emulator.clock.advance(20)

    assert four.query("AccountObj", (field, operator, values))["errorCode"] == 32000


@pytest.mark.parametrize(
    ("info", "code"),
    [
        ({"limit": 101}, 15002),
        ({"limit": 0}, 15002),
        ({"limit": "10"}, 15002),
        ({"limit": 10, "offset": 5}, 15002),
        ({"limit": 10, "offset": -10}, 15002),
        ({"limit": 100, "offset": 10_100}, 10013),
        ({"limit": 100, "offset": 10_000}, 0),
        ({"limit": 10, "offset": 20}, 0),
        ({"orders": [{"field_name": "_id"}]}, 32000),
        ({"orders": [{"fieldName": "nowhere"}]}, 32000),
        ({"filters": {}}, 32000),
        ({"fieldProjection": "name"}, 32000),
    ],
)
def test_paging_rules(info: dict[str, Any], code: int) -> None:
    assert Desk().query("AccountObj", **info)["errorCode"] == code


def test_the_offset_error_has_the_vendors_words() -> None:
    answer = Desk().query("AccountObj", limit=100, offset=10_100)

    assert "offset out of range 10000" in answer["errorMessage"]


def test_the_limit_is_a_switch() -> None:
    desk = Desk(maxLimit=200, maxOffset=200)

    assert desk.query("AccountObj", limit=200)["errorCode"] == 0
    assert desk.query("AccountObj", limit=200, offset=400)["errorCode"] == 10013


@pytest.mark.parametrize(
    ("where", "flags", "total"),
    [
        ("beside", {}, 3),
        ("beside", {"find_explicit_total_num": True}, 3),
        ("beside", {"find_explicit_total_num": False}, 0),
        ("inside", {"returnTotalNum": 1}, 3),
        ("inside", {"returnTotalNum": 3}, 0),
        ("inside", {"need_return_count_num": False}, 0),
    ],
)
def test_total_is_exact_or_zero(where: str, flags: dict[str, Any], total: int) -> None:
    desk = Desk()
    desk.emulator.seed("customer", 3)
    beside, inside = (flags, {}) if where == "beside" else ({}, flags)

    data = desk.query("AccountObj", limit=2, beside=beside, **inside)["data"]

    assert (data["total"], len(data["dataList"]), data["limit"], data["offset"]) == (total, 2, 2, 0)


def test_total_within_keyset_bounds_counts_what_is_left() -> None:
    desk = Desk()
    everything = sorted(desk.emulator.seed("customer", 5))

    data = desk.query("AccountObj", ("_id", "GT", [everything[1]]), orders=BY_ID, limit=1)["data"]

    assert data["total"] == 3
    assert ids(data["dataList"]) == [everything[2]]


@pytest.mark.parametrize(
    ("operator", "left"), [("GT", 2), ("GTE", 3), ("LT", 2), ("LTE", 3), ("EQ", 1), ("IN", 1), ("N", 4)]
)
@pytest.mark.parametrize("orders", [BY_ID, [{"fieldName": "_id", "isAsc": False}], []], ids=["asc", "desc", "none"])
def test_id_filters_agree_in_every_order(operator: str, left: int, orders: list[Any]) -> None:
    desk = Desk()
    middle = sorted(desk.emulator.seed("customer", 5))[2]

    assert len(desk.found("AccountObj", ("_id", operator, [middle.upper()]), orders=orders)) == left


def test_ids_are_24_or_32_hex_and_compare_as_text() -> None:
    desk = Desk()
    seeded = desk.emulator.seed("customer", 12)
    walked = ids(desk.found("AccountObj", orders=BY_ID))

    assert {len(one) for one in seeded} == {24, 32}
    assert walked == sorted(seeded)
    assert all(set(one) <= set("0123456789abcdef") for one in seeded)


@pytest.mark.parametrize(("style", "length"), [("24", 24), ("32", 32)])
def test_id_style_is_a_switch(style: str, length: int) -> None:
    assert {len(one) for one in Desk(idStyle=style).emulator.seed("customer", 6)} == {length}


@settings(max_examples=25, deadline=None)
@given(count=st.integers(0, 40), limit=st.integers(1, 15), window=st.booleans())
def test_the_keyset_walk_gives_every_row_once(count: int, limit: int, window: bool) -> None:
    desk = Desk(ratePerPath="")
    expected = desk.emulator.seed("invoice", count)
    stamp = ("last_modified_time", "GTE", [str(START_MS)])
    walked: list[str] = []
    while True:
        filters = [stamp] if window else []
        if walked:
            filters.append(("_id", "GT", [walked[-1]]))
        page = ids(desk.found("ar_bill__c", *filters, orders=BY_ID, limit=limit))
        walked += page
        if len(page) < limit:
            break

    assert walked == sorted(expected)


@settings(max_examples=25, deadline=None)
@given(amounts=st.lists(st.integers(-99_999, 99_999), max_size=15), bound=st.integers(-99_999, 99_999))
def test_amount_filters_and_orders_are_numeric(amounts: list[int], bound: int) -> None:
    desk = Desk(ratePerPath="")
    account = desk.account()
    for index, amount in enumerate(amounts):
        desk.bill(account, f"AR-{index}", str(amount))

    rows = desk.found(
        "ar_bill__c", ("amount__c", "GTE", [str(bound)]), orders=[{"fieldName": "amount__c", "isAsc": False}]
    )

    wanted = sorted((amount for amount in amounts if amount >= bound), reverse=True)
    assert [row["amount__c"] for row in rows] == [f"{amount}.00" for amount in wanted]


def test_the_usual_order_is_newest_first_and_ties_go_by_id() -> None:
    desk = Desk()
    old = sorted(desk.emulator.seed("customer", 2))
    desk.emulator.clock.advance(1)
    new = desk.account()

    assert ids(desk.found("AccountObj")) == [new, *old]


def test_empty_fields_sort_last_both_ways() -> None:
    desk = Desk()
    filled, empty = desk.account("甲", tel="1"), desk.account("乙")

    for ascending in (True, False):
        assert ids(desk.found("AccountObj", orders=[{"fieldName": "tel", "isAsc": ascending}])) == [filled, empty]


def test_a_projection_limits_the_fields_and_keeps_the_id() -> None:
    desk = Desk()
    desk.bill(desk.account())

    row = desk.found("ar_bill__c", fieldProjection=["name", "account__c"])[0]

    assert set(row) == {"_id", "name", "account__c", "account__c__r"}
    assert row["account__c__r"] == "示例公司"
    assert len(desk.found("ar_bill__c", fieldProjection=[])[0]) > 10


def test_null_fields_are_omitted_unless_asked_for() -> None:
    desk = Desk()
    row_id = desk.account()

    assert "tel" not in desk.get("AccountObj", row_id)
    assert desk.get("AccountObj", row_id, includeNull=True)["tel"] is None
    assert desk.found("AccountObj", root={"includeNull": True})[0]["tel"] is None


def test_find_one_and_find_simple_serve_presets_on_the_custom_path() -> None:
    desk = Desk()
    row_id = desk.account()
    search = {"limit": 1, "offset": 0, "filters": []}
    data = {"dataObjectApiName": "AccountObj", "search_query_info": search, "field_projection": ["name"]}

    one = desk.call("/cgi/crm/custom/v2/data/findOne", {"data": data})
    many = desk.call("/cgi/crm/custom/v2/data/findSimple", {"data": data})
    search["filters"] = [{"field_name": "name", "operator": "EQ", "field_values": ["?"]}]  # type: ignore[list-item]
    none = desk.call("/cgi/crm/custom/v2/data/findOne", {"data": data})

    assert one["data"]["objectData"] == {"_id": row_id, "name": "示例公司"}
    assert many["data"]["dataList"] == [{"_id": row_id, "name": "示例公司"}]
    assert none["data"]["objectData"] is None


def test_light_queries_do_not_recalculate_totals() -> None:
    desk = Desk()
    account = desk.account()
    order = desk.order(account)
    desk.payment(account, {"order_id": order, "payment_amount": "1200.50"})
    data = {"dataObjectApiName": "SalesOrderObj", "search_query_info": {"limit": 1, "offset": 0}}

    light = desk.call("/cgi/crm/custom/v2/data/findOne", {"data": data})["data"]["objectData"]

    assert light["payment_amount"] == "0.00"
    assert desk.get("SalesOrderObj", order)["payment_amount"] == "1200.50"


@pytest.mark.parametrize(("lag", "seen"), [(0, ["乙"]), (5000, ["甲"])])
def test_lag_shows_the_old_image_until_it_ends(lag: int, seen: list[str]) -> None:
    desk = Desk()
    row_id = desk.account("甲")
    desk.found("AccountObj")
    desk.emulator.switches["lastModifiedLagMs"] = lag
    desk.update("AccountObj", row_id, {"name": "乙"})

    assert [row["name"] for row in desk.found("AccountObj")] == seen
    assert desk.get("AccountObj", row_id)["name"] == "乙"
    desk.emulator.clock.advance(5)
    assert [row["name"] for row in desk.found("AccountObj")] == ["乙"]


def test_lag_hides_a_new_row_even_from_its_index() -> None:
    desk = Desk(lastModifiedLagMs=1000)
    desk.account("甲")

    assert desk.found("AccountObj", ("name", "EQ", ["甲"])) == []
    desk.emulator.clock.advance(1)
    assert len(desk.found("AccountObj", ("name", "EQ", ["甲"]))) == 1
    assert len(desk.found("AccountObj", orders=BY_ID)) == 1


def test_cached_pages_follow_every_change() -> None:
    desk = Desk()
    row_id = desk.account("甲", tel="1")
    one, other = ("tel", "EQ", ["1"]), ("tel", "EQ", ["2"])

    assert len(desk.found("AccountObj", one, orders=BY_ID)) == 1
    desk.update("AccountObj", row_id, {"tel": "2"})
    assert desk.found("AccountObj", one, orders=BY_ID) == []
    assert ids(desk.found("AccountObj", other, orders=BY_ID)) == [row_id]
    saved = desk.emulator.books.save()
    desk.emulator.discard("customer", row_id)
    assert desk.found("AccountObj", other, orders=BY_ID) == []
    desk.emulator.books.restore(saved)
    assert ids(desk.found("AccountObj", other, orders=BY_ID)) == [row_id]


def test_indexes_follow_a_renamed_row() -> None:
    desk = Desk()
    row_id = desk.account("甲")
    assert ids(desk.found("AccountObj", ("name", "EQ", ["甲"]))) == [row_id]
    desk.update("AccountObj", row_id, {"name": "乙"})

    assert desk.found("AccountObj", ("name", "EQ", ["甲"])) == []
    assert ids(desk.found("AccountObj", ("name", "IN", ["乙", "丙"]))) == [row_id]


def test_a_filtered_keyset_walk_scans_the_table_once(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(ratePerPath="")
    everything = sorted(desk.emulator.seed("customer", 300))
    scans: list[int] = []
    real = paging._matching

    def counted(*args: Any) -> list[str]:
        scans.append(1)
        return real(*args)

    monkeypatch.setattr(paging, "_matching", counted)
    walked: list[str] = []
    for _ in range(30):
        bound = [("_id", "GT", [walked[-1]])] if walked else []
        walked += ids(desk.found("AccountObj", ("tel", "ISN", []), *bound, orders=BY_ID, limit=10))

    assert walked == everything
    assert len(scans) == 1
    desk.account("甲", tel="1")
    assert desk.query("AccountObj", ("tel", "ISN", []), orders=BY_ID)["data"]["total"] == 301
    assert len(scans) == 2
