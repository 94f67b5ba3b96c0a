"""The money: who paid what, when, for which documents, and what the bank kept.

Rules that make every number exact: a receipt applies at most `amount + fee`; the bank's fee settles too; money that is
a few fen short (尾差) leaves exactly those fen open on the last document; money beyond what was owed stays unapplied on
the receipt until it is refunded or used; a credit note is netted (a negative part) or refunded. An open amount never
changes its sign.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from .companies import bank_account
from .facts import Company, InvoiceKind, ReceiptKind, Status
from .moments import first_day
from .remittance import refund_text, remittance
from .sales import Sale

_STYLES: Final = (("each", 48), ("lump", 32), ("prepay", 8), ("bill", 6), ("slow", 6))
_LUMP_MAX: Final = 12
_METHODS: Final = ("网银转账", "电汇", "支票", "现金")
_METHOD_WEIGHTS: Final = (80, 12, 5, 3)
BILL_METHOD: Final = "银行承兑汇票"
NOT_AT_BANK: Final = frozenset({BILL_METHOD, "现金"})


@dataclass(slots=True)
class Money:
    """A receipt while the world is made; amounts as in :class:`~ledgerbridge.sandbox.world.facts.Receipt`."""

    company: Company | None
    kind: ReceiptKind
    on: date
    currency: str
    amount: int
    fee: int
    payer: tuple[str, str, str]  # name, account, bank
    method: str
    remittance: str
    status: Status = Status.APPROVED
    applied: list[tuple[Sale, int, date]] = field(default_factory=list)
    left: int = 0  # of amount + fee, not applied yet

    def __post_init__(self) -> None:
        self.left = self.amount + self.fee

    def apply(self, sale: Sale, amount: int, on: date) -> None:
        """Settle `amount` of `sale`; the caller keeps to what is left on both."""
        self.applied.append((sale, amount, on))
        self.left -= amount
        sale.open -= amount
        sale.touched_on = max(sale.touched_on, on)


def distribute(money: Money, sales: list[Sale], on: date) -> None:
    """Apply `money` to `sales`: credit notes whole, then the others in their order until nothing is left."""
    for sale in sales:
        if sale.open < 0:
            money.apply(sale, sale.open, on)
    for sale in sales:
        if money.left <= 0:
            return
        if sale.open > 0:
            money.apply(sale, min(sale.open, money.left), on)


class Settlement:
    """Makes the receipts of one customer after the other from one stream of random numbers."""

    def __init__(self, rng: random.Random, last_day: date, months: int) -> None:
        self._rng = rng
        self._last_day = last_day
        self._paydays = [first_day(last_day, count) for count in range(months, 0, -1)]
        self._payer_accounts: dict[str, tuple[str, str]] = {}
        self._made: list[Money] = []

    def of(self, company: Company, sales: list[Sale]) -> list[Money]:
        """The receipts of a customer for `sales` (all of that customer), in no particular order."""
        self._made = []
        rng = self._rng
        style = rng.choices([name for name, _ in _STYLES], [weight for _, weight in _STYLES])[0]
        owed = [sale for sale in sales if sale.status is Status.APPROVED]
        for currency in sorted({sale.currency for sale in owed}):
            due = [sale for sale in owed if sale.currency == currency]
            if style == "lump":
                self._lumps(company, due)
            elif style == "prepay":
                self._prepaid(company, due)
            else:
                self._one_by_one(company, due, style)
            self._refunds(company, due)
        return self._made

    def unidentified(self, count: int) -> list[Money]:
        """Money that came in and nobody knows what for: no customer, nothing applied, only the bank shows it."""
        rng = self._rng
        first = self._paydays[0]
        found = []
        for index in range(count):
            on = first + timedelta(days=rng.randrange((self._last_day - first).days + 1))
            bank, account = bank_account(rng, "上海市")
            name = rng.choice(("待核实付款人", "个人客户", "第三方支付平台")) + f"{index + 1:03d}"
            text = rng.choice(("", "货款", "转账", "付款"))
            amount = rng.randint(10_000, 3_000_000)
            money = Money(None, ReceiptKind.RECEIPT, on, "CNY", amount, 0, (name, account, bank), "网银转账", text)
            money.status = Status.DRAFT
            found.append(money)
        return found

    def _wish_date(self, sale: Sale, style: str) -> date:
        base = sale.due_on or sale.issued_on + timedelta(days=30)
        delay = self._rng.randint(-6, 20) if style != "slow" else self._rng.randint(20, 120)
        wish = max(base + timedelta(days=delay), sale.issued_on + timedelta(days=1))
        return wish if wish >= self._paydays[0] else self._paydays[0] + timedelta(days=self._rng.randint(0, 25))

    def _one_by_one(self, company: Company, due: list[Sale], style: str) -> None:
        rng = self._rng
        kind = ReceiptKind.ACCEPTANCE_BILL if style == "bill" else ReceiptKind.RECEIPT
        for sale in due:
            if sale.kind is InvoiceKind.CREDIT_NOTE or sale.open <= 0:
                continue
            on = self._wish_date(sale, style)
            note = sale.reversed_by
            if on > self._last_day or rng.random() < 0.1 or (note is not None and note.gross == -sale.gross):
                continue
            together = [sale]
            if note is not None and note.issued_on <= on and note.open + sale.open > 0 and rng.random() < 0.6:
                together.append(note)
            if note is None and rng.random() < 0.08 and sale.open > 2_000:
                self._in_parts(company, sale, kind, on)
            else:
                self._pay(company, together, kind, on)

    def _in_parts(self, company: Company, sale: Sale, kind: ReceiptKind, on: date) -> None:
        rng = self._rng
        part = sale.open * rng.randint(25, 75) // 100 // 100 * 100
        self._receive(company, [sale], kind, on, part, 0)
        later = on + timedelta(days=rng.randint(10, 40))
        if later <= self._last_day and rng.random() < 0.6:
            self._pay(company, [sale], kind, later)

    def _lumps(self, company: Company, due: list[Sale]) -> None:
        rng = self._rng
        day = rng.choice((8, 10, 15, 20, 25, 28))
        kind = ReceiptKind.ACCEPTANCE_BILL if rng.random() < 0.08 else ReceiptKind.RECEIPT
        for month in self._paydays:
            on = month.replace(day=day)
            if on > self._last_day or rng.random() < 0.08:
                continue
            horizon = on + timedelta(days=6)
            items = []
            for sale in due:
                is_due = (sale.due_on or sale.issued_on + timedelta(days=30)) <= horizon
                if sale.open and sale.issued_on <= on and (is_due or sale.open < 0):
                    items.append(sale)
            items = items[:_LUMP_MAX]
            if sum(sale.open for sale in items) > 0:
                self._pay(company, items, kind, on)

    def _prepaid(self, company: Company, due: list[Sale]) -> None:
        """Round sums in advance; every later document is settled from them as far as they go."""
        rng = self._rng
        invoices = [sale for sale in due if sale.open > 0]
        if not invoices:
            return
        each = max(sum(sale.open for sale in invoices) // max(1, len(self._paydays)), 10_000)
        pool: list[Money] = []
        for month in self._paydays:
            on = month + timedelta(days=rng.randint(1, 6))
            if on <= self._last_day and rng.random() < 0.7:
                amount = -(-each // 100_000) * 100_000
                before = len(self._made)
                self._receive(company, [], ReceiptKind.PREPAYMENT, on, amount, 0, currency=invoices[0].currency)
                pool.extend(money for money in self._made[before:] if money.status is Status.APPROVED)
        for sale in invoices:
            for money in pool:
                on = max(money.on, sale.issued_on) + timedelta(days=rng.randint(0, 2))
                if sale.open > 0 and money.left > 0 and on <= self._last_day:
                    money.apply(sale, min(sale.open, money.left), on)

    def _pay(self, company: Company, items: list[Sale], kind: ReceiptKind, on: date) -> None:
        """One payment for all that is open on `items`, or nearly."""
        rng = self._rng
        total = sum(sale.open for sale in items)
        amount, fee, draw = total, 0, rng.random()
        foreign = items[0].currency != "CNY"
        if foreign and draw < 0.6:
            fee = rng.choice((1500, 2000, 2500, 3000))
        elif draw < 0.03:
            fee = rng.choice((500, 1000, 1050, 2000, 5000))
        elif draw < 0.07:
            amount = total - rng.randint(1, 9)
        elif draw < 0.09:
            amount = total - total % 100
        elif draw < 0.11:
            amount = -(-total // 10_000) * 10_000
        elif draw < 0.12:
            amount = total + rng.randint(1, 5)
        if fee and total > 40 * fee:
            amount = total - fee
        else:
            fee = 0
        if amount > 0:
            self._receive(company, items, kind, on, amount, fee)

    def _receive(
        self,
        company: Company,
        items: list[Sale],
        kind: ReceiptKind,
        on: date,
        amount: int,
        fee: int,
        *,
        currency: str = "",
    ) -> None:
        rng = self._rng
        currency = currency or items[0].currency
        if kind is ReceiptKind.ACCEPTANCE_BILL and currency == "CNY":
            method, fee, amount = BILL_METHOD, 0, amount + fee
        else:
            kind = ReceiptKind.RECEIPT if kind is ReceiptKind.ACCEPTANCE_BILL else kind
            method = "电汇" if currency != "CNY" else rng.choices(_METHODS, _METHOD_WEIGHTS)[0]
        money = Money(company, kind, on, currency, amount, fee, self._payer(company), method, remittance(rng, items))
        self._made.append(money)
        if (self._last_day - on).days < 4 and rng.random() < 0.15:
            money.status = Status.DRAFT
            return
        if rng.random() < 0.005:
            self._made.append(self._void_copy(money))
        distribute(money, items, min(on + timedelta(days=rng.choice((0, 0, 0, 1, 3))), self._last_day))

    @staticmethod
    def _void_copy(money: Money) -> Money:
        return Money(
            money.company, money.kind, money.on, money.currency, money.amount, money.fee, money.payer, money.method,
            money.remittance, Status.VOID,
        )  # fmt: skip

    def _refunds(self, company: Company, due: list[Sale]) -> None:
        """Pay back some of what was paid too much, and some credit notes that nothing was netted with."""
        rng = self._rng
        for money in list(self._made):
            kept = money.kind is ReceiptKind.RECEIPT and money.status is Status.APPROVED and money.left >= 1_000
            on = money.on + timedelta(days=rng.randint(4, 25))
            if kept and money.currency == due[0].currency and on <= self._last_day and rng.random() < 0.4:
                self._refund(company, money.currency, on, money.left, None)
        for sale in due:
            on = sale.issued_on + timedelta(days=rng.randint(10, 35))
            original = sale.reverses
            if (
                sale.open < 0
                and on <= self._last_day
                and rng.random() < 0.4
                and (original is None or original.open <= 0)
            ):
                self._refund(company, sale.currency, on, -sale.open, sale)

    def _refund(self, company: Company, currency: str, on: date, amount: int, sale: Sale | None) -> None:
        own = (company.name, company.bank_account, company.bank_name)
        text = refund_text(self._rng, sale)
        money = Money(company, ReceiptKind.REFUND, on, currency, -amount, 0, own, "网银转账", text)
        self._made.append(money)
        if sale is not None:
            money.apply(sale, -amount, on)

    def _payer(self, company: Company) -> tuple[str, str, str]:
        """Whose account the money comes from, under the name as the paying bank prints it."""
        rng = self._rng
        if company.payers and rng.random() < 0.3:
            name = rng.choice(company.payers)
            if name not in self._payer_accounts:
                self._payer_accounts[name] = bank_account(rng, company.city)
            bank, account = self._payer_accounts[name]
            return name, account, bank
        draw = rng.random()
        name = company.name
        if draw < 0.02:
            name = company.short_name
        elif draw < 0.04 and len(name) > 14:
            name = name[:14]
        elif draw < 0.07:
            name = name.replace("（", "(").replace("）", ")")
        return name, company.bank_account, company.bank_name
