"""What is written to the YonBIP emulator is what is read back; keys, refusals and second thoughts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from yonyou_bip_desk import SYSTEM, a_create, an_edit, connector, inbound

from ledgerbridge.bootstrap import built_in_mapping
from ledgerbridge.connectors.base import Outcome, Write
from ledgerbridge.connectors.yonyou_bip import YonyouBip
from ledgerbridge.errors import OutcomeUnknown, Refused, Unavailable, Unsupported
from ledgerbridge.mapping.apply import Context, Mapped
from ledgerbridge.mapping.canonical import Record
from ledgerbridge.mapping.outbound import MappedOut, compile_outbound
from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.customer import Customer, CustomerStatus
from ledgerbridge.model.invoice import DocumentStatus, Invoice, InvoiceKind, InvoiceLine
from ledgerbridge.model.party import Contact, PartyRef
from ledgerbridge.model.payment import Payment, PaymentKind
from ledgerbridge.model.raw import Raw, Receipt
from ledgerbridge.sandbox.web import Running, serve
from ledgerbridge.sandbox.yonyou_bip.app import create
from ledgerbridge.testing.fakes import FakeClock

FAMILIES = ("efi", "fi")
TYPES = {
    "efi": {Kind.INVOICE: "receivable", Kind.PAYMENT: "collection"},
    "fi": {Kind.INVOICE: "oar", Kind.PAYMENT: "receivebill"},
}


@dataclass
class Bench:
    """A connector and the emulator behind it."""

    bip: YonyouBip
    running: Running
    clock: FakeClock
    family: str

    @property
    def far(self) -> Any:
        return self.running.emulator

    def push(self, write: Write) -> Outcome:
        [outcome] = self.bip.push([write])
        return outcome

    def pushed(self, write: Write) -> Raw:
        """The record that a write made, as it is read back."""
        outcome = self.push(write)
        assert isinstance(outcome, Receipt), outcome
        record = self.bip.get(outcome.ref)
        assert record is not None
        return record

    def customer(self) -> str:
        return str(self.far.seed("customer", 1)[0])


@contextmanager
def bench(family: str = "efi", switches: dict[str, Any] | None = None, **settings: Any) -> Iterator[Bench]:
    clock = FakeClock(datetime.now(UTC))
    with (
        serve(create(switches={"ar_family": family, **(switches or {})})) as running,
        connector(running, clock=clock, **{"ar_family": family, **settings}) as bip,
    ):
        yield Bench(bip, running, clock, family)
        assert running.failures == []


def wire_type(kind: Kind, family: str) -> str:
    return "merchant" if kind is Kind.CUSTOMER else TYPES[family][kind]


def written(kind: Kind, family: str, record: Record) -> Write:
    """A create whose body the shipped mapping made."""
    spec = built_in_mapping("yonyou_bip", f"{kind}.{wire_type(kind, family)}.yaml")
    assert spec is not None
    outcome = compile_outbound(spec, Context(ZoneInfo("Asia/Shanghai"), "CNY", {}))(record, changed=None, creating=True)
    assert isinstance(outcome, MappedOut), outcome
    change = Change(action=Action.CREATE, system=SYSTEM, kind=kind, entity="e-1", because="the test asks")
    return Write(change, outcome.body)


def read(raw: Raw) -> Any:
    mapped = inbound(raw.kind, raw.wire_type)(raw.payload())
    assert isinstance(mapped, Mapped), mapped
    return mapped.value


def test_a_customer_comes_back_as_it_was_written() -> None:
    record = Customer(
        code="C-9001",
        name="苏州乙有限公司",
        short_name="乙",
        credit_code="91320508000000019A",
        credit_days=45,
        contacts=(Contact(name="王五", mobile="+8613800000000", email="w@example.com", primary=True),),
        phone="+8651260000000",
        email="ar@example.com",
        website="https://example.com",
    )
    with bench() as at:
        found = read(at.pushed(written(Kind.CUSTOMER, "efi", record)))
    for name in ("code", "name", "short_name", "credit_code", "credit_days", "contacts", "phone", "email", "website"):
        assert getattr(found, name) == getattr(record, name), name
    assert found.status is CustomerStatus.ACTIVE


def an_invoice(customer: str, *, red: bool, currency: str, lines: bool) -> Invoice:
    sign = -1 if red else 1
    rows = (
        InvoiceLine(
            item_code="A1", quantity=Decimal(3), net_minor=10001 * sign, tax_minor=1300 * sign, total_minor=11301 * sign
        ),
        InvoiceLine(
            item_code="A2", quantity=Decimal(1), net_minor=201 * sign, tax_minor=26 * sign, total_minor=227 * sign
        ),
    )
    return Invoice(
        number="XS-9001",
        kind=InvoiceKind.CREDIT_NOTE if red else InvoiceKind.INVOICE,
        customer=PartyRef(external_id=customer),
        issued_on=date(2026, 3, 5),
        due_on=date(2026, 4, 4),
        currency=currency,
        total_minor=11528 * sign,
        net_minor=10202 * sign,
        tax_minor=1326 * sign,
        exchange_rate=None if currency == "CNY" else Decimal("7.1234"),
        remark="运费",
        lines=rows if lines else None,
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("red", [False, True], ids=["blue", "red"])
@pytest.mark.parametrize("currency", ["CNY", "USD"])
@pytest.mark.parametrize("lines", [False, True], ids=["no lines", "two lines"])
def test_an_invoice_comes_back_as_it_was_written(family: str, *, red: bool, currency: str, lines: bool) -> None:
    with bench(family) as at:
        record = an_invoice(at.customer(), red=red, currency=currency, lines=lines)
        found = read(at.pushed(written(Kind.INVOICE, family, record)))
    for name in (
        "number",
        "kind",
        "issued_on",
        "due_on",
        "currency",
        "total_minor",
        "net_minor",
        "tax_minor",
        "remark",
    ):
        assert getattr(found, name) == getattr(record, name), name
    assert found.customer.external_id == record.customer.external_id
    assert found.status is DocumentStatus.DRAFT
    base = round(Decimal(record.total_minor) * (record.exchange_rate or 1))
    assert found.base_total_minor == base
    wanted = [(one.item_code, one.total_minor) for one in record.lines or ()] or [(None, record.total_minor)]
    assert [(one.item_code, one.total_minor) for one in found.lines] == wanted


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", [PaymentKind.RECEIPT, PaymentKind.PREPAYMENT, PaymentKind.REFUND])
@pytest.mark.parametrize("fee", [0, 1500], ids=["no fee", "fee"])
def test_a_receipt_comes_back_as_it_was_written(family: str, kind: PaymentKind, fee: int) -> None:
    if fee and kind is not PaymentKind.RECEIPT:
        pytest.skip("a fee is kept of receipts")
    with bench(family) as at:
        record = Payment(
            number="SK-9001",
            kind=kind,
            customer=PartyRef(external_id=at.customer()),
            received_on=date(2026, 3, 9),
            currency="USD",
            amount_minor=-98765 if kind is PaymentKind.REFUND else 98765,
            fee_minor=fee or None,
            exchange_rate=Decimal("7.1234"),
            remittance_text="货款",
        )
        raw = at.pushed(written(Kind.PAYMENT, family, record))
        if kind is PaymentKind.PREPAYMENT:  # the emulator keeps the code alone, a tenant shows the name with it
            lines = "bodyItem" if family == "efi" else "ReceiveBill_b"
            code = "quickTypeCode" if family == "efi" else "quickType_code"
            assert raw.payload()[lines][0][code] == "2"  # type: ignore[index, call-overload]
            return
        body = raw.payload()
    total = body["oriTaxIncludedAmount" if family == "efi" else "oriSum"]
    assert Decimal(str(total)) == Decimal(record.amount_minor + fee) / 100
    if not fee:
        found = read(raw)
        for name in ("number", "received_on", "currency", "amount_minor", "remittance_text", "kind"):
            assert getattr(found, name) == getattr(record, name), name
        assert found.base_amount_minor == round(Decimal(record.amount_minor) * Decimal("7.1234"))


def test_a_fee_without_its_purpose_is_refused_before_anything_is_sent() -> None:
    with bench(quick_type_fee=None) as at:
        write = a_create(Kind.PAYMENT, "efi", at.customer(), {"_fee": 3})
        outcome = at.push(write)
        assert isinstance(outcome, Refused)
        assert "quick_type_fee" in str(outcome)
        assert at.far.count("payment") == 0


# -- keys


@pytest.mark.parametrize("kind", [Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("code", ["10004", "100004"])
def test_a_repeat_long_after_is_the_same_record(kind: Kind, family: str, code: str) -> None:
    with bench(family, {"duplicate_code": code, "replay_seconds": 0}) as at:
        write = a_create(kind, family, at.customer())
        first, again = at.push(write), at.push(write)
        assert isinstance(first, Receipt)
        assert isinstance(again, Receipt)
        assert again.ref == first.ref


def test_a_write_that_is_still_processing_is_asked_about_with_the_same_key() -> None:
    with bench(switches={"processing_replies": 3}) as at:
        write = a_create(Kind.INVOICE, "efi", at.customer())
        first, again = at.push(write), at.push(write)
        assert isinstance(first, Receipt)
        assert isinstance(again, Receipt)
        assert again.ref == first.ref
        assert at.clock.slept == [5.0, 5.0, 5.0]
        assert at.far.count("invoice") == 1


def test_a_write_that_never_ends_processing_is_unknown() -> None:
    with bench(switches={"processing_replies": 99}, still_processing_tries=2) as at:
        write = a_create(Kind.INVOICE, "efi", at.customer())
        at.push(write)
        outcome = at.push(write)
        assert isinstance(outcome, OutcomeUnknown)
        assert outcome.code == "202"
        assert at.clock.slept == [5.0, 5.0]


@pytest.mark.parametrize("fault", ["error_in_200", "rate_limited", "cut_before"])
def test_what_comes_after_processing_says_nothing_about_the_first_try(fault: str) -> None:
    with bench(switches={"processing_replies": 99}) as at:
        write = a_create(Kind.INVOICE, "efi", at.customer())
        at.push(write)
        at.far.faults.fail_next(fault, skip=1, writes_only=True)  # when it is asked about
        outcome = at.push(write)
        assert isinstance(outcome, OutcomeUnknown)
        assert at.far.faults.happened[fault] == 1
        assert at.far.count("invoice") == 1


def test_the_business_key_goes_with_each_efi_document() -> None:
    with bench(ext_system_code="lb-test") as at:
        write = a_create(Kind.INVOICE, "efi", at.customer())
        body = at.pushed(write).payload()
        assert (body["extSystemCode"], body["extVouchCode"]) == ("lb-test", write.change.key)


def test_a_lost_create_is_found_by_its_key_also_where_lists_ignore_the_filter() -> None:
    with bench(switches={"equality_filters": []}, list_page_size=3) as at:
        write = a_create(Kind.INVOICE, "efi", at.customer())
        for _ in range(4):
            at.push(a_create(Kind.INVOICE, "efi", at.customer()))
        made = at.pushed(write)
        for _ in range(4):
            at.push(a_create(Kind.INVOICE, "efi", at.customer()))
        assert [one.external_id for one in at.bip.find(Kind.INVOICE, write.change.key)] == [made.external_id]
        assert [one.external_id for one in at.bip.find(Kind.INVOICE, str(write.body["code"]))] == [made.external_id]
        assert at.bip.find(Kind.INVOICE, "0" * 32) == ()


# -- what the vendor says


@pytest.mark.parametrize("as_text", [False, True], ids=["array", "text"])
def test_a_hidden_failure_is_refused_with_the_vendors_words(*, as_text: bool) -> None:
    with bench(switches={"messages_as_text": as_text}) as at:
        [one] = at.far.seed("invoice", 1)  # approved: it cannot be changed
        record = at.bip.get(ref(Kind.INVOICE, one))
        assert record is not None
        outcome = at.push(an_edit(record, {"remarks": "x"}))
        assert isinstance(outcome, Refused)
        assert "approved" in str(outcome)


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("310071", OutcomeUnknown),
        ("310072", OutcomeUnknown),
        ("310504", OutcomeUnknown),
        ("310043", Unavailable),
        ("999", Refused),
        ("1001", Refused),
        ("424242", OutcomeUnknown),
    ],
)
def test_what_a_code_proves_about_a_write(code: str, wanted: type[Exception]) -> None:
    with bench() as at:
        write = a_create(Kind.INVOICE, "efi", at.customer())
        at.far.switches.update({"forced_code": code, "forced_endpoint": "receivable/save"})
        assert type(at.push(write)) is wanted


def test_a_customer_that_fails_its_checks_is_refused() -> None:
    with bench(org_code=None) as at:
        outcome = at.push(a_create(Kind.CUSTOMER, "efi", ""))
        assert isinstance(outcome, Refused)
        assert outcome.code == "0"
        assert "createOrgCode" in str(outcome)


# -- updates and voids


def ref(kind: Kind, external_id: str) -> Any:
    from ledgerbridge.model.base import Ref

    return Ref(system=SYSTEM, kind=kind, external_id=external_id)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", [Kind.INVOICE, Kind.PAYMENT])
def test_a_draft_is_voided_by_deleting_it_and_an_approved_one_stays(family: str, kind: Kind) -> None:
    with bench(family) as at:
        draft = at.pushed(a_create(kind, family, at.customer()))
        outcome = at.push(an_edit(draft, {}, action=Action.VOID))
        if (family, kind) == ("fi", Kind.INVOICE):
            assert isinstance(outcome, Unsupported)
            return
        assert isinstance(outcome, Receipt)
        assert at.bip.get(ref(kind, draft.external_id)) is None
        [approved] = at.far.seed(kind.value, 1)
        record = at.bip.get(ref(kind, approved))
        assert record is not None
        assert isinstance(at.push(an_edit(record, {}, action=Action.VOID)), Refused)
        assert at.bip.get(ref(kind, approved)) is not None


def test_a_customer_is_voided_by_disabling_it() -> None:
    with bench() as at:
        record = at.pushed(a_create(Kind.CUSTOMER, "efi", ""))
        assert isinstance(at.push(an_edit(record, {}, action=Action.VOID)), Receipt)
        after = at.bip.get(ref(Kind.CUSTOMER, record.external_id))
        assert after is not None
        assert read(after).status is CustomerStatus.DISABLED


def test_an_update_of_a_deleted_record_is_refused() -> None:
    with bench() as at:
        record = at.pushed(a_create(Kind.INVOICE, "efi", at.customer()))
        at.far.discard("invoice", record.external_id)
        outcome = at.push(an_edit(record, {"remarks": "x"}))
        assert isinstance(outcome, Refused)
        assert "deleted or not visible" in str(outcome)


def test_an_update_keeps_what_it_does_not_name() -> None:
    with bench() as at:
        record = at.pushed(
            written(Kind.INVOICE, "efi", an_invoice(at.customer(), red=False, currency="USD", lines=True))
        )
        assert isinstance(at.push(an_edit(record, {"remarks": "改"})), Receipt)
        after = at.bip.get(ref(Kind.INVOICE, record.external_id))
        assert after is not None
        before, now = read(record), read(after)
        assert now.remark == "改"
        assert (now.total_minor, now.lines, now.due_on, now.base_total_minor) == (
            before.total_minor, before.lines, before.due_on, before.base_total_minor,
        )  # fmt: skip


def test_documents_are_written_only_where_the_module_is_named() -> None:
    with bench(ar_family="auto") as at:
        assert at.bip.capabilities.writes == {Kind.CUSTOMER}
        with pytest.raises(Unsupported):
            at.bip.push([a_create(Kind.INVOICE, "efi", at.customer())])
        with pytest.raises(Unsupported):
            at.bip.push([a_create(Kind.ALLOCATION, "efi", at.customer())])
