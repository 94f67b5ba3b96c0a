"""Which damaged bank rows can be known from what they say, decided without the engine.

:class:`Knowable` tries which customers and documents could have produced what a row shows, by the rules of damage of
:mod:`damaged_rows` alone. A row is knowable if only the truth could.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from itertools import combinations

from damaged_rows import FEE_MAX, Books, Truth
from rapidfuzz import process
from rapidfuzz.distance import OSA

from ledgerbridge.reconciler.allocation import OpenItem


def plain(number: str) -> str:
    """Without signs."""
    return "".join(one for one in number if one.isalnum())


class Knowable:
    """Which rows can be known: tries all customers and documents that could have produced what a row shows."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.docs: dict[str, list[OpenItem]] = defaultdict(list)
        self.owner: dict[str, str] = {}
        self.item: dict[str, OpenItem] = {}
        numbers: dict[str, set[str]] = defaultdict(set)
        for customer, item in books.items:
            self.docs[customer].append(item)
            self.owner[item.id] = customer
            self.item[item.id] = item
            for number in (*item.numbers, *item.references):
                numbers[plain(number)].add(item.id)
        self.numbers = numbers
        self.list = sorted(numbers)
        self.names: dict[str, set[str]] = defaultdict(set)
        for firm in books.firms:
            for name in (*firm.spellings(), *firm.abbreviations(), *firm.translations()):
                self.names[name.strip()].add(firm.id)
        self.accounts = {party.accounts[0]: party.id for party in books.parties if party.accounts}
        self.sums = sorted((one.open_minor, one.id) for _, one in books.items)
        self.paid_for: dict[str, set[str]] = defaultdict(set)
        self.typed_cache: dict[str, set[str]] = {}
        self.deductions = any("deduction" in one.kinds for one in books.truths)

    def mark(self) -> None:
        """Set `knowable` on every row; what knowable rows tell of their payers helps the others, until nothing changes."""
        while True:
            fresh = [one for one in self.books.truths if one.docs and not one.knowable and self._only_truth(one)]
            if not fresh:
                return
            for one in fresh:
                one.knowable = True
                for key in filter(None, (one.row.payer_account, one.row.payer_name.strip())):
                    self.paid_for[key].add(one.customer or "")

    def _only_truth(self, truth: Truth) -> bool:
        customers = self._customers(truth)
        if customers is None and not truth.typed:
            return False  # an amount alone
        pools = self._pools(truth, customers)
        for parts in (False, True):  # a part payment is believed only where nothing adds up
            readings = set()
            for _, pool in pools:
                readings |= self._readings(truth, pool, parts=parts)
                if len(readings) > 1:
                    return False
            if readings:
                return readings == {truth.docs}
        return False

    def _customers(self, truth: Truth) -> set[str] | None:
        """Whom the payer may have paid for; None: anybody."""
        row = truth.row
        if row.payer_account in self.accounts:
            return {self.accounts[row.payer_account]}
        known = self.names.get(row.payer_name.strip())
        if known:
            return known
        learned = self.paid_for.get(row.payer_account) or self.paid_for.get(row.payer_name.strip())
        return learned or None

    def _pools(self, truth: Truth, customers: set[str] | None) -> list[tuple[str, list[OpenItem]]]:
        if customers is None:
            found = set.union(*(self._typed(one) for one in truth.typed))
            customers = {self.owner[one] for one in found}
        day = truth.row.received_on
        return [(one, [doc for doc in self.docs[one] if doc.issued_on <= day]) for one in sorted(customers)]

    def _typed(self, typed: str) -> set[str]:
        """Documents whose number may have become this."""
        key = plain(typed)
        if key not in self.typed_cache:
            near = process.extract(key, self.list, scorer=OSA.distance, score_cutoff=2, limit=None)
            found = {number for number, _, _ in near if key in once(number)}
            if not found:  # two damages are believed only where one explains nothing
                found = {number for number, _, _ in near if could_become(number, key)}
            if len(key) >= 4:
                found |= {one for one in self.list if one != key and cut_could_be(one, key)}
            if len(key) >= 4 and not found:
                found = {one for one in self.list if len(one) > len(key) and end_could_become(one, key)}
            whole = self.numbers.get(key)
            self.typed_cache[key] = set(whole) if whole else {doc for one in found for doc in self.numbers[one]}
        return self.typed_cache[key]

    def _readings(self, truth: Truth, pool: list[OpenItem], *, parts: bool) -> set[tuple[str, ...]]:
        """Sets of documents of one customer that may have produced the row."""
        mine = {one.id for one in pool}
        named = [self._typed(one) & mine for one in truth.typed]
        if truth.typed and not all(named):
            return set()
        low = truth.row.amount_minor
        high = low + FEE_MAX if truth.row.amount_minor else low
        if not self.deductions:
            high = low
        found = set()
        if parts and not named:
            return set()
        if not named:
            return {tuple(sorted(some)) for some in sums_within(pool, low, high)}
        choices: list[tuple[str, ...]] = [()]
        for docs in named:
            choices = [(*some, doc) for some in choices[:200] for doc in sorted(docs) if doc not in some]
        for some in choices:
            total = sum(self.item[one].open_minor for one in some)
            if total > high and len(some) == 1 if parts else low <= total <= high:
                found.add(tuple(sorted(some)))
        if "等" in truth.row.text and not parts:
            rest = [one for one in pool if one.id not in named[0]]
            for doc in sorted(named[0]):
                need = self.item[doc].open_minor
                others = [one for one in rest if one.id != doc]
                for some in sums_within(others, low - need, high - need):
                    found.add(tuple(sorted((doc, *some))))
        return found


def sums_within(pool: list[OpenItem], low: int, high: int) -> list[tuple[str, ...]]:
    """Sets of one to three documents, and runs of four, whose total lies between; no more than three of them."""
    if high <= 0:
        return []
    amounts = sorted((one.open_minor, one.id) for one in pool if one.open_minor <= high)
    found: list[tuple[str, ...]] = [(one,) for amount, one in amounts if low <= amount]
    pairs = sorted((a[0] + b[0], a[1], b[1]) for a, b in combinations(amounts, 2)) if len(amounts) <= 300 else []
    found += [pair[1:] for pair in pairs[bisect_left(pairs, (low,)) : bisect_right(pairs, (high + 1,))]]
    if len(amounts) <= 120:
        for amount, one in amounts:
            start, end = bisect_left(pairs, (low - amount,)), bisect_right(pairs, (high - amount + 1,))
            found += [(first, second, one) for _, first, second in pairs[start:end] if one < first and one < second]
            if len(found) > 3:
                break
    for start in range(len(pool) - 3):
        run = pool[start : start + 4]
        if low <= sum(one.open_minor for one in run) <= high:
            found.append(tuple(one.id for one in run))
    return [tuple(some) for some in found if len(set(some)) == len(some)][:4]


def once(number: str) -> set[str]:
    """All that one damage makes of a number."""
    found = set()
    for at, one in enumerate(number):
        if one.isdigit():
            found |= {number[:at] + number[at + 1 :], number[:at] + one + number[at:]}
            if at + 1 < len(number) and number[at + 1].isdigit():
                found.add(number[:at] + number[at + 1] + one + number[at + 2 :])
    return found


def could_become(number: str, typed: str) -> bool:
    """Within two damages."""
    if number == typed:
        return True
    first = once(number)
    return typed in first or any(typed in once(one) for one in first if OSA.distance(one, typed, score_cutoff=1) <= 1)


def cut_could_be(number: str, typed: str) -> bool:
    """The last characters of a number, or all but one or two of them."""
    return number.endswith(typed) or (number.startswith(typed) and len(number) - len(typed) <= 2)


def end_could_become(number: str, typed: str) -> bool:
    """Cut, and damaged once before or after."""
    return any(
        typed in once(number[-size:]) for size in (len(typed) - 1, len(typed), len(typed) + 1) if 0 < size < len(number)
    )
