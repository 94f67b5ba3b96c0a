from __future__ import annotations

import pytest
from fxiaoke_desk import Desk, ids

from ledgerbridge.sandbox.faults import Fault

BY_ID = [{"fieldName": "_id", "isAsc": True}]
BY_STAMP = [{"fieldName": "last_modified_time", "isAsc": True}]


def test_page_drift_moves_a_row_already_read() -> None:
    desk = Desk()
    desk.emulator.seed("customer", 4)
    desk.emulator.clock.advance(60)
    desk.emulator.faults.fail_next(Fault.PAGE_DRIFT)

    first = ids(desk.found("AccountObj", orders=BY_STAMP, limit=2))
    second = ids(desk.found("AccountObj", orders=BY_STAMP, limit=2, offset=2))

    assert first[0] in second, "the row saved again comes a second time, at the end"
    assert len({*first, *second}) == 3, "one row was skipped by the offset"


def test_page_drift_cannot_happen_on_the_last_page() -> None:
    desk = Desk()
    desk.emulator.seed("customer", 2)
    desk.emulator.faults.fail_next(Fault.PAGE_DRIFT)
    desk.found("AccountObj", limit=2)

    assert desk.emulator.faults.pending == 1


def test_tied_stamps_makes_all_matching_rows_the_same_age() -> None:
    desk = Desk()
    for _ in range(3):
        desk.emulator.seed("customer", 1)
        desk.emulator.clock.advance(7)
    newest = max(row["last_modified_time"] for row in desk.found("AccountObj"))
    desk.emulator.faults.fail_next(Fault.TIED_STAMPS)

    assert {row["last_modified_time"] for row in desk.found("AccountObj")} == {newest}


def test_late_stamp_shows_one_row_after_later_ones() -> None:
    desk = Desk()
    desk.emulator.faults.fail_next(Fault.LATE_STAMP)
    late = desk.account("甲")
    desk.emulator.clock.advance(3)
    soon = desk.account("乙")

    assert ids(desk.found("AccountObj")) == [soon]
    desk.emulator.clock.advance(17)
    rows = {row["_id"]: row["last_modified_time"] for row in desk.found("AccountObj")}
    assert set(rows) == {late, soon}
    assert rows[late] < rows[soon]


def test_empty_page_strikes_in_the_middle_and_passes() -> None:
    desk = Desk()
    desk.emulator.seed("customer", 3)
    desk.emulator.faults.fail_next(Fault.EMPTY_PAGE)
    first = ids(desk.found("AccountObj", orders=BY_ID, limit=1))
    after = ("_id", "GT", [first[0]])

    assert desk.found("AccountObj", after, orders=BY_ID, limit=1) == []
    assert len(desk.found("AccountObj", after, orders=BY_ID, limit=1)) == 1


@pytest.mark.parametrize(
    ("kind", "api_name", "field"), [("customer", "AccountObj", "name"), ("invoice", "ar_bill__c", "amount__c")]
)
def test_malformed_record_has_one_field_of_a_wrong_type(kind: str, api_name: str, field: str) -> None:
    desk = Desk()
    desk.emulator.seed(kind, 3)
    desk.emulator.faults.fail_next(Fault.MALFORMED_RECORD)

    spoilt = [row for row in desk.found(api_name) if not isinstance(row[field], str)]

    assert len(spoilt) == 1
    assert all(isinstance(row[field], str) for row in desk.found(api_name)), "the books are sound"


@pytest.mark.parametrize("limit", [2, 5])
def test_duplicated_row_loses_nothing_to_a_keyset_reader(limit: int) -> None:
    desk = Desk()
    everything = sorted(desk.emulator.seed("customer", 4))
    desk.emulator.faults.fail_next(Fault.DUPLICATED_ROW)
    walked: list[str] = []
    while True:
        bound = [("_id", "GT", [walked[-1]])] if walked else []
        page = ids(desk.found("AccountObj", *bound, orders=BY_ID, limit=limit))
        assert len(page) <= limit
        walked += page
        if len(page) < limit:
            break

    assert sorted(set(walked)) == everything
    assert len(walked) == 5


def test_half_failed_batch_names_what_was_not_done() -> None:
    desk = Desk()
    account = desk.account()
    bills = [desk.bill(account, f"AR-{index}") for index in range(4)]
    desk.emulator.faults.fail_next(Fault.HALF_FAILED_BATCH)

    answer = desk.call("/cgi/crm/custom/data/invalid", {"data": {"dataObjectApiName": "ar_bill__c", "idList": bills}})

    assert answer["errorCode"] == 32000
    assert all(row_id in answer["errorMessage"] for row_id in bills[2:])
    assert [desk.get("ar_bill__c", row_id)["life_status"] for row_id in bills] == ["invalid"] * 2 + ["normal"] * 2
