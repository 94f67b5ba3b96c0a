"""Two ledgers compared from the store: every difference, and every customer's balance with the causes of its gap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from ledgerbridge.model.exception import Finding
from ledgerbridge.model.ledger import Account
from ledgerbridge.reconciler.comparison import (
    Aspect,
    BalanceComparison,
    CauseBook,
    Difference,
    Scope,
    compare_balances,
    differences,
    out_of_scope,
    unexplained,
)
from ledgerbridge.store import ledgers
from ledgerbridge.store.ledger_numbers import numbers_of
from ledgerbridge.store.tx import Tx

_COLUMNS: Final = {
    Aspect.TAX: "tax_minor",
    Aspect.FEE: "fee_minor",
    Aspect.DUE_DATE: "due_on",
    Aspect.DOCUMENT_KIND: "doc_kind",
}


@dataclass(slots=True)
class Comparing:
    """One comparison under way, in one reading transaction. Take the differences first, all of them, then the balances.

    ``counts`` says how many differences of each cause there were. With `partial` the compared system is meant to have only some
    customers: those it has decide what it should hold. With `only` documents are read that concern these accounts, and their
    balances: what is said of other accounts is then not whole.
    """

    tx: Tx
    scope: Scope
    only: frozenset[str] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    totals: dict[str, tuple[int, int]] = field(default_factory=dict)
    """All balances together by currency, leading and compared, once :meth:`balances` has been used up."""
    _book: CauseBook = field(default_factory=CauseBook)
    _accounts: tuple[ledgers.Accounts, ledgers.Accounts] | None = None
    _done: bool = False

    def differences(self) -> Iterator[Difference]:
        """All differences between documents, as they are found: kind by kind, by number."""
        leading, compared = self._sides()
        groups = (
            group
            for kind in self.scope.kinds
            for group in ledgers.differing(
                self.tx,
                kind,
                leading,
                compared,
                optional={_COLUMNS[aspect] for aspect in self.scope.aspects},
                among=None if self.only is None else numbers_of(self.tx, kind, (leading, compared), self.only),
            )
        )
        for difference in differences(groups, self.scope):
            self._book.add(difference)
            self.counts[difference.cause] = self.counts.get(difference.cause, 0) + 1
            yield difference
        self._done = True

    def balances(self) -> Iterator[BalanceComparison]:
        """Every balance that differs or was moved by a difference; those of customers out of scope are left out."""
        if not self._done:
            raise RuntimeError("the balances come after the differences: their causes are not known yet")
        kinds, as_of = self.scope.kinds, self.scope.as_of
        leading, compared = ledgers.every_balance(self.tx, kinds, self._sides(), as_of=as_of, only=self.only)
        for at, side in enumerate((leading, compared)):
            for (_, currency), minor in side.items():
                self._count(currency, *((minor, 0) if at == 0 else (0, minor)))
        for balance in compare_balances(leading, compared, self._book):
            if out_of_scope(balance):
                self._count(balance.currency, -balance.leading_minor, -balance.compared_minor)
            else:
                yield balance

    def _count(self, currency: str, leading_minor: int, compared_minor: int) -> None:
        before = self.totals.get(currency, (0, 0))
        self.totals[currency] = before[0] + leading_minor, before[1] + compared_minor

    def findings(self) -> Iterator[Finding]:
        """All findings: those of documents, then a line for every balance that is not wholly explained."""
        for difference in self.differences():
            if difference.finding is not None:
                yield difference.finding
        for balance in self.balances():
            finding = unexplained(balance, self.scope, {balance.account: self.account(balance.account)})
            if finding is not None:
                yield finding

    def account(self, key: str) -> Account:
        """The customer behind an account's key, by the name that the leading system has for it."""
        for side in self._sides():
            if key in side.entities:
                return Account(key, key, side.entities[key])
        return Account(key, None, key.partition("/")[2] or None)

    def _sides(self) -> tuple[ledgers.Accounts, ledgers.Accounts]:
        if self._accounts is None:
            self._accounts = (
                ledgers.accounts(self.tx, self.scope.leading),
                ledgers.accounts(self.tx, self.scope.compared),
            )
        return self._accounts


def comparing(
    tx: Tx,
    scope: Scope,
    *,
    partial: bool = False,
    there: frozenset[str] = frozenset(),
    only: frozenset[str] | None = None,
) -> Comparing:
    """A comparison in a reading transaction. `partial`: the compared system has only some customers (a salesperson's list);
    documents of the others are not missed there. `there`: entities that it has though no record of it is linked to them.
    `only`: of these accounts.
    """
    if not partial:
        return Comparing(tx, scope, only)
    sides = ledgers.accounts(tx, scope.leading), ledgers.accounts(tx, scope.compared)
    found = Comparing(tx, replace(scope, held=there | sides[1].entities.keys()), only)
    found._accounts = sides  # noqa: SLF001 (made here)
    return found
