"""What really happened: customers, documents and money put together, numbered, and frozen."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from .amounts import Rates, base_amount
from .companies import Customers
from .facts import Applied, Holding, Invoice, Receipt, ReceiptKind, Status, SystemName
from .moments import stamps
from .names import Names
from .sales import Sale, Sales, number_sales
from .settlement import NOT_AT_BANK, Money, Settlement


@dataclass(frozen=True, slots=True)
class Ledger:
    """The truth, and the keys of the customers without any document."""

    truth: Holding
    idle: frozenset[str]


def stream(seed: int, purpose: str) -> random.Random:
    """A stream of random numbers of its own for each purpose, the same in every process."""
    return random.Random(f"{seed}/{purpose}")


def make_ledger(
    *, seed: int, customers: int, months: int, first_day: date, last_day: date, accounts: Sequence[tuple[str, str, str]]
) -> Ledger:
    """The truth of a world; `accounts` are the own bank accounts as (account, bank, currency).

    One customer of forty is idle: it has no documents at all.
    """
    rng = stream(seed, "customers")
    maker = Customers(rng, Names(rng), first_day, last_day, customers)
    companies = tuple(maker.make(index) for index in range(customers))
    idle = frozenset(company.key for index, company in enumerate(companies) if index % 40 == 37)

    sales_maker = Sales(stream(seed, "sales"), maker.salespersons, first_day, last_day)
    by_company = [(company, sales_maker.of(company, idle=company.key in idle)) for company in companies]
    sales = [sale for _, found in by_company for sale in found]
    number_sales(stream(seed, "numbers"), sales)

    settlement = Settlement(stream(seed, "settlement"), last_day, months)
    money = [one for company, found in by_company for one in settlement.of(company, found)]
    money += settlement.unidentified(max(len(money) // 100, 2 if customers >= 40 else 0))

    rates = Rates(stream(seed, "rates"), last_day, months)
    rng = stream(seed, "stamps")
    invoices = tuple(_invoice(rng, sale, rates, last_day) for sale in sales)
    receipts = _receipts(rng, money, rates, last_day, accounts)
    return Ledger(Holding(SystemName.YONYOU_U8, companies, invoices, receipts), idle)


def _invoice(rng: random.Random, sale: Sale, rates: Rates, last_day: date) -> Invoice:
    gross = sale.gross
    rate = rates.rate(sale.currency, sale.issued_on)
    created_at, modified_at = stamps(rng, sale.issued_on, sale.touched_on, last_day)
    return Invoice(
        key=sale.key,
        number=sale.number,
        tax_invoice_code=sale.tax_invoice_code,
        tax_invoice_number=sale.tax_invoice_number,
        kind=sale.kind,
        company=sale.company.key,
        issued_on=sale.issued_on,
        due_on=sale.due_on,
        currency=sale.currency,
        rate=rate,
        net=sum(line.net for line in sale.lines),
        tax=sum(line.tax for line in sale.lines),
        gross=gross,
        base_gross=base_amount(gross, sale.currency, rate),
        open_amount=sale.open,
        order_number=sale.order_number,
        contract_number=sale.contract_number,
        status=sale.status,
        salesperson_code=sale.company.salesperson_code,
        department_code=sale.department_code,
        remark=sale.remark,
        created_at=created_at,
        modified_at=modified_at,
        lines=sale.lines,
        reverses=None if sale.reverses is None else sale.reverses.key,
    )


def _receipts(
    rng: random.Random, money: list[Money], rates: Rates, last_day: date, accounts: Sequence[tuple[str, str, str]]
) -> tuple[Receipt, ...]:
    """Number and freeze the receipts in order of date; receipts of one day keep the order of their customers."""
    money.sort(key=lambda one: one.on)
    own = {currency: [account for account, _, held in accounts if held == currency] for _, _, currency in accounts}
    serials: dict[str, int] = {}
    found = []
    for index, one in enumerate(money):
        stem = f"{'TK' if one.kind is ReceiptKind.REFUND else 'SK'}{one.on:%Y%m}"
        serials[stem] = serials.get(stem, 0) + 1
        rate = rates.rate(one.currency, one.on)
        entered_on = min(one.on + timedelta(days=rng.choice((0, 0, 1, 2))), last_day)
        touched_on = max((on for _, _, on in one.applied), default=entered_on)
        created_at, modified_at = stamps(rng, entered_on, touched_on, last_day)
        name, account, bank = one.payer
        found.append(
            Receipt(
                key=f"R{index + 1:07d}",
                number=f"{stem}{serials[stem]:05d}",
                kind=one.kind,
                company=None if one.company is None else one.company.key,
                payer_name=name,
                payer_account=account,
                payer_bank=bank,
                received_on=one.on,
                currency=one.currency,
                rate=rate,
                amount=one.amount,
                fee=one.fee,
                base_amount=base_amount(one.amount, one.currency, rate),
                remittance=one.remittance,
                method=one.method,
                bank_reference=_reference(rng, one, index),
                own_account="" if one.method in NOT_AT_BANK else rng.choice(own[one.currency]),
                status=one.status,
                created_at=created_at,
                modified_at=modified_at,
                applied=tuple(Applied(sale.key, amount, on) for sale, amount, on in one.applied),
            )
        )
    return tuple(found)


def _reference(rng: random.Random, money: Money, index: int) -> str:
    if money.method not in NOT_AT_BANK:  # a third of the entries in the ERP lack the bank's serial
        return f"{money.on:%Y%m%d}{index + 1:08d}" if rng.random() > 0.35 else ""
    return f"6{rng.randrange(10**20):020d}{index + 1:09d}" if money.method != "现金" else ""


def known_receipts(truth: Holding) -> tuple[Receipt, ...]:
    """The receipts that the ERP has on record: all but the unidentified ones, which only the bank shows."""
    return tuple(receipt for receipt in truth.receipts if receipt.company is not None)


def on_statement(receipt: Receipt) -> bool:
    """Whether a receipt moved money on one of the own bank accounts."""
    return receipt.method not in NOT_AT_BANK and receipt.status is not Status.VOID
