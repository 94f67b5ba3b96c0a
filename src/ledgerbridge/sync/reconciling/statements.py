"""Customer statements from the books of the leading system: for one customer, for all, and beside the customer's own sheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledgerbridge.errors import StatementError
from ledgerbridge.model.statement import CustomerStatement, Party
from ledgerbridge.model.two_sided import TwoSidedStatement
from ledgerbridge.reconciler.statement import Period, side_of, side_of_books, two_sided
from ledgerbridge.store import Tx, books

from .books import Books, CarriedBooks, CustomerBooks, directory, every_customer
from .debtors import Debtors
from .rules import Rules
from .sources import NOTHING, Source, carried_sources, currencies_of

_TOGETHER: Final = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """Which statements are asked for. `currency` None: every one in which there is anything to say."""

    period: Period
    currency: str | None = None


def statements(
    tx: Tx, rules: Rules, asked: Asked, made_at: datetime, *, only: Iterable[str] | None = None
) -> Iterator[CustomerStatement]:
    """The statements of all customers (or `only` those accounts) with a balance or any movement in the period, in the order
    of their accounts; one at a time is held. The books are those of the last day: what came later changes none of them.
    """
    debtors = Debtors(tx, rules.lead, rules.base_currency)
    chosen = None if only is None else frozenset(only)
    who = directory(tx, rules.lead, chosen)
    for one, source, found in _sources(tx, rules, every_customer(tx, rules, who, asked.period.last_day), asked.period):
        currencies = [code for code in found if asked.currency in (None, code)]
        if currencies:
            debtor = debtors.of(one.account)
            party = Party(entity=debtor.entity, code=debtor.code, name=debtor.name)
            for currency in currencies:
                yield source.statement(rules, party, currency, asked.period, made_at)


def statement_again(tx: Tx, rules: Rules, sent: CustomerStatement, made_at: datetime) -> CustomerStatement:
    """The statement of the same customer, currency and period from the books of now, empty if nothing is left of it."""
    period = Period(sent.first_day, sent.last_day)
    debtors = Debtors(tx, rules.lead, rules.base_currency)
    who = directory(tx, rules.lead, frozenset((sent.customer.entity,)))
    for one, found, _ in _sources(tx, rules, every_customer(tx, rules, who, period.last_day), period):
        source = Source.of(tx, one, period) if isinstance(one, CustomerBooks) else found
        debtor = debtors.of(one.account)
        party = Party(entity=sent.customer.entity, code=debtor.code, name=debtor.name)
        return source.statement(rules, party, sent.currency, period, made_at)
    return NOTHING.statement(rules, sent.customer, sent.currency, period, made_at)


def beside_theirs(tx: Tx, ours: CustomerStatement, system: str, name: str, made_at: datetime) -> TwoSidedStatement:
    """Our statement beside the customer's own records, which were imported as a system of their own."""
    period = Period(ours.first_day, ours.last_day)
    said = [(one, 0) for one in books.said_of_customers(tx, system)]
    rows = list(books.rows(tx, system, said, period.last_day))
    if not any(row.currency == ours.currency for row in rows):
        raise StatementError(
            f"{system} has no records in {ours.currency} up to {period.last_day}; import the sheet first"
        )
    theirs = Source.made(rows, books.texts(tx, [row.id for row in rows]), ())
    right = side_of_books(
        name=name,
        currency=ours.currency,
        period=period,
        documents=[one for one in theirs.documents if one.currency == ours.currency],
        receipts=[one for one in theirs.receipts if one.currency == ours.currency],
    )
    return two_sided(
        customer=ours.customer,
        currency=ours.currency,
        first_day=period.first_day,
        last_day=period.last_day,
        left=side_of(ours),
        right=right,
        made_at=made_at,
    )


def _sources(
    tx: Tx, rules: Rules, every: Iterable[Books], period: Period
) -> Iterator[tuple[Books, Source, Sequence[str]]]:
    """What each customer's statements are built from, with the currencies in which there is anything to say. Those that were
    carried forward are looked up some at a time, as long as nobody comes between them.
    """
    waiting: list[CarriedBooks] = []
    for one in every:
        if isinstance(one, CarriedBooks):
            waiting.append(one)
            if len(waiting) < _TOGETHER:
                continue
        yield from carried_sources(tx, rules.lead, waiting, period)
        waiting = []
        if isinstance(one, CustomerBooks):
            currencies = currencies_of(one, period)
            yield one, Source.of(tx, one, period) if currencies else NOTHING, currencies
    yield from carried_sources(tx, rules.lead, waiting, period)
