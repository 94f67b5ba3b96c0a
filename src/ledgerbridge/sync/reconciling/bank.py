"""Money that a bank saw: first what the leading system has booked already, then whose the rest is, and for what.

Only rows that are new, changed or not settled are looked at; they alone are held.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.exception import Code, Finding
from ledgerbridge.model.money import Money, to_decimal
from ledgerbridge.reconciler.bankrows import (
    BankRow,
    Confirmed,
    LearnedPayer,
    PartyItem,
    Reading,
    RowMatcher,
    RowOutcome,
    RowResult,
    account_key,
)
from ledgerbridge.store import Tx, books, payers
from ledgerbridge.store.books import SeenPayment
from ledgerbridge.store.ledgers import Accounts
from ledgerbridge.store.payers import BankRowState, PayerRow

from .cash import PaymentText, document_id, payment_text
from .debtors import Debtors
from .rules import Rules

BOOKED: Final = "booked"
OWN: Final = "own"
_SETTLED: Final = frozenset({BOOKED, OWN})
_NEAR_DAYS: Final = 5
"""How many days a bank's date and the booked one may be apart where no reference ties them."""
_FIRST_DAY: Final = date(1970, 1, 1)
_SHOWN_MAX: Final = 5


@dataclass(slots=True)
class BankReading:
    """What one bank's rows came to: rows to be stored, ids that are gone, payers, counts by outcome, and what a person must
    look at.
    """

    system: str
    changed: list[BankRowState] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    learned: list[PayerRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Row:
    """A row that is not settled, with its text, and the payments of the leading system that may be it."""

    seen: SeenPayment
    text: PaymentText
    before: BankRowState | None
    booked: list[SeenPayment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Bank:
    """What reading a bank's rows needs besides them."""

    tx: Tx
    rules: Rules
    known: Accounts
    debtors: Debtors
    as_of: date


def read_bank(bank: Bank, system: str, open_items: Iterable[PartyItem]) -> BankReading:
    """Read what came in at a bank up to a day. `open_items` are taken only if rows are left that nobody has booked."""
    found = BankReading(system)
    rows = _unsettled(bank, system, found)
    _find_booked(bank, rows)
    booked, rest = _told_apart(rows)
    own = {account_key(row.text.our_account) for row in rows.values() if row.text.our_account}
    learned: Counter[tuple[str, str, str]] = Counter()
    for row, payment in booked:
        account = bank.known.account(payment.party_id, payment.party_code, payment.party_name).key
        _keep(found, row, BOOKED, payment.external_id, account, {})
        if row.text.payer_account:
            learned[account_key(row.text.payer_account), "", account] += 1
    left = []
    for row in rest:
        if row.text.payer_account and account_key(row.text.payer_account) in own:
            _keep(found, row, OWN, None, None, {})
        else:
            left.append(row)
    found.learned = [PayerRow(*key, Confirmed.ERP.value, times) for key, times in sorted(learned.items())]
    if left:
        _read_left(bank, left, open_items, found)
    return found


def _unsettled(bank: Bank, system: str, found: BankReading) -> dict[str, _Row]:
    """Rows of money in that are new, changed, or that nobody has booked; what is settled and as it was is only counted."""
    before = {row.external_id: row for row in payers.known_rows(bank.tx, system)}
    rows: dict[str, _Row] = {}
    for seen in books.payments(bank.tx, system, _FIRST_DAY, bank.as_of):
        if seen.amount_minor <= 0:
            continue
        state = before.pop(seen.external_id, None)
        if state is not None and state.outcome in _SETTLED and state.canonical_hash == seen.canonical_hash:
            found.counts[state.outcome] += 1
        else:
            rows[seen.external_id] = _Row(seen, payment_text(seen.canonical), state)
    found.gone = sorted(before)
    return rows


def _find_booked(bank: Bank, rows: dict[str, _Row]) -> None:
    """Note for every row which payments of the leading system may be it: by the bank's reference, else by day and account."""
    if not rows:
        return
    by_amount: dict[tuple[str, int], list[_Row]] = {}
    for row in rows.values():
        by_amount.setdefault((row.seen.currency, row.seen.amount_minor), []).append(row)
    first = min(date.fromisoformat(row.seen.on) for row in rows.values()) - timedelta(days=_NEAR_DAYS)
    last = bank.as_of + timedelta(days=_NEAR_DAYS)
    for payment in books.payments(bank.tx, bank.rules.lead, first, last):
        candidates = by_amount.get((payment.currency, payment.amount_minor))
        if candidates:
            text = payment_text(payment.canonical)
            named = [
                row for row in candidates if text.bank_reference and row.text.bank_reference == text.bank_reference
            ]
            for row in named or candidates:
                if named or _alike(row, payment, text):
                    row.booked.append(payment)


def _alike(row: _Row, payment: SeenPayment, text: PaymentText) -> bool:
    """The amount is the same; near in time, no account or reference that contradicts, and a payer or a day that agrees."""
    if row.text.bank_reference and text.bank_reference:
        return False  # both are told, and they differ
    apart = abs((date.fromisoformat(row.seen.on) - date.fromisoformat(payment.on)).days)
    if apart > _NEAR_DAYS:
        return False
    agreed = 0
    for one, other in ((row.text.our_account, text.our_account), (row.text.payer_account, text.payer_account)):
        if one and other:
            if account_key(one) != account_key(other):
                return False
            agreed += 1
    same_name = bool(row.text.payer_name) and row.text.payer_name == text.payer_name
    return same_name or agreed == 2 or (agreed == 1 and apart == 0)


def _told_apart(rows: dict[str, _Row]) -> tuple[list[tuple[_Row, SeenPayment]], list[_Row]]:
    """Rows with the payment that they are. Rows and payments that are alike and equally many are each other's."""
    groups: dict[tuple[str, ...], list[_Row]] = {}
    claims: Counter[str] = Counter()
    for row in rows.values():
        ids = tuple(payment.external_id for payment in row.booked)
        groups.setdefault(ids, []).append(row)
        claims.update(ids)
    booked, rest = [], []
    for ids, alike in groups.items():
        if ids and len(ids) == len(alike) and all(claims[one] == len(alike) for one in ids):
            alike.sort(key=lambda row: row.seen.external_id)
            booked += list(zip(alike, sorted(alike[0].booked, key=lambda one: one.external_id), strict=True))
        else:
            rest += alike
    return booked, rest


def _read_left(bank: Bank, left: list[_Row], open_items: Iterable[PartyItem], found: BankReading) -> None:
    learned = [
        LearnedPayer(
            customer=row.customer,
            account=row.account,
            name=row.name,
            confirmed=Confirmed(row.confirmed),
            times=row.times,
        )
        for row in (*payers.learned(bank.tx), *found.learned)
    ]
    matcher = RowMatcher(bank.debtors.parties(), open_items, learned, bank.rules.bank)
    by_id = {row.seen.external_id: row for row in left}
    result = matcher.match(
        BankRow(
            id=row.seen.external_id,
            amount_minor=row.seen.amount_minor,
            currency=row.seen.currency,
            received_on=date.fromisoformat(row.seen.on),
            payer_name=row.text.payer_name or "",
            payer_account=row.text.payer_account or "",
            text=row.text.remittance_text or row.text.remark or "",
            fee_minor=row.text.fee_minor or 0,
        )
        for row in left
    )
    for one in result.rows:
        row = by_id[one.row_id]
        sure = one.best is not None and one.outcome in (RowOutcome.MATCHED, RowOutcome.CUSTOMER)
        content = _shown(bank, one)
        _keep(found, row, one.outcome.value, None, one.best.customer if sure and one.best else None, content)
        found.findings.append(_finding(bank, found.system, row, one, content))


def _finding(bank: Bank, system: str, row: _Row, one: RowResult, content: dict[str, Any]) -> Finding:
    """Money that nobody has booked: whose it is, is known or is the question."""
    seen, best = row.seen, one.best
    sure = best is not None and one.outcome in (RowOutcome.MATCHED, RowOutcome.CUSTOMER)
    customer = best.customer if sure and best is not None else None
    payer = " ".join((row.text.payer_name or "").split())[:200]
    return Finding(
        code=Code.MISSING if sure else Code.UNKNOWN_PAYER,
        kind=Kind.PAYMENT,
        systems=(bank.rules.lead, system),
        refs=(Ref(system=system, kind=Kind.PAYMENT, external_id=seen.external_id),),
        customer=customer,
        customer_name=bank.debtors.named(customer) if customer else None,
        number=(row.text.bank_reference or seen.external_id)[:200],
        difference=Money(minor=seen.amount_minor, currency=seen.currency),
        business_on=date.fromisoformat(seen.on),
        evidence={"payer": payer, "text": (row.text.remittance_text or "")[:500], **content},
        action="create_in_erp" if sure else "ask_sales",
    )


def _shown(bank: Bank, one: RowResult) -> dict[str, Any]:
    """What was understood, for people: as JSON."""
    document: dict[str, Any] = {"outcome": one.outcome.value, "margin": f"{one.margin:.2f}"}
    if one.held_back:
        document["held_back"] = one.held_back
    readings = one.candidates[:_SHOWN_MAX] or ((one.best,) if one.best else ())
    document["readings"] = [_reading(bank, reading) for reading in readings if reading is not None]
    if one.runner_up is not None:
        document["runner_up"] = _reading(bank, one.runner_up)
    return document


def _reading(bank: Bank, one: Reading) -> dict[str, Any]:
    return {
        "customer": bank.debtors.named(one.customer),
        "items": [key.partition("/")[2] for key, _ in one.items],
        "difference": one.difference.value,
        "difference_minor": one.difference_minor,
        "score": f"{one.score:.2f}",
        "evidence": [f"{said.part}: {said.finding} ({said.bits:+.1f})" for said in one.evidence],
    }


def _keep(
    found: BankReading, row: _Row, outcome: str, payment_id: str | None, customer: str | None, content: dict[str, Any]
) -> None:
    seen = row.seen
    found.counts[outcome] += 1
    told = {
        "number": row.text.bank_reference or seen.external_id,
        "on": seen.on,
        "currency": seen.currency,
        "amount": str(to_decimal(seen.amount_minor, seen.currency)),
        "payer": row.text.payer_name or "",
        **content,
    }
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    payment = document_id(Kind.PAYMENT, payment_id) if payment_id else None
    state = BankRowState(seen.external_id, seen.canonical_hash, outcome, payment, customer, text)
    if state != row.before:
        found.changed.append(state)
