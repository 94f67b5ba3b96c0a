"""The open items of all customers, by customer, currency, amount and number."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from ledgerbridge.reconciler.allocation import OpenItem
from ledgerbridge.reconciler.allocation.references import compact

from .numbers import NumberTable
from .values import Party, PartyItem


class View:
    """The open documents of one customer in one currency, as they were when it was made: by day, and by amount."""

    __slots__ = ("_amounts", "_by_amount", "_days", "_docs", "_issued")

    def __init__(self, docs: list[int], opened: Sequence[int], issued: Sequence[int]) -> None:
        self._docs = docs
        self._days = [issued[at] for at in docs]
        ranked = sorted([(opened[at], at) for at in docs])
        self._amounts = [amount for amount, _ in ranked]
        self._by_amount = [at for _, at in ranked]
        self._issued = issued

    def until(self, last_day: int) -> list[int]:
        """Documents issued by a day, oldest first."""
        return self._docs[: bisect_right(self._days, last_day)]

    def count(self, last_day: int) -> int:
        """How many documents were issued by a day."""
        return bisect_right(self._days, last_day)

    def near(self, low: int, high: int, last_day: int) -> list[int]:
        """Documents issued by a day with an open amount from `low` to `high`, the smallest amount first."""
        first, last = bisect_left(self._amounts, low), bisect_right(self._amounts, high)
        return [at for at in self._by_amount[first:last] if self._issued[at] <= last_day]


class Ledger:
    """Documents are known by their running number, in the order of customer, day and id. Credit notes take no part.

    `open` may be lowered as documents are settled; nothing else changes. Memory grows with the documents alone.
    """

    def __init__(self, parties: Sequence[Party], items: Iterable[PartyItem]) -> None:
        """Items of a customer that is not among `parties`, and credit notes, are passed over."""
        places = {party.id: at for at, party in enumerate(parties)}
        known = [
            (places[one.customer], one.item.issued_on.toordinal(), one.item.id, one.item)
            for one in items
            if one.customer in places and one.item.amount_minor > 0
        ]
        known.sort(key=lambda one: one[:3])
        self.items: list[OpenItem] = [one[3] for one in known]
        self.owner = [one[0] for one in known]
        self.issued = [one[1] for one in known]
        self.open = [item.open_minor for item in self.items]
        self.numbers = NumberTable((item.numbers, item.references) for item in self.items)
        self._amounts: dict[str, tuple[list[int], list[int]]] = {}
        self._views: dict[tuple[int, str], View] = {}
        self._keys: dict[int, tuple[str, ...]] = {}
        self._round: dict[tuple[str, int], float] = {}
        self.index_amounts()

    def index_amounts(self) -> None:
        """Look amounts up as they are open now."""
        by_currency: dict[str, list[tuple[int, int]]] = {}
        for at, amount in enumerate(self.open):
            if amount > 0:
                by_currency.setdefault(self.items[at].currency, []).append((amount, at))
        self._amounts = {}
        self._views = {}
        self._round = {}
        for currency, found in by_currency.items():
            found.sort()
            self._amounts[currency] = [amount for amount, _ in found], [at for _, at in found]

    def near(self, currency: str, low: int, high: int, most: int) -> list[int]:
        """Documents of all customers with an open amount from `low` to `high`; none if there are more than `most`."""
        amounts, docs = self._amounts.get(currency, ([], []))
        first, last = bisect_left(amounts, low), bisect_right(amounts, high)
        return docs[first:last] if last - first <= most else []

    def how_many(self, currency: str, amount: int) -> tuple[int, int]:
        """How many documents have just this open amount, and how many are open in the currency."""
        return self.how_many_between(currency, amount, amount)

    def how_many_between(self, currency: str, low: int, high: int) -> tuple[int, int]:
        """How many documents have an open amount from `low` to `high`, and how many are open in the currency."""
        amounts = self._amounts.get(currency, ([], []))[0]
        return bisect_right(amounts, high) - bisect_left(amounts, low), len(amounts)

    def round_share(self, currency: str, step: int) -> float:
        """The share of open amounts of a currency that are multiples of `step`, as of the last :meth:`index_amounts`; above 0."""
        found = self._round.get((currency, step))
        if found is None:
            amounts = self._amounts.get(currency, ([], []))[0]
            multiples = sum(1 for amount in amounts if amount % step == 0)
            found = self._round[currency, step] = (multiples + 1) / (len(amounts) + 1)
        return found

    def view(self, customer: int, currency: str) -> View:
        """The customer's open documents of a currency, as of the last :meth:`index_amounts`."""
        found = self._views.get((customer, currency))
        if found is None:
            first, last = bisect_left(self.owner, customer), bisect_right(self.owner, customer)
            opened, items = self.open, self.items
            docs = [at for at in range(first, last) if opened[at] > 0 and items[at].currency == currency]
            found = self._views[customer, currency] = View(docs, opened, self.issued)
        return found

    def keys(self, at: int) -> tuple[str, ...]:
        """A document's numbers, and those of its order or contract, as they are compared."""
        found = self._keys.get(at)
        if found is None:
            item = self.items[at]
            found = self._keys[at] = tuple(map(compact, (*item.numbers, *item.references)))
        return found
