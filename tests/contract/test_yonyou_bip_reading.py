"""Reading the YonBIP emulator in its less pleasant moods: moving pages, odd spellings, refusals, modules, budgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from yonyou_bip_desk import CNY_ID, SYSTEM, connector, inbound

from ledgerbridge.connectors.yonyou_bip import YonyouBip, reading
from ledgerbridge.errors import NotAllowed, RateLimited, Refused
from ledgerbridge.mapping.apply import Mapped
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.raw import Raw, Unreadable
from ledgerbridge.sandbox.web import Request, Response, serve
from ledgerbridge.sandbox.yonyou_bip.app import create
from ledgerbridge.testing.fakes import FakeClock

FAMILIES = ("efi", "fi")
HOUR_S = 3600.0
DETAIL = "EFI/receivable/detail"


@dataclass
class Bench:
    """A connector, the emulator behind it, and the paths it was asked for."""

    bip: YonyouBip
    far: Any
    url: str
    clock: FakeClock
    asked: Counter[str] = field(default_factory=Counter)

    def walk(self, kind: Kind, cursor: str | None = None, limit: int = 3) -> tuple[list[Raw], list[Unreadable], str]:
        records: list[Raw] = []
        bad: list[Unreadable] = []
        for page in self.bip.pull(kind, cursor=cursor, limit=limit):
            records += page.records
            bad += page.unreadable
            cursor = page.cursor
        assert cursor is not None
        return records, bad, cursor

    def get(self, kind: Kind, external_id: str) -> Raw | None:
        return self.bip.get(Ref(system=SYSTEM, kind=kind, external_id=external_id))

    def before(self, path: str, act: Callable[[], None], *, skip: int = 0) -> None:
        """Act once, just before the emulator answers a call to `path`."""
        left = [skip]
        answer = self.far.handle

        def handle(request: Request) -> Response:
            if request.path.endswith(path) and left:
                left[0] -= 1
                if left[0] < 0:
                    left.clear()
                    act()
            reply: Response = answer(request)
            return reply

        self.far.handle = handle


@contextmanager
def bench(family: str = "efi", switches: dict[str, Any] | None = None, **settings: Any) -> Iterator[Bench]:
    clock = FakeClock(datetime.now(UTC))
    patient = {"timestamp_skew_seconds": 10**9, "token_seconds": 10**9}  # the two clocks go apart in these tests
    emulator = create(switches={"ar_family": family, **patient, **(switches or {})})
    asked: Counter[str] = Counter()
    answer = emulator.handle

    def handle(request: Request) -> Response:
        asked[request.path.partition("/yonbip/")[2] or request.path] += 1
        return answer(request)

    emulator.handle = handle  # type: ignore[method-assign]
    with (
        serve(emulator) as running,
        connector(running, clock=clock, **{"ar_family": family, **settings}) as bip,
    ):
        yield Bench(bip, emulator, running.url, clock, asked)
        assert running.failures == []


def ids(records: list[Raw]) -> list[str]:
    return [one.external_id for one in records]


def value_of(raw: Raw) -> Any:
    mapped = inbound(raw.kind, raw.wire_type)(raw.payload())
    assert isinstance(mapped, Mapped), mapped
    return mapped.value


# -- pages that move


@pytest.mark.parametrize("kind", [Kind.INVOICE, Kind.PAYMENT, Kind.ALLOCATION, Kind.CUSTOMER])
@pytest.mark.parametrize("order", ["id", "pubts"])
@pytest.mark.parametrize("family", FAMILIES)
def test_rows_that_move_while_pages_are_read_are_not_missed(family: str, order: str, kind: Kind) -> None:
    with bench(family, {"list_order": order}, list_page_size=2) as at:
        made = at.far.seed(kind.value, 9)
        at.far.clock.advance(HOUR_S)
        at.far.faults.fail_next("page_drift", count=2)
        records, bad, _ = at.walk(kind)
        assert at.far.faults.happened["page_drift"] == 2
        assert bad == []
        assert set(made) <= set(ids(records))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_deletion_while_pages_are_read_hides_no_other_record(family: str) -> None:
    with bench(family, list_page_size=2) as at:
        made = at.far.seed("payment", 9)
        path = "EFI/collection/list" if family == "efi" else "fi/receivebill/list/v2"
        at.before(path, lambda: at.far.discard("payment", made[0]), skip=2)
        records, bad, _ = at.walk(Kind.PAYMENT)
        assert set(made[1:]) <= set(ids(records))
        assert len(bad) <= 1  # the deleted one was listed, and is not there any more


def test_keys_are_whole_although_rows_move() -> None:
    with bench(switches={"list_order": "pubts"}, list_page_size=2) as at:
        made = at.far.seed("invoice", 9)
        at.far.clock.advance(HOUR_S)
        at.far.faults.fail_next("page_drift", count=2)
        assert sorted(key for page in at.bip.keys(Kind.INVOICE) for key in page) == sorted(made)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", [Kind.PAYMENT, Kind.ALLOCATION])
def test_a_long_list_is_read_in_parts(monkeypatch: pytest.MonkeyPatch, family: str, kind: Kind) -> None:
    monkeypatch.setattr(reading, "ROWS_HELD_MAX", 5)
    with bench(family, list_page_size=4) as at:
        made = []
        at.far.clock.advance(-900 * 24 * HOUR_S)
        for _ in range(11):
            at.far.clock.advance(80 * 24 * HOUR_S)
            made += at.far.seed(kind.value, 1)
        records, bad, cursor = at.walk(kind)
        assert bad == []
        assert set(ids(records)) == set(made)
        stamps = [one.modified_at for one in records]
        assert stamps == sorted(stamps, key=str)
        again, _, _ = at.walk(kind, cursor)
        assert set(ids(again)) == {made[-1]}


def test_many_records_of_one_second_are_read_although_no_part_is_small_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ROWS_HELD_MAX", 5)
    with bench() as at:
        at.far.clock.freeze(at.far.clock.now())
        made = at.far.seed("payment", 12)
        records, _, _ = at.walk(Kind.PAYMENT)
        assert set(ids(records)) == set(made)


# -- cursors


def test_a_full_walk_of_fi_receivables_that_is_resumed_stays_full() -> None:
    with bench("fi", window_days=1) as at:
        made = at.far.seed("invoice", 6)  # dated months ago
        pages = at.bip.pull(Kind.INVOICE, cursor=None, limit=2)
        first = next(pages)
        pages.close()  # type: ignore[attr-defined]
        rest, _, cursor = at.walk(Kind.INVOICE, first.cursor)
        assert set(ids([*first.records, *rest])) == set(made)
        assert at.walk(Kind.INVOICE, cursor)[0] == []  # behind the window from now on


def test_fi_receivables_are_looked_at_by_date_and_read_if_they_changed() -> None:
    with bench("fi", window_days=3650) as at:
        made = at.far.seed("invoice", 5)
        _, _, cursor = at.walk(Kind.INVOICE)
        at.far.clock.advance(HOUR_S)
        at.far.touch("invoice", made[3], {"description": "changed"})
        at.asked.clear()
        records, _, cursor = at.walk(Kind.INVOICE, cursor)
        assert at.asked["fi/oar/detail"] == len(records) == 5  # all of them changed within the overlap of the newest
        records, _, _ = at.walk(Kind.INVOICE, cursor)
        assert ids(records) == [made[3]]


def test_a_cursor_of_the_other_module_starts_anew() -> None:
    with bench("efi") as at:
        at.far.seed("invoice", 2)
        _, _, cursor = at.walk(Kind.INVOICE)
    with bench("fi") as at:
        at.far.clock.advance(-HOUR_S)
        made = at.far.seed("invoice", 2)
        assert sorted(ids(at.walk(Kind.INVOICE, cursor)[0])) == sorted(made)


# -- spellings


@pytest.mark.parametrize("family", FAMILIES)
def test_ids_are_text_whether_they_come_as_numbers_or_as_text(family: str) -> None:
    numeric = ["digitalModel/merchant/newlist", "digitalModel/merchant/newBatchDetail"]
    numeric += [f"EFI/{name}" for name in ("receivable/list", DETAIL.removeprefix("EFI/"), "collection/detail")]
    numeric += ["fi/oar/list", "fi/receivebill/detail"]
    found = []
    for chosen in (numeric, []):
        with bench(family, {"numeric_id_endpoints": chosen}, credit_currency_id=CNY_ID) as at:
            for kind in Kind:
                at.far.seed(kind.value, 3)
                records, bad, _ = at.walk(kind)
                assert bad == []
                assert all(len(one.external_id) == 19 for one in records)
                found += sorted(ids(records))
    assert found[: len(found) // 2] == found[len(found) // 2 :]


@pytest.mark.parametrize("family", FAMILIES)
def test_one_record_may_come_as_an_object(family: str) -> None:
    with bench(family, {"single_record_as_object": True}) as at:
        for kind in (Kind.INVOICE, Kind.PAYMENT):
            made = at.far.seed(kind.value, 1)
            records, bad, _ = at.walk(kind)
            assert (ids(records), bad) == (made, [])


@pytest.mark.parametrize("as_text", [False, True], ids=["JSON", "plain text"])
def test_a_token_that_ends_is_renewed(*, as_text: bool) -> None:
    with bench(switches={"token_errors_as_text": as_text}) as at:
        made = at.far.seed("invoice", 2)
        at.bip.check()
        at.far.faults.fail_next("token_expired")
        assert sorted(ids(at.walk(Kind.INVOICE)[0])) == sorted(made)
        assert at.far.faults.happened["token_expired"] == 1


# -- what is refused


def test_a_document_that_is_refused_once_is_read_all_the_same() -> None:
    with bench() as at:
        made = at.far.seed("invoice", 4)
        at.far.faults.fail_next("error_in_200", path=DETAIL, skip=1)
        records, bad, _ = at.walk(Kind.INVOICE)
        assert (sorted(ids(records)), bad) == (sorted(made), [])
        at.far.faults.fail_next("error_in_200", path=DETAIL)
        assert at.get(Kind.INVOICE, made[0]) is not None


def test_a_document_that_stays_refused_is_handed_over_as_unreadable() -> None:
    with bench() as at:
        made = at.far.seed("invoice", 4)
        at.far.faults.fail_next("error_in_200", path=DETAIL, count=8)
        records, bad, _ = at.walk(Kind.INVOICE, limit=10)
        assert records == []
        assert sorted(one.where for one in bad) == sorted(f"receivable {one}" for one in made)
        assert all("deleted or not visible" in one.why for one in bad)


def test_a_row_without_an_id_is_unreadable_and_the_rest_is_read() -> None:
    with bench() as at:
        made = at.far.seed("invoice", 3)
        answer = at.far.handle

        def handle(request: Request) -> Response:
            reply: Response = answer(request)
            if not request.path.endswith("receivable/list"):
                return reply
            return Response(reply.status, reply.body.replace(f'"{made[1]}"'.encode(), b'""'), reply.headers)

        at.far.handle = handle
        records, bad, _ = at.walk(Kind.INVOICE)
        assert sorted(ids(records)) == sorted({made[0], made[2]})
        assert [one.why for one in bad] == ["it has no id"]
        assert b"SEEDAR" in bad[0].body


def test_apis_that_are_not_granted_stop_the_connection() -> None:
    with bench(switches={"not_granted": ["merchant"]}) as at, pytest.raises(NotAllowed, match="granted"):
        at.bip.check()


# -- which module


@pytest.mark.parametrize("family", FAMILIES)
def test_the_module_that_holds_receivables_is_found(family: str) -> None:
    with bench(family, ar_family="auto") as at:
        made = at.far.seed("invoice", 2)
        records, _, _ = at.walk(Kind.INVOICE)
        assert sorted(ids(records)) == sorted(made)
        assert {one.wire_type for one in records} == {"receivable" if family == "efi" else "oar"}
        at.asked.clear()
        at.walk(Kind.PAYMENT)
        assert not any(path.endswith(("receivable/list", "oar/list")) for path in at.asked), "asked again"


def test_a_module_that_is_not_granted_is_not_the_one() -> None:
    with bench("fi", {"not_granted": ["EFI/receivable"]}, ar_family="auto") as at:
        at.walk(Kind.INVOICE)
        assert at.asked["fi/oar/list"] > 1


def test_two_modules_with_receivables_are_for_a_person_to_decide() -> None:
    with bench("efi", ar_family="auto") as at:
        at.far.seed("invoice", 1)
        at.far.switches["ar_family"] = "fi"
        at.far.seed("invoice", 1)
        with pytest.raises(Refused, match="ar_family"):
            at.walk(Kind.INVOICE)


def test_a_business_error_while_looking_is_no_answer() -> None:
    with bench("efi", ar_family="auto") as at:
        at.far.seed("invoice", 1)
        at.far.faults.fail_next("error_in_200", path="EFI/receivable/list")
        with pytest.raises(Refused):
            at.walk(Kind.INVOICE)
        assert {one.wire_type for one in at.walk(Kind.INVOICE)[0]} == {"receivable"}


# -- balances and credit lines


def test_what_is_open_follows_a_write_off() -> None:
    with bench() as at:
        [invoice] = at.far.seed("invoice", 1)
        [payment] = at.far.seed("payment", 1)
        customer = at.far.books.get("efi_receivable", invoice)["customer"]
        at.far.touch("payment", payment, {"customer": customer})
        before = [at.get(Kind.INVOICE, invoice), at.get(Kind.PAYMENT, payment)]
        at.far.write_off(payment, invoice, "100.00")
        after = [at.get(Kind.INVOICE, invoice), at.get(Kind.PAYMENT, payment)]
        for old, new in zip(before, after, strict=True):
            assert old is not None
            assert new is not None
            assert value_of(old).open_minor - value_of(new).open_minor == 10000
            assert old.digest != new.digest


def test_open_balances_can_be_left_out() -> None:
    with bench(open_balances=False) as at:
        at.far.seed("invoice", 2)
        records, _, _ = at.walk(Kind.INVOICE)
        assert at.asked["EFI/arPublicEvent/list"] == 0
        assert all("open_minor" not in value_of(one).model_fields_set for one in records)


def test_neighbouring_days_are_asked_for_in_one_call() -> None:
    with bench() as at:
        at.far.seed("invoice", 20)  # one a day
        at.walk(Kind.INVOICE, limit=20)
        assert at.asked["EFI/arPublicEvent/list"] == 1


def test_a_credit_line_is_read_and_what_is_left_of_it_is_no_change() -> None:
    with bench(credit_currency_id=CNY_ID, customer_batch=2) as at:
        made = at.far.seed("customer", 5)
        before, _, _ = at.walk(Kind.CUSTOMER, limit=5)
        assert at.asked["sd/credit/query"] == 3
        assert all(value_of(one).credit_limit_minor == 10_000_000 for one in before)
        at.far.seed("invoice", 5)
        after, _, _ = at.walk(Kind.CUSTOMER, limit=5)
        assert [one.digest for one in after] == [one.digest for one in before]
        assert len(made) == len(after)


def test_amounts_of_merged_lists_keep_every_digit() -> None:
    with bench() as at:
        [one] = at.far.seed("invoice", 1)
        at.far.touch("invoice", one, {"oriTaxIncludedAmount": 1234567890123.45})
        raw = at.get(Kind.INVOICE, one)
        assert raw is not None
        assert value_of(raw).open_minor == 123456789012345
        assert raw.payload()["_arPublicEvent"][0]["oriBalance"] == Decimal("1234567890123.45")  # type: ignore[index, call-overload]


# -- currencies of write-offs


def test_currencies_are_learned_once() -> None:
    with bench() as at:
        at.far.seed("allocation", 4)
        records, _, _ = at.walk(Kind.ALLOCATION)
        assert {value_of(one).currency for one in records} == {"CNY"}
        at.walk(Kind.ALLOCATION)
        assert at.asked["EFI/receivable/list"] == 1


def test_a_currency_that_cannot_be_learned_is_taken_from_the_settings_or_said() -> None:
    def unknown(at: Bench) -> Raw:
        [one] = at.far.seed("allocation", 1)
        at.far.books.update("efi_verify", one, {"oriDCurrency": "1699999999999999999"})
        [raw], _, _ = at.walk(Kind.ALLOCATION)
        at.walk(Kind.ALLOCATION)
        return raw

    with bench(currency_ids={"THB": "1699999999999999999"}) as at:
        assert value_of(unknown(at)).currency == "THB"
        assert at.asked["EFI/receivable/list"] == 0
    with bench() as at:
        raw = unknown(at)
        assert "currency" in str(inbound(raw.kind, raw.wire_type)(raw.payload()))
        assert at.asked["EFI/receivable/list"] == 1, "what no document uses is not sought again"


# -- sign-in and budget


def test_the_data_centre_is_asked_for_once() -> None:
    with bench(switches={"token_seconds": 100}) as at:
        for _ in range(3):
            at.bip.check()
            at.clock.advance(90)
        discovery = "/open-auth/dataCenter/getGatewayAddress"
        assert at.asked[discovery] == 1
        assert at.asked["/iuap-api-auth/open-auth/selfAppAuth/base/v1/getAccessToken"] == 3


def test_fixed_addresses_need_no_data_centre_service() -> None:
    emulator = create()
    with serve(emulator) as running:
        urls = {"gateway_url": f"{running.url}/iuap-api-gateway", "token_url": f"{running.url}/iuap-api-auth"}
        with connector(running, **urls, discovery_url="http://127.0.0.1:9", tenant_id="unknown there") as bip:
            bip.check()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tenant_id": "nobody"}, "tenant_id"),
        ({"app_key": "nobody"}, "app_key"),
        ({"app_secret": "wrong"}, "app_secret"),
    ],
)
def test_wrong_credentials_are_said(settings: dict[str, str], words: str) -> None:
    with bench(**settings) as at, pytest.raises(NotAllowed, match=words):
        at.bip.check()


def test_each_api_has_a_budget_of_its_own() -> None:
    path = "/yonbip/EFI/receivable/detail"
    limits = {
        "calls_per_minute": 40,
        "calls_per_minute_of": {path: 4},
        "http": {"allow_plain_http": True, "in_flight_max": 1},
    }
    with bench(switches={"rate_limit_per_minute": 40}, **limits) as at:
        at.far.seed("invoice", 9)
        at.walk(Kind.INVOICE, limit=9)
        assert sum(at.clock.slept) == pytest.approx(120, abs=2)  # four at once, then four a minute


@pytest.mark.parametrize(("status", "code"), [(429, "310046"), (200, "310046"), (200, "310039"), (200, "310032")])
def test_throttling_is_said_as_such(status: int, code: str) -> None:
    with bench(switches={"rate_limit_status": status, "rate_limit_code": code}) as at:
        at.bip.check()
        at.far.faults.fail_next("rate_limited", count=99)
        with pytest.raises(RateLimited):
            at.bip.check()
