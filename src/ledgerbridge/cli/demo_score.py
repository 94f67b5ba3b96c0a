"""How well a reconciliation did, judged by the sandbox's ground truth: every planted discrepancy found, nothing else reported,
no payment applied to the wrong document. Belongs to the demo and its tests; the product knows no truth.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ledgerbridge.model.base import Kind

if TYPE_CHECKING:
    from ledgerbridge.store import Tx

SYSTEMS: Final = {"yonyou_u8": "erp", "yonyou_bip": "bip", "fxiaoke": "crm", "zoho_crm": "zoho", "sheet": "sheet"}
_CODES: Final = {"payment_to_wrong_customer": "customer_differs", "voided_on_one_side": "void_on_one_side"}
_UNSEEN: Final = {"sheet": {"status_differs", "voided_on_one_side", "duplicate"}}
"""The salespersons' list has no column for the status, and its connector sets a row aside that repeats a number."""
Sighting = tuple[str, str, str, str, str, int]
"""System, code, kind, number, currency, and what it does to the balance."""


@dataclass(slots=True)
class Score:
    """What was planted and what was found; `hidden` could not be seen by anybody, `customers` are the links' business.

    `pairs` counts payment and document pairs that the machine applied without the ERP's word, by pass, `wrong` those that are
    not true; `payments`: how many were applied by each pass, of `payments_all`.
    """

    planted: Counter[Sighting] = field(default_factory=Counter)
    found: Counter[Sighting] = field(default_factory=Counter)
    hidden: int = 0
    customers: int = 0
    pairs: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, str, str, int]] = field(default_factory=list)
    payments: Counter[str] = field(default_factory=Counter)
    payments_all: int = 0

    @property
    def missed(self) -> Counter[Sighting]:
        """Planted and not found."""
        return self.planted - self.found

    @property
    def extra(self) -> Counter[Sighting]:
        """Found and not planted."""
        return self.found - self.planted

    @property
    def perfect(self) -> bool:
        """Everything planted is found, nothing else is, and no money went to the wrong document."""
        return not (self.missed or self.extra or self.wrong)

    def lines(self) -> list[str]:
        """For people."""
        systems = sorted({key[0] for key in self.planted} | {key[0] for key in self.found})
        told = []
        for system in systems:
            planted, missed, extra = (
                sum(count for key, count in counted.items() if key[0] == system)
                for counted in (self.planted, self.missed, self.extra)
            )
            told.append(
                f"  {system:<6} planted {planted:>3}   found {planted - missed:>3}   reported beside {extra:>3}"
            )
        planted, missed = self.planted.total(), self.missed.total()
        told.append(
            f"  all    planted {planted:>3}   found {planted - missed:>3}   reported beside {self.extra.total():>3}   "
            f"({self.hidden} more cannot be seen in a list without a status column)"
        )
        for name, counted in (("missed", self.missed), ("beside", self.extra)):
            told += [f"  {name}: {' '.join(map(str, key))}" for key in sorted(counted)]
        by_pass = ", ".join(f"{rule} {count}" for rule, count in self.payments.most_common())
        told.append(
            f"  payments applied without the ERP's word: {self.payments.total()} of {self.payments_all} ({by_pass})"
        )
        told.append(f"  of {self.pairs.total()} pairs of payment and document, wrong: {len(self.wrong)}")
        told += [f"  wrong: {rule} {payment} → {invoice} {minor}" for rule, payment, invoice, minor in self.wrong]
        return told


def scored(tx: Tx, truth: dict[str, Any], lead: str = "erp") -> Score:
    """Judge what a reconciliation as of the world's last day has recorded."""
    score = Score()
    _plant(score, truth)
    _find(score, tx, lead)
    _judge_cash(score, tx, truth, lead)
    return score


def read_truth(path: Path) -> dict[str, Any]:
    """The sandbox's ground truth."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _plant(score: Score, truth: dict[str, Any]) -> None:
    for one in truth["planted"]:
        system = SYSTEMS[one["system"]]
        if not one["finding"] or one["against"] != "yonyou_u8":
            continue
        if one["kind_of_record"] == "customer":
            score.customers += 1
        elif one["planted"] in _UNSEEN.get(system, ()):
            score.hidden += 1
        else:
            code = _CODES.get(one["planted"], one["planted"])
            key = (system, code, one["kind_of_record"], one["record_number"], one["currency"], one["amount"])
            score.planted[key] += 1


def _find(score: Score, tx: Tx, lead: str) -> None:
    from ledgerbridge.store import exceptions

    for system in SYSTEMS.values():
        wanted = exceptions.Wanted(scope=f"compare:{lead}:{system}")
        for one in exceptions.every(tx, wanted):
            found = one.finding
            money = found.difference
            currency, minor = (money.currency, money.minor) if money else ("", 0)
            score.found[system, found.code.value, found.kind.value, found.number or "", currency, minor] += 1


def _judge_cash(score: Score, tx: Tx, truth: dict[str, Any], lead: str) -> None:
    """Pairs that the machine applied against those that are true; the ERP's own word and pairs without money are not judged."""
    from ledgerbridge.store import allocations, copies

    numbers = {
        f"{kind}/{copy.ref.external_id}": copy.number or ""
        for kind in (Kind.INVOICE, Kind.PAYMENT)
        for copy in copies.every(tx, lead, kind)
    }
    true: Counter[tuple[str, str]] = Counter()
    for one in truth["allocations"]:
        true[one["receipt_number"], one["invoice_number"]] += one["amount"]
    by_payment: dict[str, str] = {}
    for _, rows in allocations.every(tx, lead):
        for row in rows:
            sides = {key.partition("/")[0]: numbers.get(key, key) for key in (row.debit_id, row.credit_id)}
            if row.rule == "given" or sides.keys() != {"invoice", "payment"}:
                continue
            score.pairs[row.rule] += 1
            by_payment.setdefault(sides["payment"], row.rule)
            if row.amount_minor > abs(true[sides["payment"], sides["invoice"]]):
                score.wrong.append((row.rule, sides["payment"], sides["invoice"], row.amount_minor))
    score.payments.update(by_payment.values())
    score.payments_all = sum(key.startswith("payment/") for key in numbers)
