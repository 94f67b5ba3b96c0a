"""The leading system against every other one that holds documents: findings put aside, balances with the causes of gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from ledgerbridge.model.base import Kind
from ledgerbridge.model.exception import Code, Finding
from ledgerbridge.model.reconciliation import CauseLine, ComparedBooks
from ledgerbridge.reconciler.comparison import NOT_LINKED, BalanceComparison, Scope, unexplained
from ledgerbridge.reconciler.identity import parts
from ledgerbridge.store import Tx, identity, ledgers, links, quarantine, totals
from ledgerbridge.sync.comparing import Comparing, comparing
from ledgerbridge.sync.planning_spool import Spool

from .books import directory
from .rules import Rules

_DOCUMENTS = (Kind.INVOICE, Kind.PAYMENT)
_TWO = 2
_ROUNDS: Final = 3
"""How often a comparison of some customers may take in others, before it rather reads everything."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison: where its findings are recorded, the findings (JSON lines), and the balances per currency.

    `alike`: customers of both systems that no link ties, though documents of the one stand under the other.
    """

    system: str
    scope: str
    found: Spool
    books: tuple[ComparedBooks, ...]
    alike: tuple[Finding, ...]


def compared_systems(tx: Tx, rules: Rules, linked: Sequence[str]) -> list[tuple[str, tuple[Kind, ...]]]:
    """The systems to compare, and the kinds that both they and the leading one hold."""
    held = {stream for stream, sums in totals.every(tx).items() if sums}
    found = []
    for system in linked:
        kinds = tuple(kind for kind in _DOCUMENTS if (system, kind) in held and (rules.lead, kind) in held)
        if system != rules.lead and system not in rules.apart and kinds:
            found.append((system, kinds))
    return found


def compare(
    tx: Tx, rules: Rules, system: str, kinds: tuple[Kind, ...], as_of: date, only: frozenset[str] | None
) -> Compared:
    """Compare one system with the leading one as of a day; `only`: what concerns these accounts.

    Where documents stand under a customer of which the leading system knows nothing, most of one customer's, the two customers
    are probably one and only the link is missing: one finding about the customers, not one for each document. So it is with a
    customer whose record waits in quarantine: a partial system has it all the same, and what it lacks of it is missing there.
    """
    partial = system in rules.partial
    doubted = _doubted(tx, rules.lead, system)
    scope = Scope(rules.lead, system, kinds, as_of=as_of, tolerances=rules.tolerances, doubted=doubted)
    once, read = _first(tx, scope, only, partial=partial)
    alike = _alike(tx, scope, once)
    unlinked = _waiting(tx, scope, once.not_linked) if partial else frozenset()
    if alike or unlinked:
        once.found.__exit__(None, None, None)
        scope = replace(scope, doubted=doubted | alike.keys())
        there = unlinked | {ours for ours, _ in alike}
        once = _compared(scope, comparing(tx, scope, partial=partial, there=there, only=read), only)
    pairs = tuple(_unlinked(tx, rules.lead, system, alike)) if only is None else ()
    return Compared(system, f"compare:{rules.lead}:{system}", once.found, once.books, pairs)


@dataclass(frozen=True, slots=True)
class _Once:
    """One way through. By customer of the compared system, whose documents of the leading one are there under it:
    `stands_under` by mistake, `not_linked` because nobody has linked the two.
    """

    found: Spool
    books: tuple[ComparedBooks, ...]
    stands_under: dict[str, Counter[str]]
    not_linked: dict[str, Counter[str]]

    def beside(self) -> set[str]:
        """The accounts on both sides of documents that stand elsewhere."""
        pairs = [*self.stands_under.items(), *self.not_linked.items()]
        return {key for other, by_customer in pairs for key in (other, *by_customer)}


def _first(tx: Tx, scope: Scope, only: frozenset[str] | None, *, partial: bool) -> tuple[_Once, frozenset[str] | None]:
    """The first way through, and the accounts whose documents were read for it (None: everybody's).

    Which customers are probably one is told from all documents of both: those that stand elsewhere bring in the customers
    that they stand under, and these theirs in turn, so that for `only` the answer is that of a comparison of everybody.
    """
    nameless = {f"{scope.leading}/", f"{scope.compared}/"}  # whose documents nothing that is said of a customer finds
    read = only
    for _ in range(_ROUNDS):
        if read is None or read & nameless:
            break
        once = _compared(scope, comparing(tx, scope, partial=partial, only=read), only)
        more = read | once.beside()
        if more == read:
            return once, read
        once.found.__exit__(None, None, None)
        read = more
    return _compared(scope, comparing(tx, scope, partial=partial), only), None


def _compared(scope: Scope, under_way: Comparing, only: Collection[str] | None) -> _Once:
    found = Spool()
    times: Counter[tuple[str, str]] = Counter()
    stands_under: dict[str, Counter[str]] = {}
    not_linked: dict[str, Counter[str]] = {}
    elsewhere: dict[str, dict[str, Counter[str]]] = {Code.CUSTOMER_DIFFERS: stands_under, NOT_LINKED: not_linked}
    for difference in under_way.differences():
        moved = [effect for effect in difference.effects if only is None or effect.account in only]
        times.update({(effect.currency, difference.cause) for effect in moved})  # once, though it moves two balances
        finding = difference.finding
        touched = {finding.customer if finding else None, *(effect.account for effect in difference.effects)}
        if finding is not None and (only is None or touched.intersection(only)):
            found.add(finding.model_dump_json(exclude_defaults=True))
        if difference.cause in elsewhere and len(difference.effects) == _TWO:
            ours, theirs = (effect.account for effect in difference.effects)
            elsewhere[difference.cause].setdefault(theirs, Counter())[ours] += 1
    sums = _Sums(scope.leading, scope.compared, times)
    for balance in under_way.balances():
        if only is not None and balance.account not in only:
            continue
        sums.add(balance)
        finding = unexplained(balance, scope, {balance.account: under_way.account(balance.account)})
        if finding is not None:
            found.add(finding.model_dump_json(exclude_defaults=True))
    books = sums.books(under_way.totals if only is None else {})
    return _Once(found, books, stands_under, not_linked)


def _waiting(tx: Tx, scope: Scope, not_linked: dict[str, Counter[str]]) -> frozenset[str]:
    """Customers that the compared system has without a link: most documents under a record of it that waits in quarantine, or
    that may be theirs, are theirs.
    """
    unread = {f"{scope.compared}/{own}" for own in quarantine.open_ids(tx, scope.compared, Kind.CUSTOMER)}
    found = set()
    for other, by_customer in not_linked.items():
        (first, most), *rest = by_customer.most_common(_TWO)
        if (other in unread or (first, other) in scope.doubted) and (not rest or rest[0][1] < most):
            found.add(first)
    return frozenset(found)


def _alike(tx: Tx, scope: Scope, once: _Once) -> dict[tuple[str, str], int]:
    """Pairs of customers (leading, compared) that are probably one, with the number of documents that say so: the leading
    system has no documents of the compared one, and most that stand under it are the leading one's; where two have as many,
    it is the one whose name is alike. One with a counterpart of its own, linked or in doubt, is passed over unless the names are
    alike: the other would be a double of that.
    """
    if not once.stands_under:
        return {}
    with_documents = {account.key for account in directory(tx, scope.leading).accounts}
    ours, theirs = ledgers.accounts(tx, scope.leading).entities, ledgers.accounts(tx, scope.compared).entities
    paired = theirs.keys() | {one for by_customer in once.not_linked.values() for one in by_customer}
    pairs = {}
    for other, by_customer in once.stands_under.items():
        alike = {one for one in by_customer if _same_brand(ours.get(one, ""), theirs.get(other, ""))}
        elsewhere = {one: count for one, count in by_customer.items() if one in paired and one not in alike}
        ranked = sorted(((by_customer[one], one in alike, one) for one in by_customer.keys() - elsewhere), reverse=True)
        if not ranked or other in with_documents:
            continue
        most, same_brand, first = ranked[0]
        plain = len(ranked) == 1 or ranked[1][:2] < ranked[0][:2]
        others = max((*elsewhere.values(), *once.not_linked.get(other, Counter()).values()), default=0)
        if plain and (same_brand or most > others):
            pairs[first, other] = most
    return pairs


def _same_brand(one: str, other: str) -> bool:
    left, right = parts(one).brand, parts(other).brand
    return bool(left and right) and (left in right or right in left)


def _unlinked(tx: Tx, leading: str, system: str, alike: dict[tuple[str, str], int]) -> Iterator[Finding]:
    """A finding for each pair: link them, or say that they are two."""
    refs = links.refs_of(tx, sorted({key for pair in alike for key in pair}), Kind.CUSTOMER)
    names = ledgers.accounts(tx, leading).entities
    for (ours, theirs), count in sorted(alike.items()):
        left = next((one.ref for one in refs.get(ours, ()) if one.system == leading), None)
        right = next((one.ref for one in refs.get(theirs, ()) if one.system == system), None)
        if left is not None and right is not None:
            yield Finding(
                code=Code.AMBIGUOUS_LINK,
                kind=Kind.CUSTOMER,
                systems=(leading, system),
                refs=(left, right),
                customer=ours,
                customer_name=names.get(ours),
                number=right.external_id,
                evidence={"documents_in_common": count},
                action="link",
            )


def _doubted(tx: Tx, leading: str, system: str) -> frozenset[tuple[str, str]]:
    """Pairs of entities of both systems that may be one customer and wait for a person."""
    pairs = [
        {doubt.left.system: doubt.left.external_id, doubt.right.system: doubt.right.external_id}
        for doubt in identity.doubts(tx, Kind.CUSTOMER)
    ]
    both = [pair for pair in pairs if pair.keys() == {leading, system}]
    ours, theirs = (
        links.entities_of(tx, name, Kind.CUSTOMER, [pair[name] for pair in both]) for name in (leading, system)
    )
    return frozenset(
        (ours[pair[leading]], theirs[pair[system]]) for pair in both if pair[leading] in ours and pair[system] in theirs
    )


class _Sums:
    """Balances that differ, per currency."""

    def __init__(self, leading: str, system: str, times: Counter[tuple[str, str]]) -> None:
        self._leading, self._system, self._times = leading, system, times
        self._sides: dict[str, list[int]] = {}
        self._causes: dict[str, dict[str, int]] = {}
        self._off: dict[str, int] = {}
        self._unexplained: dict[str, int] = {}

    def add(self, balance: BalanceComparison) -> None:
        currency = balance.currency
        side = self._sides.setdefault(currency, [0, 0])
        side[0] += balance.leading_minor
        side[1] += balance.compared_minor
        self._off[currency] = self._off.get(currency, 0) + bool(balance.gap_minor)
        self._unexplained[currency] = self._unexplained.get(currency, 0) + balance.unexplained_minor
        for cause in balance.causes:
            sums = self._causes.setdefault(currency, {})
            sums[cause.name] = sums.get(cause.name, 0) + cause.minor

    def books(self, whole: dict[str, tuple[int, int]]) -> tuple[ComparedBooks, ...]:
        """Per currency; `whole` are the sums of all balances, those that agree among them."""
        found = []
        for currency in sorted(self._sides.keys() | whole.keys()):
            leading, compared = whole.get(currency, tuple(self._sides.get(currency, (0, 0))))
            causes = self._causes.get(currency, {})
            found.append(
                ComparedBooks(
                    leading=self._leading,
                    compared=self._system,
                    currency=currency,
                    leading_minor=leading,
                    compared_minor=compared,
                    causes=tuple(
                        CauseLine(cause=name, times=self._times[currency, name], minor=minor)
                        for name, minor in sorted(causes.items(), key=lambda item: (-abs(item[1]), item[0]))
                    ),
                    unexplained_minor=self._unexplained.get(currency, 0),
                    customers_off=self._off.get(currency, 0),
                )
            )
        return tuple(found)
