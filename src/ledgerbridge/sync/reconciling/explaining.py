"""Why a payment went where it went: what each pass saw; for a bank's row, the readings that were weighed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from ledgerbridge.errors import ActRefused
from ledgerbridge.model.base import Kind
from ledgerbridge.reconciler.allocation import Explanation, explain
from ledgerbridge.store import Tx, books, copies, ledgers, payers

from .books import directory, in_full
from .cash import apply_cash, cash_input, document_id
from .debtors import Debtors
from .rules import Rules


@dataclass(frozen=True, slots=True)
class Explained:
    """A payment of the leading system. `numbers`: what people know its and the candidates' ids by; `refused`: what was wrong
    with the payment itself, so that it took no part.
    """

    number: str
    customer: str
    currency: str
    amount_minor: int
    on: date
    text: str
    explanation: Explanation | None
    numbers: dict[str, str]
    refused: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """One line per pass, ids replaced by numbers."""
        if self.explanation is None:
            return list(self.refused)
        found = []
        for line in self.explanation.lines():
            for key, number in sorted(self.numbers.items(), key=lambda pair: -len(pair[0])):
                line = line.replace(key, number)  # noqa: PLW2901 (the same line)
            found.append(line)
        return [*found, *self.refused]


def explain_payment(tx: Tx, rules: Rules, wanted: str, as_of: date) -> list[Explained]:
    """The payments of the leading system with this number or id; none: it has none that counts on the day."""
    known = ledgers.accounts(tx, rules.lead)
    debtors = Debtors(tx, rules.lead, rules.base_currency)
    found = []
    keys: dict[str, set[str]] = {}
    for copy in copies.find(tx, wanted, system=rules.lead, kind=Kind.PAYMENT):
        if copy.canonical is not None:
            record: Any = copy.record()
            party = record.customer
            account = known.account(
                party.external_id if party else None,
                party.code if party else None,
                (party.name if party else None) or record.payer_name,
            )
            keys.setdefault(account.key, set()).add(copy.ref.external_id)
    for one in in_full(tx, rules, directory(tx, rules.lead, frozenset(keys)), as_of):
        given = cash_input(one.rows, books.texts(tx, [row.id for row in one.rows]), as_of)
        result = apply_cash(given, rules.cash)
        for receipt in given.receipts:
            ids = {document_id(Kind.PAYMENT, external_id) for external_id in keys[one.account.key]}
            if receipt.id not in {given.parts.get(own, own) for own in ids}:
                continue
            refused = tuple(fault.message for fault in result.findings if fault.subject == receipt.id)
            try:
                explanation = explain(result, receipt.id)
            except ValueError as error:
                explanation, refused = None, refused or (str(error),)
            found.append(
                Explained(
                    given.numbers[receipt.id],
                    debtors.named(one.account.key) or one.account.key,
                    receipt.currency,
                    receipt.amount_minor + receipt.fee_minor,
                    receipt.received_on,
                    receipt.text,
                    explanation,
                    given.numbers,
                    refused,
                )
            )
    return found


def explain_bank_row(tx: Tx, wanted: str) -> list[dict[str, Any]]:
    """What became of bank rows with this id or bank reference, as it was stored."""
    ids = [wanted, *(copy.ref.external_id for copy in copies.find(tx, wanted, kind=Kind.PAYMENT))]
    found = []
    for external_id in dict.fromkeys(ids):
        for system, row in payers.find_row(tx, external_id):
            told = {"system": system, "id": row.external_id, "outcome": row.outcome, "payment": row.payment_id}
            found.append({**told, "customer": row.customer, **json.loads(row.content)})
    return found


def must_be_found(found: object, wanted: str) -> None:
    """ActRefused if nothing bears the name."""
    if not found:
        raise ActRefused(
            f"no payment {wanted!r} counts in the books; `ledgerbridge show payment {wanted}` shows all copies"
        )
