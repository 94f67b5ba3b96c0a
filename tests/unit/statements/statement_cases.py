"""Books of one customer to build statements from, made by chance or of a wanted size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.model.payment import DifferenceKind, PaymentKind
from ledgerbridge.model.statement import CustomerStatement, Party
from ledgerbridge.reconciler.statement import Applied, Document, Period, Receipt, WriteOff, build_statement

MADE_AT = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
PERIOD = Period(date(2026, 10, 1), date(2026, 10, 31))
CUSTOMER = Party(entity="e-1", code="C0001", name="杭州示例贸易有限公司")


@dataclass(frozen=True)
class Books:
    documents: tuple[Document, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    allocations: tuple[Applied, ...] = ()
    write_offs: tuple[WriteOff, ...] = ()

    def statement(self, **more: Any) -> CustomerStatement:
        facts = {"company": "上海样板科技有限公司", "customer": CUSTOMER, "currency": "CNY", "period": PERIOD}
        return build_statement(**{**facts, "made_at": MADE_AT, "made_on": date(2026, 11, 2), **vars(self), **more})

    def having(self, **changes: Any) -> Books:
        return replace(self, **changes)


def document(number: str, on: str, minor: int, **more: Any) -> Document:
    facts = {"id": f"erp/invoice/{number}", "kind": InvoiceKind.INVOICE if minor >= 0 else InvoiceKind.CREDIT_NOTE}
    return Document(
        **{**facts, "number": number, "currency": "CNY", "on": date.fromisoformat(on), "amount_minor": minor, **more}
    )


def receipt(number: str, on: str, minor: int, **more: Any) -> Receipt:
    facts = {"id": f"erp/payment/{number}", "kind": PaymentKind.RECEIPT if minor >= 0 else PaymentKind.REFUND}
    return Receipt(
        **{**facts, "number": number, "currency": "CNY", "on": date.fromisoformat(on), "amount_minor": minor, **more}
    )


def applied(invoice: str, payment: str, minor: int, on: str = "2026-10-15") -> Applied:
    return Applied(f"erp/invoice/{invoice}", f"erp/payment/{payment}", minor, date.fromisoformat(on))


def random_books(seed: int, *, documents: int = 30, receipts: int = 20, currency: str = "CNY") -> Books:
    """Documents of four months around the period, applied in part by date; nothing is applied beyond what there is."""
    chance = Random(seed)
    start = PERIOD.first_day - timedelta(days=90)

    def day() -> date:
        return start + timedelta(days=chance.randrange(140))

    made = []
    for at in range(documents):
        on = day()
        minor = chance.choice([1, -1, 1, 1, 1]) * chance.choice(
            [10000, 123456, 1, 99999999, chance.randrange(1, 10**9)]
        )
        made.append(
            Document(
                id=f"erp/invoice/{at}",
                number=f"XS-2026-{at:05d}",
                kind=InvoiceKind.CREDIT_NOTE if minor < 0 else InvoiceKind.INVOICE,
                currency=currency,
                on=on,
                amount_minor=minor,
                due_on=chance.choice([None, on + timedelta(days=30), on + timedelta(days=chance.randrange(400))]),
                reference=chance.choice(["", f"2644200000{chance.randrange(10**10):010d}"]),
                remark=chance.choice(["", "十月货款", "按合同 HT-2026-17 第三批交付"]),
            )
        )
    paid = []
    for at in range(receipts):
        minor = chance.choice([1, 1, 1, -1]) * chance.randrange(1, 10**8)
        fee = chance.choice([0, 0, 0, 1500]) if minor > 0 else 0
        kind = PaymentKind.REFUND if minor < 0 else chance.choice([PaymentKind.RECEIPT, PaymentKind.PREPAYMENT])
        paid.append(
            Receipt(f"erp/payment/{at}", f"SK-2026-{at:05d}", kind, currency, day(), minor, fee, f"BK{at:06d}", "货款")
        )
    offs = [
        WriteOff(f"wo/{at}", f"TZ-{at}", currency, day(), -chance.randrange(1, 500), DifferenceKind.ROUNDING)
        for at in range(receipts // 5)
    ]
    return Books(tuple(made), tuple(paid), tuple(_applied(chance, made, paid, offs)), tuple(offs))


def _applied(chance: Random, made: list[Document], paid: list[Receipt], offs: list[WriteOff]) -> list[Applied]:
    left = {one.id: one.amount_minor for one in (*made, *offs)}
    left |= {one.id: -(one.amount_minor + one.fee_minor) for one in paid}
    debits = [key for key, minor in left.items() if minor > 0]
    allocations = []
    for key, minor in left.items():
        free = -minor
        while free > 0 and debits and chance.random() < 0.7:
            debit = chance.choice(debits)
            part = min(free, left[debit], chance.choice([10**12, 5000]))
            if part == 0:
                break
            left[debit] -= part
            free -= part
            allocations.append(Applied(debit, key, part, PERIOD.first_day + timedelta(days=chance.randrange(-60, 50))))
    return allocations


def long_books(lines: int, *, currency: str = "CNY") -> Books:
    """Exactly this many lines in the period: four invoices to one receipt, which pays them."""
    documents, receipts, allocations = [], [], []
    for at in range(lines):
        on = PERIOD.first_day + timedelta(days=at * 31 // lines)
        if at % 5 == 4:
            total = sum(one.amount_minor for one in documents[-4:])
            paid = Receipt(
                f"p{at}", f"SK2610{at:05d}", PaymentKind.RECEIPT, currency, on, total, 0, f"BK{at:08d}", "货款"
            )
            receipts.append(paid)
            if at % 10 == 9:
                allocations += [Applied(one.id, paid.id, one.amount_minor, on) for one in documents[-4:]]
        else:
            minor = 113_00 * (at % 97 + 1) + at
            due = on + timedelta(days=30)
            documents.append(
                Document(
                    f"i{at}",
                    f"XS2610{at:05d}",
                    InvoiceKind.INVOICE,
                    currency,
                    on,
                    minor,
                    due,
                    f"264420{at:014d}",
                    "产品销售",
                )
            )
    return Books(tuple(documents), tuple(receipts), tuple(allocations))
