"""What the kit does not ask: what is particular to Zoho CRM, against its served emulator."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from zoho_crm_desk import SYSTEM, connected

from ledgerbridge.connectors.base import Write
from ledgerbridge.connectors.zoho_crm import ZohoCrm
from ledgerbridge.errors import NotAllowed, OutcomeUnknown, QuotaUsedUp, Refused, Unsupported
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.raw import Raw, Receipt
from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.web import Request, Response, serve
from ledgerbridge.sandbox.zoho_crm import ZohoCrmEmulator, create

Serve = Callable[..., AbstractContextManager[tuple[ZohoCrm, "Counted"]]]


class Counted:
    """An emulator that remembers what it was asked."""

    def __init__(self, emulator: ZohoCrmEmulator) -> None:
        self.inner = emulator
        self.requests: list[Request] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def handle(self, request: Request) -> Response:
        self.requests.append(request)
        return self.inner.handle(request)

    def asked(self) -> Counter[str]:
        """Calls by method and the end of the path."""
        return Counter(f"{one.method} {one.path.rpartition('/v8/')[2].rpartition('/v2/')[2]}" for one in self.requests)


@contextmanager
def org(*, clock: SandboxClock | None = None, switches: dict[str, Any] | None = None, **settings: Any) -> Iterator[Any]:
    far = Counted(create(clock=clock, switches=switches))
    with serve(far) as running:
        with connected(running, **settings) as crm:
            yield crm, far
        assert running.failures == []


def pulled(crm: ZohoCrm, kind: Kind, cursor: str | None = None, limit: int = 200) -> tuple[list[Raw], str]:
    pages = list(crm.pull(kind, cursor=cursor, limit=limit))
    return [raw for page in pages for raw in page.records], pages[-1].cursor


def ref(kind: Kind, external_id: str) -> Ref:
    return Ref(system=SYSTEM, kind=kind, external_id=external_id)


def create_of(kind: Kind, entity: str, **body: Any) -> Write:
    return Write(Change(action=Action.CREATE, system=SYSTEM, kind=kind, entity=entity, because="a test"), body)


def test_a_first_pull_costs_one_call_for_two_hundred_records() -> None:
    with org() as (crm, far):
        far.seed("customer", 1000)
        records, _ = pulled(crm, Kind.CUSTOMER)
        assert len({raw.external_id for raw in records}) == 1000
        assert far.asked() == {
            "POST token": 1, "GET settings/fields": 1, "GET Accounts": 5, "GET Accounts/deleted": 1
        }  # fmt: skip


def test_nothing_new_costs_two_calls() -> None:
    clock = SandboxClock(datetime(2026, 3, 2, tzinfo=UTC))
    with org(clock=clock) as (crm, far):
        far.seed("customer", 3)
        _, cursor = pulled(crm, Kind.CUSTOMER)
        clock.advance(1000)
        far.seed("customer", 1)
        _, cursor = pulled(crm, Kind.CUSTOMER, cursor)
        clock.advance(1000)
        far.requests.clear()
        records, _ = pulled(crm, Kind.CUSTOMER, cursor)
        assert len(records) == 1  # the overlap
        assert far.asked() == {"GET Accounts": 1, "GET Accounts/deleted": 1}


@pytest.mark.parametrize("fault", ["expired", "other parameters"])
def test_a_page_token_that_no_longer_holds_costs_the_stretch_and_no_record(fault: str) -> None:
    clock = SandboxClock(datetime(2026, 3, 2, tzinfo=UTC))
    with org(clock=clock) as (crm, far):
        ids = set(far.seed("invoice", 30))
        first = next(iter(crm.pull(Kind.INVOICE, cursor=None, limit=10)))
        assert "token" in json.loads(first.cursor)
        clock.advance(2 * 86_400 if fault == "expired" else 1)
        rest, _ = pulled(crm, Kind.INVOICE, first.cursor, 10 if fault == "expired" else 20)
        assert {raw.external_id for raw in rest} == ids


def test_a_restored_record_comes_back_although_its_deletion_was_read() -> None:
    clock = SandboxClock(datetime(2026, 3, 2, tzinfo=UTC))
    with org(clock=clock) as (crm, far):
        [one] = far.seed("customer", 1)
        _, cursor = pulled(crm, Kind.CUSTOMER)
        clock.advance(60)
        far.discard("customer", one)
        [*_, gone], cursor = pulled(crm, Kind.CUSTOMER, cursor)
        assert (gone.external_id, gone.deleted) == (one, True)
        clock.advance(60)
        far.inner.bring_back(one)
        records, _ = pulled(crm, Kind.CUSTOMER, cursor)
        assert [(raw.external_id, raw.deleted) for raw in records] == [(one, False)]


def test_a_missing_module_is_said_clearly_and_the_others_still_work() -> None:
    with org(payments_module="Zahlungen") as (crm, far):
        far.seed("customer", 1)
        with pytest.raises(Unsupported, match="payments_module"):
            pulled(crm, Kind.PAYMENT)
        assert len(pulled(crm, Kind.CUSTOMER)[0]) == 1


def test_payments_are_read_from_whatever_the_org_calls_them() -> None:
    with org(payments_module="Zahlungen", switches={"payments_module": "Zahlungen"}) as (crm, far):
        far.seed("payment", 2)
        records, _ = pulled(crm, Kind.PAYMENT)
        assert {raw.wire_type for raw in records} == {"Payments"}
        assert len(records) == 2


def test_kinds_that_are_switched_off_are_not_there() -> None:
    with org(invoices=False, payments=False) as (crm, far):
        assert crm.capabilities.reads == {Kind.CUSTOMER}
        with pytest.raises(Unsupported, match="invoices"):
            pulled(crm, Kind.INVOICE)
        assert far.requests == []


def test_lines_are_read_on_request_the_same_by_pull_and_get() -> None:
    with org(invoice_lines=True) as (crm, far):
        ids = far.seed("invoice", 3)
        records, _ = pulled(crm, Kind.INVOICE)
        assert [raw.external_id for raw in records] == ids
        assert all(raw.payload()["Invoiced_Items"] for raw in records)
        again = crm.get(ref(Kind.INVOICE, ids[0]))
        assert again is not None
        assert again.digest == records[0].digest


def test_get_is_byte_for_byte_what_pull_hands_over() -> None:
    with org(contacts=True) as (crm, far):
        for kind in (Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT):
            [one] = far.seed(kind.value, 1)
            found = crm.get(ref(kind, one))
            assert found is not None
            assert found.body in {raw.body for raw in pulled(crm, kind)[0]}


def contact(crm: ZohoCrm, far: Counted, account: str, name: str) -> str:
    """A person adds a contact."""
    crm.check()
    token = list(far.inner.accounts._access)[-1]
    body = json.dumps({"data": [{"Last_Name": name, "Account_Name": {"id": account}}]}).encode()
    request = Request("POST", "/crm/v8/Contacts", {}, {"authorization": f"Zoho-oauthtoken {token}"}, body)
    return str(json.loads(far.inner.handle(request).body)["data"][0]["details"]["id"])


def test_contacts_come_with_their_customer_and_a_new_one_brings_it_again() -> None:
    clock = SandboxClock(datetime(2026, 3, 2, tzinfo=UTC))
    with org(clock=clock, contacts=True) as (crm, far):
        one, two = far.seed("customer", 2)
        contact(crm, far, one, "王")
        first, cursor = pulled(crm, Kind.CUSTOMER)
        names = {raw.external_id: [c["Last_Name"] for c in raw.payload()["Contacts"]] for raw in first}  # type: ignore[union-attr, index, call-overload]
        assert names == {one: ["王"], two: []}
        clock.advance(3600)
        far.touch("customer", one, {"Description": "moves the watermark on"})
        _, cursor = pulled(crm, Kind.CUSTOMER, cursor)
        clock.advance(3600)
        contact(crm, far, two, "李")
        records, cursor = pulled(crm, Kind.CUSTOMER, cursor)
        [again] = [raw for raw in records if raw.external_id == two]
        assert [c["Last_Name"] for c in again.payload()["Contacts"]] == ["李"]  # type: ignore[union-attr, index, call-overload]
        clock.advance(3600)
        assert {raw.external_id for raw in pulled(crm, Kind.CUSTOMER, cursor)[0]} <= {one, two}


def test_a_hundred_creates_are_two_lookups_and_one_call() -> None:
    with org() as (crm, far):
        outcomes = crm.push([create_of(Kind.CUSTOMER, str(n), Account_Name=f"客户 {n}") for n in range(100)])
        assert all(isinstance(one, Receipt) for one in outcomes)
        assert far.asked() == {"POST token": 1, "POST coql": 2, "POST Accounts/upsert": 1}
        assert json.loads(far.requests[-1].body)["trigger"] == []


def test_a_repeated_create_leaves_what_people_did_meanwhile() -> None:
    with org() as (crm, far):
        far.seed("invoice", 1)
        account = far.seed("customer", 1)[0]
        line = {"ERP_Item_Code": "SEED-P", "Quantity": 1, "List_Price": 100}
        body = {"ERP_Invoice_Number": "XS-1", "Account_Name": {"id": account}, "Invoiced_Items": [line]}
        write = create_of(Kind.INVOICE, "1", **body)
        [made] = crm.push([write])
        assert isinstance(made, Receipt)
        far.touch("invoice", made.ref.external_id, {"Description": "typed by a person"})
        [again] = crm.push([write])
        assert isinstance(again, Receipt)
        assert again.ref == made.ref
        held = far.books.get("Invoices", made.ref.external_id)
        assert held["Description"] == "typed by a person"
        assert len(held["Invoiced_Items"]) == 1


def test_find_needs_the_very_key() -> None:
    with org() as (crm, far):
        [one, two] = far.seed("customer", 2)
        far.touch("customer", one, {"ERP_Code": "AB1"})
        far.touch("customer", two, {"ERP_Code": "ab1"})
        assert [raw.external_id for raw in crm.find(Kind.CUSTOMER, "AB1")] == [one]
        assert crm.find(Kind.CUSTOMER, "AB") == ()
        far.touch("customer", one, {"Account_Name": "O'Neil \\ Söhne"})
        assert [raw.external_id for raw in crm.find(Kind.CUSTOMER, "O'Neil \\ Söhne")] == [one]
        assert crm.find(Kind.CUSTOMER, "a\nb") == ()


def test_one_bad_record_of_a_batch_refuses_itself_alone() -> None:
    with org() as (crm, far):
        writes = [
            create_of(Kind.CUSTOMER, "1", Account_Name="A"),
            create_of(Kind.CUSTOMER, "2"),
            create_of(Kind.CUSTOMER, "3", Account_Name="C", Email="not an address"),
        ]
        good, nameless, badly_typed = crm.push(writes)
        assert isinstance(good, Receipt)
        assert isinstance(nameless, Refused)
        assert nameless.code == "MANDATORY_NOT_FOUND"
        assert "Account_Name" in str(nameless)
        assert isinstance(badly_typed, Refused)
        assert "not an address" not in str(badly_typed)
        assert far.count("customer") == 1


def test_voiding_sets_the_status_and_a_customer_cannot_be_voided() -> None:
    with org() as (crm, far):
        [invoice], [customer] = far.seed("invoice", 1), far.seed("customer", 1)

        def void(kind: Kind, one: str) -> Write:
            change = Change(
                action=Action.VOID, system=SYSTEM, kind=kind, entity=one, target=ref(kind, one), because="a test"
            )
            return Write(change, {})

        done, refused = crm.push([void(Kind.INVOICE, invoice), void(Kind.CUSTOMER, customer)])
        assert isinstance(done, Receipt)
        assert isinstance(refused, Unsupported)
        assert far.books.get("Invoices", invoice)["Status"] == "Cancelled"


def test_the_eleventh_token_in_ten_minutes_is_waited_for_elsewhere() -> None:
    with org() as (crm, far):
        for _ in range(10):
            crm.check()
            far.inner.accounts._access.clear()
        with pytest.raises(QuotaUsedUp) as caught:
            crm.check()
        assert caught.value.retry_after_s == 600
        assert far.asked()["POST token"] == 11


def test_a_revoked_connection_asks_to_connect_again() -> None:
    with org() as (crm, far):
        far.inner.accounts._connections.clear()
        with pytest.raises(NotAllowed, match="connect again"):
            crm.check()


def test_a_token_reply_that_points_elsewhere_is_not_followed() -> None:
    with org(switches={"api_domain": "https://www.zohoapis.com.attacker.invalid"}, api_url=None) as (crm, far):
        with pytest.raises(NotAllowed, match="not among the hosts"):
            crm.check()
        assert far.asked() == {"POST token": 1}


def test_a_missing_scope_says_so() -> None:
    with org(switches={"granted_scopes": "ZohoCRM.modules.ALL"}) as (crm, _), pytest.raises(NotAllowed, match="scope"):
        crm.check()


def test_low_credits_stop_before_the_next_call_also_in_the_middle_of_a_batch() -> None:
    with org(switches={"credits_per_day": 20}, credits_floor=10) as (crm, far):
        writes = [create_of(Kind.CUSTOMER, str(n), Account_Name=f"客户 {n}") for n in range(150)]
        outcomes = crm.push(writes)
        made = [one for one in outcomes if isinstance(one, Receipt)]
        stopped = [one for one in outcomes if isinstance(one, QuotaUsedUp)]
        assert (len(made), len(stopped)) == (100, 50)
        assert far.count("customer") == len(made)
        asked = len(far.requests)
        with pytest.raises(QuotaUsedUp):
            crm.check()
        assert len(far.requests) == asked


def test_a_create_taken_for_another_record_is_not_a_receipt() -> None:
    with org() as (crm, far):
        write = create_of(Kind.CUSTOMER, "1", Account_Name="A")
        reply = {"code": "SUCCESS", "status": "success", "message": "", "action": "update", "duplicate_field": "Email"}

        def answer(request: Request) -> Response:
            far.requests.append(request)
            if request.path.endswith("/upsert"):
                body = json.dumps({"data": [{**reply, "details": {"id": "5500"}}]}).encode()
                return Response(200, body, {"Content-Type": "application/json"})
            return far.inner.handle(request)

        far.handle = answer  # type: ignore[method-assign]
        [outcome] = crm.push([write])
        assert isinstance(outcome, OutcomeUnknown)
        assert "Email" in str(outcome)


def test_a_record_that_comes_as_another_one_is_set_aside_and_the_walk_goes_on() -> None:
    with org(invoice_lines=True) as (crm, far):
        ids = far.seed("invoice", 3)

        def answer(request: Request) -> Response:
            if request.path.endswith(f"/{ids[1]}"):
                return Response(200, b'{"data":[{"Subject":"no id"}]}', {"Content-Type": "application/json"})
            return far.inner.handle(request)

        far.handle = answer  # type: ignore[method-assign]
        pages = list(crm.pull(Kind.INVOICE, cursor=None, limit=10))
        assert [raw.external_id for page in pages for raw in page.records] == [ids[0], ids[2]]
        [bad] = [one for page in pages for one in page.unreadable]
        assert ids[1] in bad.where


def test_a_key_field_that_nobody_created_says_where_to_read_of_it() -> None:
    with org(key_field="Nobodys_Field") as (crm, far):
        [outcome] = crm.push([create_of(Kind.CUSTOMER, "1", Account_Name="A")])
        assert isinstance(outcome, Refused)
        assert "Nobodys_Field" in str(outcome)
        assert "docs/connectors/zoho_crm.md" in str(outcome)
        assert far.count("customer") == 0
