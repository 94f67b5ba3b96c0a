"""Writing to a Fxiaoke tenant over a socket: keys, owners, 作废, payment lines, approvals, and the way there and back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from fxiaoke_side import SYSTEM, connected, inbound, outbound

from ledgerbridge.connectors.base import Outcome, SafetyClass, Write
from ledgerbridge.connectors.fxiaoke import Fxiaoke
from ledgerbridge.errors import NotAllowed, OutcomeUnknown, Refused, Unsupported
from ledgerbridge.mapping.apply import Mapped, MappedOut
from ledgerbridge.model.base import Kind, Ref, Version
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import DocumentStatus, Invoice, InvoiceKind, Reference, ReferenceKind, TaxInvoiceNumber
from ledgerbridge.model.party import DocumentRef, PartyRef
from ledgerbridge.model.payment import AllocatedTo, Payment, PaymentKind
from ledgerbridge.model.raw import Raw, Receipt
from ledgerbridge.sandbox.fxiaoke.app import FxiaokeEmulator, create
from ledgerbridge.testing.fakes import FakeClock

CREDIT_CODE = "91310115MA1K4ABC18"
DAY_MS = 1_790_784_000_000
_serial = itertools.count(1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime.now(UTC))


@pytest.fixture
def far() -> FxiaokeEmulator:
    return create(switches={"ratePerPath": ""})


@pytest.fixture
def connector(far: FxiaokeEmulator, clock: FakeClock) -> Iterator[Fxiaoke]:
    with connected(far, clock) as made:
        yield made


def change(
    action: Action, kind: Kind, target: str | None = None, *, expected: Raw | None = None, entity: str | None = None
) -> Change:
    return Change(
        action=action,
        system=SYSTEM,
        kind=kind,
        entity=entity or f"entity {next(_serial)}",
        target=None if target is None else Ref(system=SYSTEM, kind=kind, external_id=target),
        expected=None
        if expected is None
        else Version(digest=expected.digest.hex(), order=expected.order, modified_at=expected.modified_at),
        because="the test asks",
    )


def push(connector: Fxiaoke, asked: Change, body: Mapping[str, Any] | None = None) -> Outcome:
    [outcome] = connector.push([Write(asked, body or {})])
    return outcome


def made(outcome: Outcome) -> str:
    assert isinstance(outcome, Receipt), str(outcome)
    return outcome.ref.external_id


def got(connector: Fxiaoke, kind: Kind, external_id: str) -> Raw:
    raw = connector.get(Ref(system=SYSTEM, kind=kind, external_id=external_id))
    assert raw is not None
    return raw


def read(connector: Fxiaoke, kind: Kind, external_id: str) -> Any:
    raw = got(connector, kind, external_id)
    mapped = inbound(kind, raw.wire_type)(raw.payload())
    assert isinstance(mapped, Mapped), str(mapped)
    return mapped.value


def body_of(connector: Fxiaoke, kind: Kind, record: Any) -> dict[str, Any]:
    written = outbound(kind, connector.capabilities.write_types[kind])(record, changed=None, creating=True)
    assert isinstance(written, MappedOut), str(written)
    return written.body


def calls(far: FxiaokeEmulator, verb: str) -> int:
    return sum(1 for call in far.journal if call.path.endswith(f"/{verb}"))


def assert_same_where_set(back: Any, sent: Any) -> None:
    """Whatever was written is read back; what the CRM adds of its own does not count."""
    for name in sent.model_fields_set:
        was, now = getattr(sent, name), getattr(back, name)
        if isinstance(was, PartyRef):
            was, now = was.external_id, now.external_id
        assert now == was, name


def test_a_customer_goes_there_and_comes_back(connector: Fxiaoke) -> None:
    customer = Customer(
        code="K-1",
        name="上海示例有限公司",
        short_name="示例",
        credit_code=CREDIT_CODE,
        currency="USD",
        credit_currency="USD",
        credit_limit_minor=12345,
        credit_days=30,
        phone="+862150000001",
        email="a@example.com",
        opened_on=date(2020, 2, 29),
        remark="一行\n两行",
    )
    account = made(push(connector, change(Action.CREATE, Kind.CUSTOMER), body_of(connector, Kind.CUSTOMER, customer)))
    assert_same_where_set(read(connector, Kind.CUSTOMER, account), customer)


def an_account(connector: Fxiaoke) -> PartyRef:
    name = f"客户 {next(_serial)}"
    return PartyRef(external_id=made(push(connector, change(Action.CREATE, Kind.CUSTOMER), {"name": name})))


def an_invoice(connector: Fxiaoke, party: PartyRef, number: str = "XS-1", minor: int = 100_000) -> str:
    invoice = Invoice(
        number=number,
        customer=party,
        issued_on=date(2026, 3, 2),
        currency="CNY",
        exchange_rate=Decimal(1),
        total_minor=minor,
    )
    return made(push(connector, change(Action.CREATE, Kind.INVOICE), body_of(connector, Kind.INVOICE, invoice)))


def test_an_invoice_goes_there_and_comes_back(connector: Fxiaoke) -> None:
    party = an_account(connector)
    reversed_id = an_invoice(connector, party)
    invoice = Invoice(
        number="HZ-1",
        kind=InvoiceKind.CREDIT_NOTE,
        tax_invoices=(TaxInvoiceNumber(code="031001900111", number="12345678"),),
        customer=party,
        issued_on=date(2026, 3, 2),
        due_on=date(2026, 5, 1),
        currency="USD",
        exchange_rate=Decimal("7.2"),
        total_minor=-120050,
        net_minor=-120000,
        tax_minor=-50,
        base_currency="CNY",
        base_total_minor=-864360,
        open_minor=0,
        references=(
            Reference(kind=ReferenceKind.ORDER, number="SO-7"),
            Reference(kind=ReferenceKind.CONTRACT, number="HT-1"),
        ),
        reverses=DocumentRef(external_id=reversed_id, number="XS-1"),
        salesperson="S004",
        remark="一行\n两行",
    )
    row_id = made(push(connector, change(Action.CREATE, Kind.INVOICE), body_of(connector, Kind.INVOICE, invoice)))
    assert_same_where_set(read(connector, Kind.INVOICE, row_id), invoice)


def a_payment(party: PartyRef, amount: int = 119_000, fee: int | None = 1_000, **more: Any) -> Payment:
    return Payment(
        number=f"SK-{next(_serial)}",
        kind=PaymentKind.RECEIPT,
        customer=party,
        received_on=date(2026, 3, 5),
        currency="CNY",
        exchange_rate=Decimal(1),
        amount_minor=amount,
        fee_minor=fee,
        method="电汇",
        bank_reference="0001",
        **more,
    )


def test_a_payment_with_fee_and_rest_keeps_its_total_and_what_it_settles(connector: Fxiaoke) -> None:
    """The CRM makes the total the sum of the lines, so fee and rest become lines too."""
    party = an_account(connector)
    settled = AllocatedTo(
        invoice=DocumentRef(external_id=an_invoice(connector, party), number="XS-1"),
        amount_minor=100_000,
        allocated_on=date(2026, 3, 6),
    )
    payment = a_payment(party, allocations=(settled,), open_minor=20_000)
    row_id = made(push(connector, change(Action.CREATE, Kind.PAYMENT), body_of(connector, Kind.PAYMENT, payment)))
    assert_same_where_set(read(connector, Kind.PAYMENT, row_id), payment)


def test_a_payment_that_settles_nothing_has_one_line_of_its_whole(connector: Fxiaoke) -> None:
    payment = a_payment(an_account(connector), fee=None)
    row_id = made(push(connector, change(Action.CREATE, Kind.PAYMENT), body_of(connector, Kind.PAYMENT, payment)))
    back = read(connector, Kind.PAYMENT, row_id)
    assert (back.amount_minor, back.open_minor, back.allocations) == (119_000, 119_000, ())


def test_a_payment_that_settles_more_than_it_brought_is_not_sent(connector: Fxiaoke, far: FxiaokeEmulator) -> None:
    party = an_account(connector)
    part = AllocatedTo(
        invoice=DocumentRef(external_id=an_invoice(connector, party, minor=200_000)), amount_minor=150_000
    )
    body = body_of(connector, Kind.PAYMENT, a_payment(party, fee=None, allocations=(part,)))
    outcome = push(connector, change(Action.CREATE, Kind.PAYMENT), body)
    assert isinstance(outcome, Refused)
    assert "settle 1500" in str(outcome)
    assert far.count("payment") == 0


def test_a_refund_is_not_made_a_payment_where_refunds_have_an_object(far: FxiaokeEmulator, clock: FakeClock) -> None:
    [account] = far.seed("customer", 1)
    body = {"name": "TK-1", "account_id": account, "payment_time": DAY_MS, "payment_amount": "-5.00"}
    with connected(far, clock) as connector:
        assert isinstance(push(connector, change(Action.CREATE, Kind.PAYMENT), body), Unsupported)
        assert far.count("payment") == 0
    with connected(far, clock, refund_object=None) as connector:
        row_id = made(push(connector, change(Action.CREATE, Kind.PAYMENT), body))
        assert got(connector, Kind.PAYMENT, row_id).payload()["payment_amount"] == "-5.00"


def test_a_refund_row_is_read_only(connector: Fxiaoke, far: FxiaokeEmulator) -> None:
    outcome = push(connector, change(Action.VOID, Kind.PAYMENT, "RefundObj:5ffcf609784bf00001ef16db"))
    assert isinstance(outcome, Unsupported)
    assert calls(far, "invalid") == 0


def test_our_key_is_written_unless_the_mapping_has_one_of_its_own(connector: Fxiaoke) -> None:
    asked = change(Action.CREATE, Kind.CUSTOMER)
    one = made(push(connector, asked, {"name": "甲"}))
    assert got(connector, Kind.CUSTOMER, one).payload()["erp_source_id__c"] == asked.key
    other = made(push(connector, change(Action.CREATE, Kind.CUSTOMER), {"name": "乙", "erp_source_id__c": "ERP-7"}))
    assert [raw.external_id for raw in connector.find(Kind.CUSTOMER, "ERP-7")] == [other]


def test_a_refusal_for_another_reason_than_a_repeat_stays_one(connector: Fxiaoke, far: FxiaokeEmulator) -> None:
    outcome = push(connector, change(Action.CREATE, Kind.CUSTOMER), {"name": "甲", "no_such_field__c": "x"})
    assert isinstance(outcome, Refused)
    assert (outcome.code, (outcome.request_id or "")[:4]) == ("32000", "E-O.")
    assert far.count("customer") == 0


def test_nothing_is_written_before_the_key_field_is_known_to_be_unique(far: FxiaokeEmulator, clock: FakeClock) -> None:
    with connected(far, clock, source_id_field="short_name__c") as connector:
        outcome = push(connector, change(Action.CREATE, Kind.CUSTOMER), {"name": "甲"})
        assert isinstance(outcome, NotAllowed)
        assert "declare it unique" in str(outcome)
        assert calls(far, "create") == 0
        assert connector.capabilities.safety[Kind.CUSTOMER] is SafetyClass.KEY
    with connected(far, clock, source_id_field="short_name__c", source_id_unique=False) as connector:
        assert connector.capabilities.safety[Kind.CUSTOMER] is SafetyClass.LOOKUP
        assert connector.capabilities.safe_create == frozenset()
        asked = change(Action.CREATE, Kind.CUSTOMER)
        one = made(push(connector, asked, {"name": "甲"}))
        assert [raw.external_id for raw in connector.find(Kind.CUSTOMER, asked.key)] == [one]
    with connected(far, clock, source_id_field=None) as connector:
        two = made(push(connector, change(Action.CREATE, Kind.CUSTOMER), {"name": "乙", "account_no": "K-2"}))
        assert [raw.external_id for raw in connector.find(Kind.CUSTOMER, "K-2")] == [two]


@pytest.mark.parametrize(
    ("approval", "status"), [(False, DocumentStatus.APPROVED), (True, DocumentStatus.DRAFT)], ids=["off", "on"]
)
def test_approval_flows_start_only_where_they_are_wanted(
    far: FxiaokeEmulator, clock: FakeClock, approval: bool, status: DocumentStatus
) -> None:
    far.switches["approvalObjects"] = ["ar_bill__c"]
    with connected(far, clock, trigger_approval=approval) as connector:
        row_id = an_invoice(connector, an_account(connector))
        assert read(connector, Kind.INVOICE, row_id).status is status


def test_a_new_owner_goes_by_its_own_call_and_the_rest_by_update(connector: Fxiaoke, far: FxiaokeEmulator) -> None:
    [one] = far.seed("customer", 1)
    made(push(connector, change(Action.UPDATE, Kind.CUSTOMER, one), {"remark": "neu", "owner": ["1001"]}))
    row = got(connector, Kind.CUSTOMER, one).payload()
    assert (row["remark"], row["owner"]) == ("neu", ["1001"])
    made(push(connector, change(Action.UPDATE, Kind.CUSTOMER, one), {"owner": ["1001"]}))
    assert (calls(far, "update"), calls(far, "changeOwner")) == (1, 1)
    made(push(connector, change(Action.UPDATE, Kind.CUSTOMER, one), {"owner": ["1000"]}))
    assert (calls(far, "update"), calls(far, "changeOwner")) == (1, 2)


def test_fields_changed_and_owner_refused_is_no_plain_refusal(connector: Fxiaoke, far: FxiaokeEmulator) -> None:
    [one] = far.seed("customer", 1)
    outcome = push(connector, change(Action.UPDATE, Kind.CUSTOMER, one), {"remark": "neu", "owner": ["9999"]})
    assert isinstance(outcome, OutcomeUnknown)
    assert "the owner was not" in str(outcome)
    assert got(connector, Kind.CUSTOMER, one).payload()["remark"] == "neu"
    alone = push(connector, change(Action.UPDATE, Kind.CUSTOMER, one), {"owner": ["9999"]})
    assert isinstance(alone, Refused)


def test_an_update_is_judged_by_the_version_not_by_what_the_crm_adds_up(
    connector: Fxiaoke, far: FxiaokeEmulator
) -> None:
    """A rolled-up amount that moved without a stamp is nobody's edit."""
    [one] = far.seed("payment", 1)
    before = got(connector, Kind.PAYMENT, one)
    far.books.update("PaymentObj", one, {"payment_amount": "7.25"})
    made(push(connector, change(Action.UPDATE, Kind.PAYMENT, one, expected=before), {"remark": "ours"}))
    outcome = push(connector, change(Action.UPDATE, Kind.PAYMENT, one, expected=before), {"remark": "again"})
    assert isinstance(outcome, Refused)
    assert "changed since it was read" in str(outcome)
    assert got(connector, Kind.PAYMENT, one).payload()["remark"] == "ours"


def test_an_update_of_what_is_gone_is_refused(connector: Fxiaoke, far: FxiaokeEmulator) -> None:
    [one] = far.seed("invoice", 1)
    before = got(connector, Kind.INVOICE, one)
    far.discard("invoice", one)
    outcome = push(connector, change(Action.UPDATE, Kind.INVOICE, one, expected=before), {"remark__c": "x"})
    assert isinstance(outcome, Refused)
    assert "any more" in str(outcome)


@pytest.mark.parametrize("kind", [Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT])
def test_void_is_done_once_however_often_it_is_asked_for(connector: Fxiaoke, far: FxiaokeEmulator, kind: Kind) -> None:
    [one] = far.seed(kind.value, 1)
    asked = change(Action.VOID, kind, one, expected=got(connector, kind, one))
    made(push(connector, asked))
    assert read(connector, kind, one).status.value == "void"
    repeated = push(connector, change(Action.VOID, kind, one))
    assert isinstance(repeated, Receipt)
    assert calls(far, "invalid") == 2
    assert far.count(kind.value) == 1


def test_void_of_a_locked_record_is_refused(connector: Fxiaoke, far: FxiaokeEmulator) -> None:
    [one] = far.seed("invoice", 1)
    far.books.update("ar_bill__c", one, {"lock_status": "1"})
    outcome = push(connector, change(Action.VOID, Kind.INVOICE, one))
    assert isinstance(outcome, Refused)
    assert read(connector, Kind.INVOICE, one).status is DocumentStatus.APPROVED


@pytest.mark.parametrize("code", [-1, -2, 50009])
def test_a_busy_platform_after_a_create_leaves_the_outcome_unknown_and_the_record_is_found(
    connector: Fxiaoke, far: FxiaokeEmulator, code: int
) -> None:
    connector.check()
    far.switches["fault"] = {"path": "/data/create", "code": code, "after_commit": True}
    asked = change(Action.CREATE, Kind.CUSTOMER)
    outcome = push(connector, asked, {"name": "甲"})
    assert isinstance(outcome, OutcomeUnknown)
    assert far.count("customer") == 1
    assert len(connector.find(Kind.CUSTOMER, asked.key)) == 1
    made(push(connector, asked, {"name": "甲"}))
    assert far.count("customer") == 1


def test_codes_that_a_tenant_has_seen_can_be_made_refusals(far: FxiaokeEmulator, clock: FakeClock) -> None:
    for codes, expected in (((), OutcomeUnknown), ((305030005,), Refused)):
        far.switches["fault"] = {"path": "/data/create", "code": 305030005}
        with connected(far, clock, refusal_codes=codes) as connector:
            assert isinstance(push(connector, change(Action.CREATE, Kind.CUSTOMER), {"name": "甲"}), expected)


def test_link_is_not_a_write_of_this_api(connector: Fxiaoke, far: FxiaokeEmulator) -> None:
    [one] = far.seed("customer", 1)
    assert isinstance(push(connector, change(Action.LINK, Kind.CUSTOMER, one), {"remark": "x"}), Unsupported)
    assert isinstance(push(connector, change(Action.UPDATE, Kind.CUSTOMER), {"remark": "x"}), Unsupported)
