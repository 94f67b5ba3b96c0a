"""Plain valid records in any number, for tests of paging, speed and repeated runs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ledgerbridge.sandbox.world.facts import Company, Invoice, InvoiceKind, Line, Receipt, ReceiptKind, Status

from . import writeoff
from .documents import balance_of
from .ledger import Ledger
from .loading import put_company, put_invoice, put_receipt
from .people import kinds_of
from .wire import day

_FIRST_DAY = date(2026, 1, 5)
_ONE = Decimal(1)
_RATE = Decimal("0.13")


def seed(ledger: Ledger, kind: str, count: int) -> list[str]:
    """`count` records of customer, invoice, payment or allocation; ValueError for another kind. Stamps are now."""
    makers = {"customer": _customer, "invoice": _invoice, "payment": _payment, "allocation": _allocation}
    if kind not in makers:
        raise ValueError(f"yonyou_bip cannot seed {kind!r}; known: {', '.join(sorted(makers))}")
    return [makers[kind](ledger, ledger.books.next_serial(f"seed_{kind}")) for _ in range(count)]


def _now(ledger: Ledger) -> datetime:
    return ledger.clock.now().astimezone(UTC)


def _customer(ledger: Ledger, number: int) -> str:
    code = f"SEED{number:06d}"
    at = _now(ledger)
    return put_company(
        ledger,
        Company(
            key=code, code=code, name=f"种子客户{number:06d}有限公司", short_name=f"种子{number:06d}",
            credit_code=_credit_code(number), province="江苏省", city="苏州市", district="姑苏区",
            address="人民路1号", region_code="320508", phone="0512-60000000", mobile="13800000000",
            email="ar@example.com", contact="张三", bank_name="中国工商银行苏州分行",
            bank_account=f"62220000{number:011d}", class_code="C01", class_name="普通客户", industry="制造业",
            salesperson_code="S01", salesperson="李四", credit_limit=10_000_000, credit_days=30, currency="CNY",
            opened_on=_FIRST_DAY, disabled_on=None, remark="", created_at=at, modified_at=at,
        ),
    )  # fmt: skip


def _credit_code(number: int) -> str:
    """A unified social credit code with both check characters right (GB 32100-2015, GB 11714-1997)."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = f"{number:08d}"[-8:]
    weighted = sum(int(digit) * weight for digit, weight in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    check = (11 - weighted % 11) % 11
    head = f"91320508{body}{'X' if check == 10 else check}"
    total = sum(alphabet.index(sign) * pow(3, at, 31) for at, sign in enumerate(head))
    return head + alphabet[(31 - total % 31) % 31]


def _some_customer(ledger: Ledger, number: int) -> str:
    """One of the customers on record that is in use, in turn; a first one is made where there is none."""
    pool = ledger.seeded_for
    if not pool or ledger.books.look("merchant", pool[number % len(pool)]) is None:
        in_use = [row_id for row_id, row in ledger.books.peek("merchant") if not row.get("stopStatus")]
        ledger.seeded_for = in_use[:1000] or seed(ledger, "customer", 1)
    return ledger.seeded_for[number % len(ledger.seeded_for)]


def _invoice(ledger: Ledger, number: int) -> str:
    receivable, _ = kinds_of(ledger)
    at, on = _now(ledger), _FIRST_DAY + timedelta(days=number % 200)
    net = 10_000 + number % 50_000 * 100
    tax = net * 13 // 100
    line = Line("ITEM01", "减速机", "台", _ONE, Decimal(net) / 100, _RATE, net, tax, net + tax)
    invoice = Invoice(
        key="", number=f"SEEDAR{number:07d}", tax_invoice_code=None, tax_invoice_number=f"{26320000000000000000 + number}",
        kind=InvoiceKind.INVOICE, company="", issued_on=on, due_on=on + timedelta(days=30), currency="CNY", rate=_ONE,
        net=net, tax=tax, gross=net + tax, base_gross=net + tax, open_amount=net + tax,
        order_number=f"SO{number:07d}", contract_number="", status=Status.APPROVED, salesperson_code="S01",
        department_code="D01", remark="", created_at=at, modified_at=at, lines=(line,),
    )  # fmt: skip
    return put_invoice(ledger, receivable, invoice, _some_customer(ledger, number))


def _payment(ledger: Ledger, number: int) -> str:
    _, kind = kinds_of(ledger)
    at, amount = _now(ledger), 11_300 + number % 50_000 * 113
    money = Receipt(
        key="", number=f"SEEDSK{number:07d}", kind=ReceiptKind.RECEIPT, company="", payer_name="", payer_account="",
        payer_bank="", received_on=_FIRST_DAY + timedelta(days=number % 200), currency="CNY", rate=_ONE, amount=amount,
        fee=0, base_amount=amount, remittance="货款", method="网银转账", bank_reference="",
        own_account="1102021009000123456", status=Status.APPROVED, created_at=at, modified_at=at,
    )  # fmt: skip
    return put_receipt(ledger, kind, money, _some_customer(ledger, number))


def _allocation(ledger: Ledger, _: int) -> str:
    """A receivable and a receipt of one customer, written off against each other as far as the smaller goes."""
    receivable, receipt = kinds_of(ledger)
    invoice_id = seed(ledger, "invoice", 1)[0]
    payment_id = seed(ledger, "payment", 1)[0]
    invoice, payment = ledger.books.look(receivable.table, invoice_id), ledger.books.look(receipt.table, payment_id)
    if invoice is None or payment is None:
        raise KeyError("what was just seeded is not on record")
    ledger.changed(receipt.table, payment_id, {"customer": invoice["customer"]})
    amount = min(balance_of(receivable, invoice)[0], balance_of(receipt, payment)[0])
    return writeoff.record(
        ledger,
        debit=writeoff.Side(receivable, invoice_id, amount),
        credit=writeoff.Side(receipt, payment_id, amount),
        on=day(_FIRST_DAY),
    )
