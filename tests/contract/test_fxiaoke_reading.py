"""Reading a Fxiaoke tenant over a socket: what changes beside a record, late, behind a clock, or out of sight."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fxiaoke_side import SYSTEM, connected

from ledgerbridge.connectors._http.settings import HttpSettings
from ledgerbridge.connectors.base import Page
from ledgerbridge.connectors.fxiaoke import Fxiaoke
from ledgerbridge.errors import BadReply, NotAllowed, QuotaUsedUp, RateLimited, Refused, Unavailable, Unsupported
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.raw import Raw
from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.fxiaoke import lifecycle, writing
from ledgerbridge.sandbox.fxiaoke.app import CLERK, FxiaokeEmulator, create
from ledgerbridge.sandbox.fxiaoke.people import ADMIN, Caller
from ledgerbridge.testing.fakes import FakeClock

SCREENS = Caller(ADMIN, path="/screens")
HOUR_S = 3600.0


class SharedTime(SandboxClock):
    """The emulator lives by the connector's clock."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()


@pytest.fixture
def clock() -> FakeClock:
    # Whole hours before the wall: the connector takes the earlier of its clock and the gateway's Date.
    return FakeClock(datetime.now(UTC) - timedelta(days=2))


@pytest.fixture
def far(clock: FakeClock) -> FxiaokeEmulator:
    return create(clock=SharedTime(clock))


@pytest.fixture
def connector(far: FxiaokeEmulator, clock: FakeClock) -> Iterator[Fxiaoke]:
    with connected(far, clock) as made:
        yield made


def pull(connector: Fxiaoke, kind: Kind, cursor: str | None = None, limit: int = 100) -> tuple[dict[str, Raw], str]:
    """Everything that a walk brings, by id, and its last cursor."""
    pages: list[Page] = list(connector.pull(kind, cursor=cursor, limit=limit))
    assert all(page.unreadable == () for page in pages)
    return {raw.external_id: raw for page in pages for raw in page.records}, pages[-1].cursor


def save(far: FxiaokeEmulator, verb: str, api_name: str, data: Mapping[str, Any]) -> str:
    """A person creates or updates a row of any object."""
    spec = far.tenant.spec(api_name)
    body = {"data": {"object_data": {"dataObjectApiName": api_name, **data}}, "triggerApprovalFlow": False}
    with far.books.lock:
        made = (writing.create if verb == "create" else writing.update)(far.tenant, spec, body, SCREENS)
    return str(made.get("dataId", data.get("_id")))


def details(raw: Raw, api_name: str, key: str = "details") -> list[Any]:
    """The linked rows of a record that was read."""
    found = raw.payload()[key]
    assert isinstance(found, dict)
    rows = found[api_name]
    assert isinstance(rows, list)
    return rows


def ref(kind: Kind, external_id: str) -> Ref:
    return Ref(system=SYSTEM, kind=kind, external_id=external_id)


def test_a_payment_whose_line_alone_was_changed_is_read_again(
    connector: Fxiaoke, far: FxiaokeEmulator, clock: FakeClock
) -> None:
    """The header's amount follows its lines, its stamp does not."""
    one, other = far.seed("payment", 2)
    clock.advance(HOUR_S)
    before, cursor = pull(connector, Kind.PAYMENT)
    clock.advance(HOUR_S)
    line = details(before[one], "OrderPaymentObj")[0]["_id"]
    save(far, "update", "OrderPaymentObj", {"_id": line, "payment_amount": "7.25"})
    again, _ = pull(connector, Kind.PAYMENT, cursor)
    assert again.keys() == {one}, f"{other} has not changed"
    assert again[one].payload()["payment_amount"] == "7.25"
    assert again[one].modified_at == before[one].modified_at


def test_a_contact_added_later_brings_its_customer_back(
    connector: Fxiaoke, far: FxiaokeEmulator, clock: FakeClock
) -> None:
    one, _ = far.seed("customer", 2)
    clock.advance(HOUR_S)
    before, cursor = pull(connector, Kind.CUSTOMER)
    assert details(before[one], "ContactObj") == []
    clock.advance(HOUR_S)
    save(far, "create", "ContactObj", {"name": "新联系人", "account_id": one})
    save(far, "create", "ContactObj", {"name": "没有客户"})
    again, _ = pull(connector, Kind.CUSTOMER, cursor)
    assert [row["name"] for row in details(again[one], "ContactObj")] == ["新联系人"]
    assert again.keys() == {one}


def test_a_void_line_stands_apart_from_those_that_count(
    connector: Fxiaoke, far: FxiaokeEmulator, clock: FakeClock
) -> None:
    [one] = far.seed("payment", 1)
    raws, cursor = pull(connector, Kind.PAYMENT)
    line = details(raws[one], "OrderPaymentObj")[0]["_id"]
    clock.advance(HOUR_S)
    with far.books.lock:
        lifecycle.make_void(far.tenant, far.tenant.spec("OrderPaymentObj"), line, SCREENS)
    [again] = pull(connector, Kind.PAYMENT, cursor)[0].values()
    assert details(again, "OrderPaymentObj") == []
    assert [row["_id"] for row in details(again, "OrderPaymentObj", "void_details")] == [line]


def test_more_lines_than_a_page_holds_are_all_read(connector: Fxiaoke, far: FxiaokeEmulator) -> None:
    one, other = far.seed("payment", 2)
    for _ in range(230):
        save(far, "create", "OrderPaymentObj", {"payment_id": one, "payment_amount": "1.00"})
    raws, _ = pull(connector, Kind.PAYMENT)
    lines = details(raws[one], "OrderPaymentObj")
    assert len({row["_id"] for row in lines}) == len(lines) == 231
    assert len(details(raws[other], "OrderPaymentObj")) == 1


def test_pull_get_and_find_show_the_very_same_record(connector: Fxiaoke, far: FxiaokeEmulator) -> None:
    [one] = far.seed("payment", 1)
    save(far, "create", "OrderPaymentObj", {"payment_id": one, "payment_amount": "1.00"})
    pulled = pull(connector, Kind.PAYMENT)[0][one]
    got = connector.get(ref(Kind.PAYMENT, one))
    name = pulled.payload()["name"]
    assert isinstance(name, str)
    [found] = connector.find(Kind.PAYMENT, name)
    assert got is not None
    assert pulled.body == got.body == found.body
    assert pulled.order == got.order == 1


def test_a_row_that_becomes_visible_long_after_its_stamp_is_not_lost(
    connector: Fxiaoke, far: FxiaokeEmulator, clock: FakeClock
) -> None:
    far.seed("invoice", 2)
    _, cursor = pull(connector, Kind.INVOICE)
    clock.advance(HOUR_S)
    far.switches["lastModifiedLagMs"] = 100_000
    late = save(far, "create", "ar_bill__c", {"name": "LATE", "account__c": _account(far), "amount__c": "1"})
    clock.advance(60)
    seen, cursor = pull(connector, Kind.INVOICE, cursor)
    assert late not in seen
    clock.advance(60)
    assert late in pull(connector, Kind.INVOICE, cursor)[0]


def _account(far: FxiaokeEmulator) -> str:
    return far.tenant.shelf("AccountObj").ids[0]


def test_a_clock_of_ours_that_runs_ahead_loses_nothing() -> None:
    ahead = FakeClock(datetime.now(UTC) + timedelta(hours=3))
    far = create()
    with connected(far, ahead) as connector:
        [one] = far.seed("invoice", 1)
        _, cursor = pull(connector, Kind.INVOICE)
        far.touch("invoice", one, {"remark__c": "changed after the walk"})
        again, _ = pull(connector, Kind.INVOICE, cursor)
        assert again[one].payload()["remark__c"] == "changed after the walk"


def test_an_object_added_to_the_settings_is_read_whole_and_the_rest_is_not(
    far: FxiaokeEmulator, clock: FakeClock
) -> None:
    payments = far.seed("payment", 2)
    refund = save(far, "create", "RefundObj", {"name": "TK-1", "account_id": _account(far), "refunded_amount": "-5.00"})
    clock.advance(HOUR_S)
    with connected(far, clock, refund_object=None) as connector:
        raws, cursor = pull(connector, Kind.PAYMENT)
        assert sorted(raws) == sorted(payments)
    clock.advance(HOUR_S)
    with connected(far, clock) as connector:
        raws, cursor = pull(connector, Kind.PAYMENT, cursor)
        assert list(raws) == [f"RefundObj:{refund}"]
        clock.advance(HOUR_S)
        assert pull(connector, Kind.PAYMENT, cursor)[0] == {}


def test_a_refund_has_an_id_of_its_own_object(connector: Fxiaoke, far: FxiaokeEmulator) -> None:
    far.seed("payment", 1)
    body = {"name": "TK-1", "account_id": _account(far), "refunded_amount": "-5.00"}
    row_id = save(far, "create", "RefundObj", body)
    got = connector.get(ref(Kind.PAYMENT, f"RefundObj:{row_id}"))
    assert got is not None
    assert got.wire_type == "RefundObj"
    assert connector.get(ref(Kind.PAYMENT, row_id)) is None
    assert [raw.external_id for raw in connector.find(Kind.PAYMENT, "TK-1")] == [f"RefundObj:{row_id}"]
    assert f"RefundObj:{row_id}" in [key for page in connector.keys(Kind.PAYMENT) for key in page]
    with pytest.raises(Unsupported, match="is no payment id"):
        connector.get(ref(Kind.PAYMENT, f"SalesOrderObj:{row_id}"))


def test_void_rows_are_shown_where_the_tenant_hides_them_if_the_setting_says_so(
    far: FxiaokeEmulator, clock: FakeClock
) -> None:
    far.switches["hideInvalid"] = True
    one, other = far.seed("invoice", 2)
    far.touch("invoice", one, {"life_status": "invalid"})
    with connected(far, clock) as connector:
        assert set(pull(connector, Kind.INVOICE)[0]) == {other}
        got = connector.get(ref(Kind.INVOICE, one))
        assert got is not None
        assert got.payload()["life_status"] == "invalid"
    with connected(far, clock, void_rows_hidden=True) as connector:
        assert set(pull(connector, Kind.INVOICE)[0]) == {one, other}
        assert {key for page in connector.keys(Kind.INVOICE) for key in page} == {one, other}


def test_a_missing_right_to_a_row_does_not_pass_for_its_absence(far: FxiaokeEmulator, clock: FakeClock) -> None:
    [one] = far.seed("invoice", 1)
    with connected(far, clock, acting_user=CLERK) as connector:
        with pytest.raises(Refused, match="lacks a right") as caught:
            connector.get(ref(Kind.INVOICE, one))
        assert caught.value.code == "20014"
        assert (caught.value.request_id or "").startswith("E-O.")


def test_every_request_has_a_trace_id_of_its_own_also_a_repeated_one(connector: Fxiaoke, far: FxiaokeEmulator) -> None:
    far.seed("invoice", 3)
    far.faults.fail_next("rate_limited", skip=2, count=2)
    pull(connector, Kind.INVOICE, limit=1)
    ids = [call.third_trace_id for call in far.journal]
    assert len(ids) == len(set(ids)) > 5
    assert {uuid.UUID(one).version for one in ids if one is not None} == {4}
    assert None not in ids


def test_the_vendors_rate_is_never_met_by_a_long_walk(
    connector: Fxiaoke, far: FxiaokeEmulator, clock: FakeClock
) -> None:
    """100 calls in 20 seconds for each path, counted by the emulator on the same clock."""
    ids = far.seed("invoice", 250)
    raws, _ = pull(connector, Kind.INVOICE, limit=1)
    assert sorted(raws) == sorted(ids)
    assert {call.error_code for call in far.journal} == {0}
    assert sum(clock.slept) > 60


def test_throttling_is_outwaited_for_a_whole_window(far: FxiaokeEmulator, clock: FakeClock) -> None:
    """Another program uses up the tenant's calls; three waits outlast the vendor's window."""
    far.switches["ratePerPath"] = "1/20s"
    ids = far.seed("invoice", 3)
    with connected(far, clock) as connector:
        assert sorted(pull(connector, Kind.INVOICE)[0]) == sorted(ids)
    far.switches["ratePerPath"] = "1/200s"
    clock.advance(HOUR_S)
    with connected(far, clock) as connector, pytest.raises(RateLimited, match="too many calls"):
        pull(connector, Kind.INVOICE)


def test_a_used_up_quota_says_when_it_returns(connector: Fxiaoke, far: FxiaokeEmulator, clock: FakeClock) -> None:
    far.switches["dailyQuota"] = 2
    far.seed("invoice", 1)
    with pytest.raises(QuotaUsedUp, match=r"00:00 \(UTC\+8\)") as caught:
        pull(connector, Kind.INVOICE, limit=1)
    returns = clock.now() + timedelta(seconds=caught.value.retry_after_s or 0)
    assert abs(returns - returns.replace(hour=16, minute=0, second=0, microsecond=0)) < timedelta(seconds=2)


def test_the_legacy_style_by_a_mobile_number_reads_and_is_never_mixed(far: FxiaokeEmulator, clock: FakeClock) -> None:
    far.switches["authStyle"] = "legacy"
    ids = far.seed("customer", 3)
    with connected(far, clock, auth_style="legacy", acting_user=None, acting_mobile="13800000001") as connector:
        connector.check()
        raws, _ = pull(connector, Kind.CUSTOMER)
        assert sorted(raws) == sorted(ids)
        owner = raws[ids[0]].payload()["owner"]
        assert isinstance(owner, list)
        assert str(owner[0]).startswith("FSUID_")


def test_a_gateway_without_our_style_says_which_setting_to_change(far: FxiaokeEmulator, clock: FakeClock) -> None:
    far.switches["authStyle"] = "legacy"
    with connected(far, clock) as connector, pytest.raises(NotAllowed, match="auth_style header") as caught:
        connector.check()
    assert caught.value.code == "10006"


def test_a_web_site_in_place_of_the_gateway_is_told_apart(far: FxiaokeEmulator, clock: FakeClock) -> None:
    for fault in ("html_page", "redirect"):
        far.faults.fail_next(fault)
        with connected(far, clock) as connector, pytest.raises(BadReply) as caught:
            connector.check()
        assert "base_url is probably not the tenant's API gateway" in str(caught.value)


@pytest.mark.parametrize("name", ["app_secret", "permanent_code"])
def test_wrong_credentials_stop_and_are_not_shown(far: FxiaokeEmulator, clock: FakeClock, name: str) -> None:
    with connected(far, clock, **{name: "very-wrong-secret"}) as connector:
        with pytest.raises(NotAllowed) as caught:
            connector.check()
        assert "very-wrong-secret" not in str(caught.value)


def test_check_lists_everything_that_the_tenant_lacks(far: FxiaokeEmulator, clock: FakeClock) -> None:
    with connected(
        far,
        clock,
        source_id_field="no_such__c",
        customer_code_field="no_code",
        customer_details=({"object": "ContactObj", "parent_field": "no_parent"},),
    ) as connector:
        with pytest.raises(Refused) as caught:
            connector.check()
        text = str(caught.value)
    for part in ("ContactObj (联系人) has no field no_parent", "AccountObj (客户) has no field no_code"):
        assert part in text
    for name in ("AccountObj", "ar_bill__c", "PaymentObj"):
        assert f"{name} (" in text
    assert text.count("create it there as a text field") == 3


def test_the_options_of_a_picklist_are_at_hand(connector: Fxiaoke) -> None:
    facts = connector.describe("PaymentObj")
    assert facts.label == "回款"
    assert facts.fields["payment_term"].options["4"] == "电汇"
    assert facts.fields["erp_source_id__c"].unique


def test_a_walk_goes_on_after_a_network_that_broke_in_its_middle(far: FxiaokeEmulator, clock: FakeClock) -> None:
    ids = far.seed("payment", 9)
    network = HttpSettings(allow_plain_http=True, retries=1)
    with connected(far, clock, http=network) as connector:
        far.faults.fail_next("http_503", skip=6)
        seen: dict[str, Raw] = {}
        cursors: list[str] = []

        def read() -> None:
            for page in connector.pull(Kind.PAYMENT, cursor=None, limit=2):
                seen.update({raw.external_id: raw for raw in page.records})
                cursors.append(page.cursor)

        with pytest.raises(Unavailable, match="503"):
            read()
        rest, _ = pull(connector, Kind.PAYMENT, cursors[-1], limit=2)
        assert not rest.keys() & seen.keys(), "the walk began anew"
        assert sorted([*seen, *rest]) == sorted(ids)


def test_a_pull_of_nothing_new_costs_two_calls_for_each_object(
    connector: Fxiaoke, far: FxiaokeEmulator, clock: FakeClock
) -> None:
    far.seed("payment", 3)
    clock.advance(HOUR_S)
    cursors = {kind: pull(connector, kind)[1] for kind in connector.capabilities.reads}
    clock.advance(HOUR_S)
    before = len(far.journal)
    assert all(pull(connector, kind, cursor)[0] == {} for kind, cursor in cursors.items())
    signing_in = 1 if far.journal[before].path == "/oauth2.0/token" else 0
    assert len(far.journal) - before - signing_in == 16  # as docs/connectors/fxiaoke.md says
