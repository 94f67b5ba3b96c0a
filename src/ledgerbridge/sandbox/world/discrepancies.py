"""How each kind of discrepancy is planted in the documents of a :class:`~ledgerbridge.sandbox.world.planting.Desk`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from .amounts import Rates, base_amount, divide_half_up, to_text
from .facts import Invoice, InvoiceKind, Line, Planted, PlantedKind, Receipt, Status
from .moments import month_end, office_hours
from .planting import ABSENT, Desk
from .sales import priced_line

_RECENT_DAYS: Final = 8


@dataclass(frozen=True, slots=True)
class Bench:
    """What planting needs besides the desk: exchange rates, and the customers that documents may be moved to."""

    desk: Desk
    rates: Rates
    active: tuple[str, ...]


def _said(document: Invoice | Receipt) -> str:
    amount = document.gross if isinstance(document, Invoice) else document.amount
    return f"{to_text(amount, document.currency)} {document.currency}"


def _approved(document: Invoice | Receipt) -> bool:
    return document.status is Status.APPROVED


def _plain(invoice: Invoice) -> bool:
    return invoice.status is Status.APPROVED and invoice.kind is InvoiceKind.INVOICE


def _incoming(receipt: Receipt) -> bool:
    return receipt.status is Status.APPROVED and receipt.amount > 0


def _missing_invoice(bench: Bench) -> bool:
    desk = bench.desk
    found = desk.invoice(_approved)
    if found is None:
        return False
    desk.remove(found)
    desk.note(PlantedKind.MISSING, true=[found], held=[], expected=_said(found), found=ABSENT)
    return True


def _missing_receipt(bench: Bench) -> bool:
    desk = bench.desk
    found = desk.receipt(_approved)
    if found is None:
        return False
    desk.remove(found)
    desk.note(PlantedKind.MISSING, true=[found], held=[], expected=_said(found), found=ABSENT)
    return True


def _unknown_to_erp(bench: Bench) -> bool:
    """An invoice that only this system has: entered by hand, never booked."""
    desk = bench.desk
    model = desk.invoice(_plain)
    if model is None:
        return False
    key = desk.new_key("I")
    number = f"{model.number[:8]}9{key[2:]}"
    extra = replace(
        model, key=key, number=number, tax_invoice_code=None, tax_invoice_number=None, order_number="",
        open_amount=model.gross, remark="手工录入",
    )  # fmt: skip
    desk.put(extra)
    desk.note(PlantedKind.MISSING, true=[], held=[extra], expected=ABSENT, found=_said(extra))
    return True


def repriced(invoice: Invoice, index: int, line: Line) -> Invoice:
    """`invoice` with line `index` replaced, totals and base amount made to fit; what was paid stays paid."""
    lines = (*invoice.lines[:index], line, *invoice.lines[index + 1 :])
    gross = sum(one.gross for one in lines)
    return replace(
        invoice,
        lines=lines,
        net=sum(one.net for one in lines),
        tax=sum(one.tax for one in lines),
        gross=gross,
        base_gross=base_amount(gross, invoice.currency, invoice.rate),
        open_amount=invoice.open_amount + gross - invoice.gross,
    )


def _other_quantity(line: Line, currency: str, factor_percent: int) -> Line:
    exponent = line.quantity.as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    whole = int(line.quantity.scaleb(decimals))
    quantity = whole + max(1, whole * factor_percent // 100)
    price, percent = int(line.unit_price_net.scaleb(4)), int(line.tax_rate * 100)
    return priced_line((line.item_code, line.item_name, line.unit), quantity, decimals, price, percent, currency)


def _invoice_amount(bench: Bench) -> bool:
    """More was invoiced here than in the truth: a quantity was mistyped."""
    desk = bench.desk
    found = desk.invoice(_plain)
    if found is None:
        return False
    index = desk.rng.randrange(len(found.lines))
    line = _other_quantity(found.lines[index], found.currency, desk.rng.choice((1, 10, 50, 900)))
    held = repriced(found, index, line)
    desk.put(held)
    desk.note(PlantedKind.AMOUNT_DIFFERS, true=[found], held=[held], expected=_said(found), found=_said(held))
    return True


def _receipt_amount(bench: Bench) -> bool:
    """A payment typed wrong: less or more than came in."""
    desk = bench.desk
    found = desk.receipt(lambda one: _incoming(one) and one.amount >= 10_000)
    if found is None:
        return False
    off = max(1, found.amount * desk.rng.choice((1, 9, 10)) // 100) * desk.rng.choice((1, -1))
    amount = found.amount + off
    held = replace(found, amount=amount, base_amount=base_amount(amount, found.currency, found.rate))
    desk.put(held)
    desk.note(PlantedKind.AMOUNT_DIFFERS, true=[found], held=[held], expected=_said(found), found=_said(held))
    return True


def _tax(bench: Bench) -> bool:
    """The same gross amount, split at another rate."""
    desk = bench.desk
    found = desk.invoice(lambda one: _plain(one) and any(line.tax > 1 for line in one.lines))
    if found is None:
        return False
    index = next(index for index, line in enumerate(found.lines) if line.tax > 1)
    line = found.lines[index]
    percent = 9 if line.tax_rate == Decimal("0.13") else 13
    net = divide_half_up(line.gross * 100, 100 + percent)
    changed = replace(line, tax_rate=Decimal(percent).scaleb(-2), net=net, tax=line.gross - net)
    held = repriced(found, index, changed)
    desk.put(held)
    expected, seen = (f"tax {to_text(one.tax, one.currency)}" for one in (found, held))
    desk.note(PlantedKind.TAX_DIFFERS, true=[found], held=[held], expected=expected, found=seen)
    return True


def _currency(bench: Bench) -> bool:
    """The right digits under the wrong currency; only on documents that nothing was paid for."""
    desk = bench.desk
    found = desk.invoice(lambda one: _plain(one) and one.currency != "JPY" and one.open_amount == one.gross)
    found = found or desk.invoice(lambda one: _plain(one) and one.currency != "JPY")
    if found is None:
        return False
    currency = "USD" if found.currency == "CNY" else "CNY"
    rate = bench.rates.rate(currency, found.issued_on)
    held = replace(found, currency=currency, rate=rate, base_gross=base_amount(found.gross, currency, rate))
    desk.put(held)
    desk.note(
        PlantedKind.CURRENCY_DIFFERS, true=[found], held=[held], expected=found.currency, found=held.currency
    )  # fmt: skip
    return True


def _other_customer(bench: Bench, company: str | None) -> str | None:
    for _ in range(20):
        other = bench.desk.rng.choice(bench.active)
        if other != company:
            return other
    return None


def _customer(bench: Bench) -> bool:
    desk = bench.desk
    found = desk.invoice(_approved)
    other = None if found is None else _other_customer(bench, found.company)
    if found is None or other is None:
        return False
    held = replace(found, company=other)
    desk.put(held)
    desk.note(PlantedKind.CUSTOMER_DIFFERS, true=[found], held=[held], expected=found.company, found=other)
    return True


def _payment_to_wrong_customer(bench: Bench) -> bool:
    desk = bench.desk
    found = desk.receipt(_incoming)
    other = None if found is None else _other_customer(bench, found.company)
    if found is None or other is None:
        return False
    held = replace(found, company=other, applied=())
    desk.put(held)
    desk.note(
        PlantedKind.PAYMENT_TO_WRONG_CUSTOMER, true=[found], held=[held], expected=found.company or "", found=other
    )  # fmt: skip
    return True


def _other_day(bench: Bench, on: date) -> date:
    """Another day of the same month, inside the period."""
    last = min(month_end(on), bench.desk.last_day).day
    day = bench.desk.rng.randint(1, last - 1)
    return on.replace(day=day if day < on.day else day + 1)


def _date(bench: Bench) -> bool:
    desk = bench.desk
    found = desk.invoice(lambda one: _approved(one) and min(month_end(one.issued_on), desk.last_day).day > 1)
    if found is None:
        return False
    held = replace(found, issued_on=_other_day(bench, found.issued_on))
    desk.put(held)
    expected, seen = found.issued_on.isoformat(), held.issued_on.isoformat()
    desk.note(PlantedKind.DATE_DIFFERS, true=[found], held=[held], expected=expected, found=seen)
    return True


def _receipt_date(bench: Bench) -> bool:
    desk = bench.desk
    found = desk.receipt(lambda one: _approved(one) and min(month_end(one.received_on), desk.last_day).day > 1)
    if found is None:
        return False
    held = replace(found, received_on=_other_day(bench, found.received_on))
    desk.put(held)
    expected, seen = found.received_on.isoformat(), held.received_on.isoformat()
    desk.note(PlantedKind.DATE_DIFFERS, true=[found], held=[held], expected=expected, found=seen)
    return True


def _status(bench: Bench) -> bool:
    desk = bench.desk
    found = desk.invoice(_plain)
    if found is None:
        return False
    held = replace(found, status=Status.DRAFT)
    desk.put(held)
    desk.note(PlantedKind.STATUS_DIFFERS, true=[found], held=[held], expected=found.status, found=held.status)
    return True


def _voided(bench: Bench) -> bool:
    """Void in one system only: here, or (one time in three, if there is such a document) in the truth."""
    desk = bench.desk
    found = desk.invoice(lambda one: one.status is Status.VOID) if desk.rng.random() < 0.33 else None
    found = found or desk.invoice(_plain)
    if found is None:
        return False
    void = found.status is not Status.VOID
    held = replace(
        found, status=Status.VOID if void else Status.APPROVED, open_amount=0 if void else found.gross
    )  # fmt: skip
    desk.put(held)
    desk.note(PlantedKind.VOIDED_ON_ONE_SIDE, true=[found], held=[held], expected=found.status, found=held.status)
    return True


def _duplicate_invoice(bench: Bench) -> bool:
    """The same document twice, with the same number."""
    desk = bench.desk
    found = desk.invoice(_plain)
    if found is None:
        return False
    twin = replace(
        found, key=desk.new_key("I"), open_amount=found.gross, created_at=found.created_at + timedelta(minutes=7),
        modified_at=found.modified_at + timedelta(minutes=7),
    )  # fmt: skip
    desk.put(twin)
    desk.note(PlantedKind.DUPLICATE, true=[found], held=[found, twin], expected="once", found=f"twice ({twin.key})")
    return True


def _duplicate_receipt(bench: Bench) -> bool:
    desk = bench.desk
    found = desk.receipt(_incoming)
    if found is None:
        return False
    twin = replace(
        found, key=desk.new_key("R"), applied=(), created_at=found.created_at + timedelta(minutes=7),
        modified_at=found.modified_at + timedelta(minutes=7),
    )  # fmt: skip
    desk.put(twin)
    desk.note(PlantedKind.DUPLICATE, true=[found], held=[found, twin], expected="once", found=f"twice ({twin.key})")
    return True


def _timing_invoice(bench: Bench) -> bool:
    """Held with a date after the last day of the world: on one side of the cut-off only."""
    desk = bench.desk
    recent = desk.last_day - timedelta(days=_RECENT_DAYS)
    found = desk.invoice(lambda one: _approved(one) and one.issued_on >= recent)
    if found is None:
        return False
    on = desk.last_day + timedelta(days=desk.rng.randint(1, 3))
    stamp = office_hours(desk.rng, on)
    held = replace(found, issued_on=on, created_at=stamp, modified_at=stamp)
    desk.put(held)
    expected, seen = found.issued_on.isoformat(), on.isoformat()
    desk.note(PlantedKind.TIMING, true=[found], held=[held], expected=expected, found=seen)
    return True


def _timing_receipt(bench: Bench) -> bool:
    desk = bench.desk
    recent = desk.last_day - timedelta(days=_RECENT_DAYS)
    found = desk.receipt(lambda one: _incoming(one) and one.received_on >= recent)
    if found is None:
        return False
    on = desk.last_day + timedelta(days=desk.rng.randint(1, 3))
    stamp = office_hours(desk.rng, on)
    held = replace(found, received_on=on, created_at=stamp, modified_at=stamp)
    desk.put(held)
    expected, seen = found.received_on.isoformat(), on.isoformat()
    desk.note(PlantedKind.TIMING, true=[found], held=[held], expected=expected, found=seen)
    return True


# Kind of discrepancy: how often, and the ways to plant it (tried from a random one on).
PLANTERS: Final[dict[PlantedKind, tuple[int, tuple[Callable[[Bench], bool], ...]]]] = {
    PlantedKind.TIMING: (12, (_timing_receipt, _timing_invoice)),
    PlantedKind.MISSING: (24, (_missing_invoice, _missing_receipt, _unknown_to_erp)),
    PlantedKind.CURRENCY_DIFFERS: (3, (_currency,)),
    PlantedKind.TAX_DIFFERS: (8, (_tax,)),
    PlantedKind.AMOUNT_DIFFERS: (14, (_invoice_amount, _receipt_amount)),
    PlantedKind.CUSTOMER_DIFFERS: (6, (_customer,)),
    PlantedKind.DATE_DIFFERS: (10, (_date, _receipt_date)),
    PlantedKind.STATUS_DIFFERS: (6, (_status,)),
    PlantedKind.DUPLICATE: (7, (_duplicate_invoice, _duplicate_receipt)),
    PlantedKind.VOIDED_ON_ONE_SIDE: (5, (_voided,)),
    PlantedKind.PAYMENT_TO_WRONG_CUSTOMER: (5, (_payment_to_wrong_customer,)),
}


def plant_documents(bench: Bench, count: int) -> list[Planted]:
    """Plant about `count` discrepancies in the desk's documents, at least one of each kind that has a candidate.

    A holding without receipts gets the kinds that concern invoices only.
    """
    rng = bench.desk.rng
    kinds = list(PLANTERS)
    weights = [weight for weight, _ in PLANTERS.values()]
    wanted = kinds + rng.choices(kinds, weights, k=max(0, count - len(kinds)))
    for kind in wanted:
        ways = PLANTERS[kind][1]
        start = rng.randrange(len(ways))
        for offset in range(len(ways)):
            if ways[(start + offset) % len(ways)](bench):
                break
    return bench.desk.planted
