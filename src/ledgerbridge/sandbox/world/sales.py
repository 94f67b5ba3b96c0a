"""The receivable documents: what was invoiced, reversed, carried over, drafted and voided.

Every document has at least one line and its lines add up to it. An opening balance and another receivable have one
line without tax.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from .amounts import EXPONENTS, divide_half_up
from .codes import paper_invoice, tax_invoice_number
from .companies import Salesperson
from .facts import Company, InvoiceKind, Line, Status
from .moments import month_end
from .words import ITEMS

OWN_REGION: Final = "32"
_PREFIXES: Final = {
    InvoiceKind.INVOICE: "XS",
    InvoiceKind.CREDIT_NOTE: "HZ",
    InvoiceKind.OPENING_BALANCE: "QC",
    InvoiceKind.OTHER_RECEIVABLE: "YS",
}
_ACTIVITY: Final = (0.25, 0.4, 0.6, 0.9, 1.0, 1.5, 3.0)  # documents a month
_EXTRAS: Final = ("代垫运费", "包装物押金", "延期付款违约金", "代垫检测费")
_ONE: Final = Decimal(1)
_ZERO: Final = Decimal(0)
_PRICE_SCALE: Final = {"CNY": (1, 1), "USD": (1, 7), "EUR": (1, 8), "HKD": (10, 9), "JPY": (21, 1)}


@dataclass(frozen=True, slots=True)
class _Item:
    code: str
    name: str
    unit: str
    low: int  # 1/10 000 yuan
    high: int
    rate: Decimal
    percent: int
    decimals: int


_GOODS: Final = tuple(
    _Item(
        code, name, unit, int(Decimal(low) * 10_000), int(Decimal(high) * 10_000), Decimal(rate), int(Decimal(rate) * 100), n
    )
    for code, name, unit, low, high, rate, n, _ in ITEMS
)  # fmt: skip
_GOODS_WEIGHTS: Final = tuple(item[7] for item in ITEMS)


@dataclass(slots=True)
class Sale:
    """A receivable document while the world is made; amounts as in :class:`~ledgerbridge.sandbox.world.facts.Invoice`.

    `open` falls as receipts are applied, `touched_on` is the day of the last of them.
    """

    company: Company
    kind: InvoiceKind
    issued_on: date
    due_on: date | None
    currency: str
    lines: tuple[Line, ...]
    order_number: str
    contract_number: str
    status: Status
    department_code: str
    remark: str = ""
    reverses: Sale | None = None
    reversed_by: Sale | None = None
    key: str = ""
    number: str = ""
    tax_invoice_code: str | None = None
    tax_invoice_number: str | None = None
    open: int = 0
    touched_on: date = field(default=date.min)

    def __post_init__(self) -> None:
        self.open = 0 if self.status is Status.VOID else self.gross
        self.touched_on = self.issued_on

    @property
    def gross(self) -> int:
        """Tax included."""
        return sum(line.gross for line in self.lines)


@lru_cache(maxsize=65536)
def scaled(value: int, decimals: int) -> Decimal:
    """An integer of `decimals` decimals as a Decimal in plain form."""
    return Decimal(value).scaleb(-decimals)


def priced_line(
    item: tuple[str, str, str], quantity: int, decimals: int, price: int, percent: int, currency: str
) -> Line:
    """A line of `quantity` (integer of `decimals` decimals) at `price` (1/10 000 of a major unit, net)."""
    net = divide_half_up(quantity * price * 10 ** EXPONENTS[currency], 10 ** (decimals + 4))
    tax = divide_half_up(net * percent, 100)
    code, name, unit = item
    return Line(
        code, name, unit, scaled(quantity, decimals), scaled(price, 4), scaled(percent, 2), net, tax, net + tax
    )  # fmt: skip


def untaxed_line(code: str, name: str, amount: int, currency: str) -> Line:
    """One piece of something that bears no tax."""
    return Line(code, name, "项", _ONE, scaled(amount, EXPONENTS[currency]), _ZERO, amount, 0, amount)


def negated(line: Line) -> Line:
    """The same line taken back."""
    return Line(
        line.item_code, line.item_name, line.unit, -line.quantity, line.unit_price_net, line.tax_rate,
        -line.net, -line.tax, -line.gross,
    )  # fmt: skip


class Sales:
    """Makes the documents of one customer after the other from one stream of random numbers."""

    def __init__(
        self, rng: random.Random, salespersons: tuple[Salesperson, ...], first_day: date, last_day: date
    ) -> None:
        self._rng = rng
        self._departments = {person.code: person.department_code for person in salespersons}
        self._first_day = first_day
        self._last_day = last_day
        self._terms = 0.0  # of the customer at hand: which kind of due date was agreed
        self._orders = 0
        self._contracts = 0

    def of(self, company: Company, *, idle: bool) -> list[Sale]:
        """The documents of a customer by date; none when `idle`."""
        if idle:
            return []
        rng = self._rng
        self._terms = rng.random()
        contract = self._contract() if rng.random() < 0.4 else ""
        found = self._opening(company, contract)
        start = max(self._first_day, company.opened_on)
        days = (self._last_day - start).days + 1
        expected = rng.choice(_ACTIVITY) * days / 30
        count = max(1, int(expected + rng.random()))
        order = ""
        for on in sorted(start + timedelta(days=rng.randrange(days)) for _ in range(count)):
            if not order or rng.random() > 0.12:
                order = self._order(on)
            sale = self._sale(company, on, order, contract)
            found.append(sale)
            if sale.kind is InvoiceKind.INVOICE and sale.status is Status.APPROVED and rng.random() < 0.05:
                found.extend(self._credit_note(sale))
        found.sort(key=lambda sale: sale.issued_on)
        return found

    def _order(self, on: date) -> str:
        self._orders += 1
        return f"DD{on:%y%m}-{self._orders:05d}" if self._orders % 3 else f"SO{on:%Y}{self._orders:06d}"

    def _contract(self) -> str:
        self._contracts += 1
        return f"HT-{self._first_day.year}-{self._contracts:04d}"

    def _due(self, company: Company, on: date) -> date | None:
        if self._terms < 0.08 or self._rng.random() < 0.04:
            return None
        if self._terms > 0.75 and company.credit_days >= 30:  # 月结: days after the end of the month
            return month_end(on) + timedelta(days=company.credit_days)
        return on + timedelta(days=company.credit_days)

    def _opening(self, company: Company, contract: str) -> list[Sale]:
        rng = self._rng
        if company.opened_on >= self._first_day or rng.random() > 0.3:
            return []
        found = []
        for _ in range(rng.choice((1, 1, 2))):
            on = self._first_day - timedelta(days=rng.randint(3, min(200, (self._first_day - company.opened_on).days)))
            low, high = (200_000, 6_000_000) if company.currency != "JPY" else (50_000, 900_000)
            line = untaxed_line("QC", "期初应收余额", rng.randint(low, high), company.currency)
            kind = InvoiceKind.OPENING_BALANCE
            found.append(self._make(company, kind, on, company.currency, (line,), "", contract, Status.APPROVED))
        return found

    def _sale(self, company: Company, on: date, order: str, contract: str) -> Sale:
        rng = self._rng
        draw = rng.random()
        status = Status.APPROVED
        if draw < 0.012:
            status = Status.VOID
        elif draw > 0.93 and (self._last_day - on).days < 20:
            status = Status.DRAFT
        if rng.random() < 0.03:
            currency = "CNY" if rng.random() < 0.3 else company.currency
            low, high = (3_000, 200_000) if currency != "JPY" else (2_000, 90_000)
            line = untaxed_line("QT", rng.choice(_EXTRAS), rng.randint(low, high), currency)
            return self._make(company, InvoiceKind.OTHER_RECEIVABLE, on, currency, (line,), order, contract, status)
        export = company.class_code == "04"
        count = rng.choice((1, 1, 1, 1, 2, 2, 3, 5)) if rng.random() < 0.9 else 4
        lines = tuple(self._line(company.currency, export=export) for _ in range(count))
        return self._make(company, InvoiceKind.INVOICE, on, company.currency, lines, order, contract, status)

    def _line(self, currency: str, *, export: bool) -> Line:
        rng = self._rng
        item = rng.choices(_GOODS, _GOODS_WEIGHTS)[0]
        up, down = _PRICE_SCALE[currency]
        step = 100 if item.low >= 100_000 else 1  # prices from ten yuan on have two decimals
        price = max(step, rng.randint(item.low, item.high) * up // down // step * step)
        if item.high < 100_000:
            quantity = rng.randint(10, 500) * 10
        elif item.high < 5_000_000:
            quantity = rng.randint(5, 300)
        else:
            quantity = rng.randint(1, 12)
        if item.decimals:
            quantity = quantity * 10**item.decimals + rng.randrange(10**item.decimals)
        percent = 0 if export else item.percent
        return priced_line((item.code, item.name, item.unit), quantity, item.decimals, price, percent, currency)

    def _make(
        self, company: Company, kind: InvoiceKind, on: date, currency: str, lines: tuple[Line, ...], order: str,
        contract: str, status: Status,
    ) -> Sale:  # fmt: skip
        department = self._departments[company.salesperson_code]
        due_on = self._due(company, on)
        return Sale(company, kind, on, due_on, currency, lines, order, contract, status, department)

    def _credit_note(self, sale: Sale) -> list[Sale]:
        rng = self._rng
        on = sale.issued_on + timedelta(days=rng.randint(1, 25))
        if on > self._last_day:
            return []
        draw = rng.random()
        original: Sale | None = sale
        if draw < 0.35:
            lines = tuple(negated(line) for line in sale.lines)
        elif draw < 0.85:
            lines = (self._part_of(sale.lines[0], sale.currency),)
        else:
            original = None
            line = sale.lines[0]
            lines = (untaxed_line("ZR", "销售折让", -max(1, abs(line.gross) // rng.randint(8, 40)), sale.currency),)
        note = Sale(
            sale.company, InvoiceKind.CREDIT_NOTE, on, None, sale.currency, lines, sale.order_number,
            sale.contract_number, Status.APPROVED, sale.department_code, reverses=original,
        )  # fmt: skip
        if original is not None:
            sale.reversed_by = note
        return [note]

    def _part_of(self, line: Line, currency: str) -> Line:
        """Some of a line's quantity taken back, at least one unit or all of it."""
        exponent = line.quantity.as_tuple().exponent
        decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        whole = int(line.quantity.scaleb(decimals))
        quantity = max(1, whole * self._rng.randint(5, 60) // 100)
        price, percent = int(line.unit_price_net.scaleb(4)), int(line.tax_rate * 100)
        part = priced_line((line.item_code, line.item_name, line.unit), quantity, decimals, price, percent, currency)
        return negated(part)


def number_sales(rng: random.Random, sales: list[Sale]) -> None:
    """Give every document its key, its number and, mostly, the number of its tax invoice, in order of date.

    `sales` is sorted in place; documents of one day keep the order of their customers.
    """
    sales.sort(key=lambda sale: (sale.issued_on, sale.company.key))
    serials: dict[str, int] = {}
    fiscal = rng.randint(10_000_000, 60_000_000)
    for index, sale in enumerate(sales):
        sale.key = f"I{index + 1:07d}"
        stem = f"{_PREFIXES[sale.kind]}{sale.issued_on:%Y%m}"
        serials[stem] = serials.get(stem, 0) + 1
        sale.number = f"{stem}{serials[stem]:05d}"
        fiscal += rng.randint(1, 3)
        _tax_invoice(rng, sale, fiscal)
        if sale.reverses is not None:
            sale.remark = f"红字冲销{sale.reverses.number} 红字信息确认单{OWN_REGION}{sale.issued_on:%y%m}{fiscal:09d}"


def _tax_invoice(rng: random.Random, sale: Sale, serial: int) -> None:
    if sale.kind is InvoiceKind.OTHER_RECEIVABLE or sale.status is Status.DRAFT:
        return
    draw = rng.random()
    if sale.kind is InvoiceKind.OPENING_BALANCE:
        draw += 0.4
    if draw < 0.9:
        sale.tax_invoice_number = tax_invoice_number(sale.issued_on, OWN_REGION, serial)
    elif draw < 0.98:
        pair = paper_invoice(sale.issued_on, OWN_REGION, serial, special=draw < 0.96)
        sale.tax_invoice_code, sale.tax_invoice_number = pair
