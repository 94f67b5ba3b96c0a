"""The comparison itself: number by number, then balance by balance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ledgerbridge.model.base import Kind
from ledgerbridge.model.exception import Code, Finding
from ledgerbridge.model.ledger import Account, Balances, LedgerDocument, NumberGroup
from ledgerbridge.model.money import Money

from .differing import alone, compared, shown
from .pairing import paired
from .parts import put_together
from .scope import Scope
from .values import NOT_HELD, BalanceComparison, CauseBook, Difference


@dataclass(slots=True)
class _Waiting:
    """Linked documents whose number the other system does not have; they may be linked to one of another number."""

    leading: dict[tuple[Kind, str], tuple[LedgerDocument, tuple[LedgerDocument, ...]]] = field(default_factory=dict)
    compared: dict[tuple[Kind, str], tuple[LedgerDocument, tuple[LedgerDocument, ...]]] = field(default_factory=dict)


def differences(groups: Iterable[NumberGroup], scope: Scope) -> Iterator[Difference]:
    """All differences between the documents of two ledgers; groups that are the same on both sides may be left out.

    A number that both systems have is one document, or a multiset of them; a document whose number only one system has is
    looked for by its link. Memory grows only with linked documents that stand alone under their number.
    """
    waiting = _Waiting()
    for group in groups:
        if group.kind in scope.kinds:
            yield from _of_number(group, scope, waiting)
    for key, (document, twins) in waiting.leading.items():
        partner = waiting.compared.pop(key, None)
        if partner is None:
            yield from _lonely(document, scope, in_leading=True, twins=twins)
        else:
            yield from compared(document, partner[0], scope)
    for document, twins in waiting.compared.values():
        yield from _lonely(document, scope, in_leading=False, twins=twins)


def _of_number(group: NumberGroup, scope: Scope, waiting: _Waiting) -> Iterator[Difference]:
    ours, theirs = list(group.leading), list(group.compared)
    leading = put_together(ours, _wholes(theirs))
    others = put_together(theirs, _wholes(ours))
    pairs, left, right = paired(leading, others)
    for one, other in pairs:
        yield from compared(one, other, scope)
    for side, pool, rest, in_leading in (
        (leading, waiting.leading, left, True),
        (others, waiting.compared, right, False),
    ):
        for document in rest:
            twins = tuple(twin for twin in side if twin is not document)
            key = (document.kind, document.entity or "")
            if document.entity is None or key in pool or twins:
                yield from _lonely(document, scope, in_leading=in_leading, twins=twins)
            else:
                pool[key] = document, twins


def _wholes(records: list[LedgerDocument]) -> set[int]:
    """The amounts that payments of a number may have: of whole records, and of parts taken together."""
    found = {record.settled_minor for record in records if record.part is None}
    parts = [record.settled_minor for record in records if record.part is not None]
    return found | {sum(parts)} if parts else found


def _lonely(
    document: LedgerDocument, scope: Scope, *, in_leading: bool, twins: tuple[LedgerDocument, ...]
) -> Iterator[Difference]:
    found = alone(document, scope, in_leading=in_leading, twins=twins)
    if found is not None:
        yield found


def compare_balances(leading: Balances, compared: Balances, book: CauseBook) -> Iterator[BalanceComparison]:
    """Every balance that differs, or that differences have moved, with its causes; by account and currency.

    The balances must be summed from the documents themselves, never from the differences: this is what proves them whole.
    """
    for account, currency in sorted(leading.keys() | compared.keys() | book.lines.keys()):
        ours, theirs = leading.get((account, currency), 0), compared.get((account, currency), 0)
        causes = book.causes(account, currency)
        found = BalanceComparison(account, currency, ours, theirs, causes)
        if causes or found.gap_minor:
            yield found


def out_of_scope(balance: BalanceComparison) -> bool:
    """Whether a balance differs only because the compared system is not meant to have this customer."""
    return balance.unexplained_minor == 0 and all(cause.name == NOT_HELD for cause in balance.causes)


def unexplained(
    balance: BalanceComparison, scope: Scope, accounts: Mapping[str, Account] | None = None
) -> Finding | None:
    """The finding for a gap that no cause explains; None if all is explained."""
    if balance.unexplained_minor == 0:
        return None
    account = (accounts or {}).get(balance.account, Account(balance.account, None))
    return Finding(
        code=Code.BALANCE_UNEXPLAINED,
        kind=Kind.CUSTOMER,
        systems=(scope.leading, scope.compared),
        entity=account.entity,
        customer=account.entity,
        customer_name=account.name,
        number=balance.account[:200],
        difference=Money(minor=balance.unexplained_minor, currency=balance.currency),
        evidence={
            scope.leading: shown(balance.leading_minor, balance.currency),
            scope.compared: shown(balance.compared_minor, balance.currency),
            "causes": [[cause.name, cause.times, shown(cause.minor, balance.currency)] for cause in balance.causes],
        },
        action="investigate",
    )
