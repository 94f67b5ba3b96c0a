"""How fast cash is applied: open items and receipts of many customers, in memory, against a plain Decimal loop.

Both settle the same ledgers by the same rules (references in full, unique exact amounts, unique sums of two or three among
the twenty oldest, oldest first), each pass only while the ones before it find nothing more; their results are compared
match by match. They take turns in one process, so that the ratio holds on a machine whose speed drifts::

    python benchmarks/allocate.py                       # ratios at 200k x 180k, then 1M x 1M; some minutes
    python benchmarks/allocate.py --customers 200 --rounds 5 --no-full

The reference is straightforward on purpose: Decimal amounts, list scans, `in` for texts, itertools.combinations.
"""

from __future__ import annotations

import argparse
import functools
import random
import resource
import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from typing import NamedTuple, TypeVar

from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.reconciler.allocation import OpenItem, Policy, Receipt, Rule, SumLimits, allocate

_T = TypeVar("_T")
FIRST = date(2026, 1, 1)
WINDOW = 20
POLICY = Policy(
    passes=(Rule.REFERENCE, Rule.UNIQUE_AMOUNT, Rule.SUMS, Rule.OLDEST_FIRST),
    sums=SumLimits(
        size_max=3, whole_max=0, candidates_max=WINDOW, oldest_window=True, chance_ppm=None, of_payments=False,
        steps_max=10**9,
    ),
    amount_alone_min_minor=0,
    oldest_by_due=False,
)  # fmt: skip

Ledger = tuple[list[OpenItem], list[Receipt]]
Link = tuple[str, str, tuple[tuple[str, int], ...]]  # rule, payment, documents with amounts


class Document(NamedTuple):
    id: str
    number: str
    issued_on: date
    amount: Decimal


class Money(NamedTuple):
    id: str
    received_on: date
    amount: Decimal
    text: str


def sizes(customers: int, items: int, *, skewed: bool) -> list[int]:
    """Documents per customer: even, or falling as 1/rank so that the largest has about a ninth of all."""
    if not skewed:
        return [items // customers] * customers
    weights = [1 / rank for rank in range(1, customers + 1)]
    return [max(1, round(items * weight / sum(weights))) for weight in weights]


def ledgers(customers: int, items: int, receipts: int, *, skewed: bool, seed: int = 7) -> list[Ledger]:
    """Per customer: 45 % of payments name their documents, 25 % are one document's amount, 16 % a sum, the rest anything."""
    rng = random.Random(seed)
    made = []
    serial = 0
    for count in sizes(customers, items, skewed=skewed):
        documents = []
        for _ in range(count):
            serial += 1
            amount = rng.randrange(10_000, 5_000_000)
            documents.append(
                OpenItem(
                    id=f"I{serial:07d}", numbers=(f"XS2026{serial:07d}",), kind=InvoiceKind.INVOICE, amount_minor=amount,
                    open_minor=amount, currency="CNY", issued_on=FIRST + timedelta(days=rng.randrange(300)),
                )
            )  # fmt: skip
        documents.sort(key=lambda one: one.issued_on)
        made.append((documents, payments(rng, documents, max(1, round(count * receipts / items)), serial)))
    return made


def payments(rng: random.Random, documents: list[OpenItem], count: int, serial: int) -> list[Receipt]:
    found = []
    at = 0
    for number in range(count):
        draw = rng.random()
        take = 1 if draw < 0.70 else rng.choice((2, 3)) if draw < 0.86 else 0
        chosen = documents[at : at + take] or documents[-1:]
        at += take
        text = "付货款" + chosen[0].numbers[0] if draw < 0.45 else ""
        amount = sum(one.amount_minor for one in chosen) if take else rng.randrange(10_000, 5_000_000)
        found.append(
            Receipt(
                id=f"R{serial:07d}-{number}", amount_minor=amount, currency="CNY", text=text,
                received_on=max(one.issued_on for one in chosen) + timedelta(days=rng.randrange(1, 40)),
            )
        )  # fmt: skip
    return found


class Naive:
    """The plain loop: what somebody writes first who knows the rules."""

    def __init__(self, documents: list[Document], money: list[Money]) -> None:
        self.documents = sorted(documents, key=lambda one: (one.issued_on, one.id))
        self.money = sorted(money, key=lambda one: (one.received_on, one.id))
        self.open = {one.id: one.amount for one in documents}
        self.left = {one.id: one.amount for one in money}
        self.links: list[tuple[str, str, list[tuple[str, Decimal]]]] = []

    def run(self) -> list[tuple[str, str, list[tuple[str, Decimal]]]]:
        while True:
            self.held: set[str] = set()
            self.wanted: set[str] = set()
            if not (self.references() or self.amounts() or self.sums() or self.oldest()):
                return self.links

    def take(self, rule: str, money: Money, documents: list[Document]) -> None:
        self.links.append((rule, money.id, [(one.id, self.open[one.id]) for one in documents]))
        for one in documents:
            self.left[money.id] -= self.open[one.id]
            self.open[one.id] = Decimal(0)

    def named(self, money: Money) -> list[Document]:
        return [one for one in self.documents if one.number in money.text] if money.text else []

    def references(self) -> bool:
        readings = []
        for money in self.money:
            if self.left[money.id] > 0:
                named = self.named(money)
                still = [one for one in named if self.open[one.id] > 0]
                total = sum(self.open[one.id] for one in still)
                if named and not still and self.left[money.id] == money.amount:
                    self.held.add(money.id)
                elif still and total <= self.left[money.id]:
                    readings.append((money, still))
                elif still:
                    self.wanted.update(one.id for one in still)
        found = False
        for money, named in readings:
            others = [one.id for other, more in readings if other is not money for one in more]
            if any(one.id in others or one.id in self.wanted for one in named):
                self.held.add(money.id)
                continue
            self.take("reference", money, named)
            found = True
        for money, named in readings:
            if money.id in self.held:
                self.wanted.update(one.id for one in named)
        return found

    def asks(self, money: Money) -> bool:
        return any(self.open[one.id] > 0 for one in self.named(money))

    def amounts(self) -> bool:
        fits = []
        for money in self.money:
            if self.left[money.id] > 0:
                equal = [
                    one
                    for one in self.documents
                    if self.open[one.id] == self.left[money.id] and one.issued_on <= money.received_on
                ]
                if equal and not self.asks(money):
                    fits.append((money, equal))
        found = False
        for money, equal in fits:
            if money.id in self.held:
                continue
            rivals = [other for other, more in fits if other is not money and equal[0] in more]
            if len(equal) > 1 or rivals or equal[0].id in self.wanted:
                self.held.add(money.id)
                self.wanted.update(one.id for one in equal)
            else:
                self.take("unique_amount", money, equal)
                found = True
        return found

    def sums(self) -> bool:
        readings = []
        oldest = [one for one in self.documents if self.open[one.id] > 0][:WINDOW]
        for money in self.money:
            if self.left[money.id] > 0 and money.id not in self.held and not self.asks(money):
                before = [one for one in oldest if one.issued_on <= money.received_on]
                for size in (2, 3):
                    for chosen in combinations(before, size):
                        if sum(self.open[one.id] for one in chosen) == self.left[money.id]:
                            readings.append((money, chosen))
        found = []
        for money, chosen in readings:
            rivals = [more for other, more in readings if other is money or any(one in chosen for one in more)]
            if len(rivals) > 1 or any(one.id in self.wanted for one in chosen):
                self.held.add(money.id)
            else:
                found.append((money, list(chosen)))
        for money, chosen in readings:
            if money.id in self.held:
                self.wanted.update(one.id for one in chosen)
        for money, documents in found:
            self.take("sums", money, documents)
        return bool(found)

    def oldest(self) -> bool:
        found = False
        for money in self.money:
            for one in self.documents:
                amount = min(self.left[money.id], self.open[one.id])
                if amount > 0 and money.id not in self.held and one.id not in self.wanted:
                    self.links.append(("oldest_first", money.id, [(one.id, amount)]))
                    self.left[money.id] -= amount
                    self.open[one.id] -= amount
                    found = True
        return found


def run_ours(made: list[Ledger]) -> list[Link]:
    links: list[Link] = []
    for items, receipts in made:
        for match in allocate(items, receipts, policy=POLICY).matches:
            links.append((match.rule.value, match.payments[0][0], match.items))
    return links


def run_naive(made: list[tuple[list[Document], list[Money]]]) -> list[tuple[str, str, list[tuple[str, Decimal]]]]:
    return [link for documents, money in made for link in Naive(documents, money).run()]


def plain(made: list[Ledger]) -> list[tuple[list[Document], list[Money]]]:
    cent = Decimal("0.01")
    return [
        (
            [Document(one.id, one.numbers[0], one.issued_on, one.amount_minor * cent) for one in items],
            [Money(one.id, one.received_on, one.amount_minor * cent, one.text) for one in receipts],
        )
        for items, receipts in made
    ]


def timed(function: Callable[[], _T]) -> tuple[float, _T]:
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def compare(made: list[Ledger], rounds: int, name: str) -> None:
    naive_made = plain(made)
    ratios, ours_s, naive_s = [], [], []
    for _ in range(rounds):
        ours, links = timed(lambda: run_ours(made))
        slow, naive_links = timed(lambda: run_naive(naive_made))
        ratios.append(slow / ours)
        ours_s.append(ours)
        naive_s.append(slow)
        theirs = sorted(
            (rule, money, sorted((one, int(amount * 100)) for one, amount in on)) for rule, money, on in naive_links
        )
        mine = sorted((rule, money, sorted(on)) for rule, money, on in links)
        if mine != theirs:
            raise SystemExit(
                f"{name}: results differ, first {next((a, b) for a, b in zip(mine, theirs, strict=False) if a != b)}"
            )
    size = f"{sum(len(items) for items, _ in made)} x {sum(len(receipts) for _, receipts in made)}"
    print(
        f"{name}: {size}, {len(links)} matches, identical; ours {statistics.median(ours_s):.2f} s, "
        f"plain Decimal loop {statistics.median(naive_s):.2f} s, ratio {statistics.median(ratios):.1f} "
        f"(from {min(ratios):.1f} to {max(ratios):.1f}, {rounds} turns)"
    )


def full(customers: int, items: int, receipts: int, rounds: int) -> None:
    even = ledgers(customers, items, receipts, skewed=False)
    skewed = ledgers(customers, items, receipts, skewed=True)
    even_s, skewed_s = [], []
    for _ in range(rounds):
        seconds, links = timed(lambda: run_ours(even))
        even_s.append(seconds)
        skewed_s.append(timed(lambda: run_ours(skewed))[0])
    counts = {rule: sum(1 for link in links if link[0] == rule) for rule in dict.fromkeys(link[0] for link in links)}
    documents = items + receipts
    largest = max(len(one) for one, _ in skewed)
    print(f"even: {items} x {receipts}, {customers} customers: {statistics.median(even_s):.2f} s, {counts}")
    print(f"  {documents / statistics.median(even_s):,.0f} documents a second")
    ratio = statistics.median(slow / fast for slow, fast in zip(skewed_s, even_s, strict=True))
    print(f"skewed (largest customer {largest} documents): {statistics.median(skewed_s):.2f} s, {ratio:.2f} x even")


def huge(customers: int, items: int) -> None:
    """As many payments as documents, customer by customer, nothing kept: the time of allocating alone, and memory."""
    rng = random.Random(11)
    seconds = 0.0
    documents = payments_made = matches = early = 0
    for number in range(customers):
        (made,) = ledgers(1, items // customers, items // customers, skewed=False, seed=rng.randrange(2**32))
        used, links = timed(functools.partial(run_ours, [made]))
        seconds += used
        matches += len(links)
        documents += len(made[0])
        payments_made += len(made[1])
        if number == customers // 10:
            early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    late = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"streamed: {documents} x {payments_made}, {customers} customers: {seconds:.1f} s, {matches} matches; "
        f"peak RSS {early} MiB after a tenth, {late} MiB at the end"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no-full", action="store_true", help="only the ratios")
    options = parser.parse_args()
    customers = options.customers
    if not options.no_full:
        huge(25_000, 1_000_000)  # first: a peak of memory never comes down again
    compare(ledgers(customers, 40 * customers, 36 * customers, skewed=False), options.rounds, "even")
    compare(
        ledgers(customers // 10, 4 * customers, 36 * customers // 10, skewed=True), options.rounds, "skewed, a tenth"
    )
    if not options.no_full:
        full(5000, 200_000, 180_000, options.rounds)


if __name__ == "__main__":
    main()
