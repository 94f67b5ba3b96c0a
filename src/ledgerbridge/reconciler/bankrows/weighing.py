"""How much speaks for one reading of a row, in bits: what the payer and the text say, and how well the amount fits.

Each part is the binary logarithm of how much likelier the row is under this reading than by chance. The shares behind
them (how often payers name what they pay, deduct, pay in part) are general experience, set by hand and rounded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log2
from typing import Final, NamedTuple

from ledgerbridge.model.payment import DifferenceKind
from ledgerbridge.reconciler.allocation.policy import Tolerance
from ledgerbridge.reconciler.allocation.tolerating import limit_for

from .fitting import Hits
from .ledger import Ledger
from .numbers import How, digits
from .policy import RowPolicy
from .values import BankRow, Reading, Said

NOTHING: Final = -3.3
"""One row in ten is money that no document and no customer here explains."""
ON_ACCOUNT: Final = -5.5
PREPAID: Final = -2.0
_SIZES: Final = {1: -0.5, 2: -2.5, 3: -3.5}
_MORE: Final = -4.5
_UNNAMED: Final = -3.0
_LEFT_OUT: Final = -6.0
_DEDUCTED: Final = -2.5
_USUAL: Final = (1000, 500, 100, 50, 10, 1)
_PART: Final = -4.0
_REST: Final = -6.0
_EARLY: Final = -6.0
_SETTLED: Final = -4.0
_SAME_AGAIN: Final = 2.0
_COUNTED: Final = 4.0
_MISCOUNTED: Final = -8.0
_AND_OTHERS: Final = -1.0
_COUNT: Final = re.compile(r"(?:等|共|计|合计)\s*([0-9]{1,3})\s*(?:张|笔|份|单|票)")
_OTHERS: Final = re.compile(r"等|至|到|~|etc|其他|剩余")
_NUMBER_MIN: Final = 4
_IN_FULL: Final = (How.NAMED, How.SHARED)
_SPREAD: Final = 4
"""Amounts spread over so many powers of two."""
_ROUND_MAX: Final = 8.0
"""At most so much rarer are round amounts held to be where the books have few: money for nothing that is known is often round."""


class Amount(NamedTuple):
    """How a set of documents and the amount of a row stand to one another."""

    difference: DifferenceKind
    limit: str | None
    said: Said


class Weight(NamedTuple):
    """A reading, and what of it is evidence besides the amount: bits of the text, and whether all is named in full."""

    reading: Reading
    text_bits: float
    payer_bits: float
    named_all: bool
    settled: bool
    says_more: bool
    """Does the text speak of other documents too, or hold a number that the reading does not explain?"""


def bounds(tolerance: Tolerance, target: int) -> tuple[int, int]:
    """The lowest and highest total of documents that a row of `target` may settle."""
    widest = max(tolerance.rounding_minor, tolerance.fee_minor, tolerance.deduction_minor)
    by_share = target * 1_000_000 // (1_000_000 - tolerance.discount_ppm)
    return target - tolerance.rounding_minor, max(target + widest, by_share)


def weigh(
    row: BankRow, customer: str, customers: int, docs: tuple[int, ...], ways: float, hits: Sequence[Hits],
    payer: Sequence[Said], ledger: Ledger, policy: RowPolicy,
) -> Weight | None:  # fmt: skip
    """The reading that `row` pays these documents of this customer; None if its amount rules that out."""
    target = row.amount_minor + row.fee_minor
    total = sum(ledger.open[at] for at in docs)
    text, named, full, left_out = _text(hits, docs, ledger)
    amount = _amount(row, target, total, docs, ledger, policy, named_all=len(named) == len(docs))
    if amount is None:
        return None
    evidence = [Said("customer", "any", -log2(customers)), *payer, *text, amount.said]
    size = _SIZES.get(len(docs), _MORE)
    evidence.append(Said("documents", f"{len(docs)} of so many", size - log2(max(ways, 1.0))))
    evidence += _said_count(row.text, len(docs), len(named))
    if left_out:
        evidence.append(Said("text", "names others too", _LEFT_OUT * left_out))
    evidence.append(Said("dates", "days since issue", _dates(row, docs, ledger)))
    part = total > target and amount.limit is None  # of one document
    shares = tuple([(ledger.items[at].id, target if part else ledger.open[at]) for at in docs])
    reading = _reading(customer, shares, total, amount, total - target, evidence)
    settled = any(not ledger.open[at] for at in docs)
    return Weight(
        reading,
        sum(one.bits for one in text),
        _payer_bits(payer),
        len(full) == len(docs),
        settled,
        _says_more(row, hits, docs),
    )


def on_account(row: BankRow, customer: str, customers: int, payer: Sequence[Said], *, in_advance: bool) -> Weight:
    """The reading that `row` is money of this customer for nothing that can be told."""
    target = row.amount_minor + row.fee_minor
    said = Said("documents", "none", PREPAID if in_advance else ON_ACCOUNT)
    amount = Amount(DifferenceKind.PARTIAL, None, said)
    reading = _reading(customer, (), 0, amount, -target, [Said("customer", "any", -log2(customers)), *payer, said])
    return Weight(reading, 0.0, _payer_bits(payer), named_all=False, settled=False, says_more=False)


def _says_more(row: BankRow, hits: Sequence[Hits], docs: tuple[int, ...]) -> bool:
    chosen = frozenset(docs)
    if any(chosen.isdisjoint(one.docs) and digits(one.token.key) >= _NUMBER_MIN for one in hits):
        return True
    count = _COUNT.search(row.text)
    return int(count.group(1)) != len(docs) if count is not None else _OTHERS.search(row.text) is not None


def _payer_bits(payer: Sequence[Said]) -> float:
    return sum(one.bits for one in payer)


def _reading(
    customer: str, shares: tuple[tuple[str, int], ...], total: int, amount: Amount, gap: int, evidence: list[Said]
) -> Reading:
    rounded = tuple([Said(one.part, one.finding, round(one.bits, 2)) for one in evidence if one.bits])
    score = round(sum(one.bits for one in rounded), 2)
    return Reading(customer, shares, total, amount.difference, gap, amount.limit, score, rounded)


def _text(hits: Sequence[Hits], docs: tuple[int, ...], ledger: Ledger) -> tuple[list[Said], set[int], set[int], int]:
    """What pieces of the text say for the set, the documents that they name (in full), and how many others they do."""
    chosen = frozenset(docs)
    said: list[Said] = []
    named: set[int] = set()
    full: set[int] = set()
    left_out = 0
    for one in hits:
        mine = [(bits, -at, how) for at, (how, bits) in one.docs.items() if at in chosen]
        if not mine:
            if any(how in _IN_FULL and ledger.open[at] > 0 for at, (how, _) in one.docs.items()):
                left_out += 1
            continue
        if any(how is How.SHARED for _, _, how in mine):
            bits = max(bits for bits, _, _ in mine)
            named.update(-at for _, at, how in mine if how is How.SHARED)
            said.append(Said("text", f"{How.SHARED} {one.token.key}", bits))
            continue
        free = [entry for entry in mine if -entry[1] not in named]
        bits, at, how = max(free or mine, key=lambda entry: entry[:2])
        said.append(Said("text", f"{how} {one.token.key}", bits if free else min(bits, _SAME_AGAIN)))
        named.add(-at)
        if how is How.NAMED:
            full.add(-at)
    return said, named, full, left_out


def _said_count(text: str, docs: int, named: int) -> list[Said]:
    """What the text says of how many documents there are."""
    count = _COUNT.search(text)
    if count is not None:
        right = int(count.group(1)) == docs
        return [Said("text", f"says {count.group(1)}", _COUNTED if right else _MISCOUNTED)]
    if not named or named == docs:
        return []
    if _OTHERS.search(text):
        return [Said("text", "names some of them", _AND_OTHERS)]
    return [Said("text", "does not name all", _UNNAMED * (docs - named))]


def _amount(
    row: BankRow, target: int, total: int, docs: tuple[int, ...], ledger: Ledger, policy: RowPolicy,
    *, named_all: bool,
) -> Amount | None:  # fmt: skip
    gap = total - target
    if not total:
        return Amount(DifferenceKind.PARTIAL, None, Said("amount", "settled already", _SETTLED)) if named_all else None
    if gap == 0:
        return Amount(
            DifferenceKind.EXACT,
            None,
            Said("amount", "equal", _exact_bits(row.currency, target, ledger, policy.common_max)),
        )
    days = row.received_on.toordinal() - max(ledger.issued[at] for at in docs)
    limit = limit_for(policy.tolerance(row.currency), gap, total, days, fee_known=row.fee_minor > 0)
    if limit is not None:
        return Amount(limit[1], limit[0], Said("amount", f"within {limit[0]}", _near_bits(row, gap, policy, ledger)))
    if gap > 0 and len(docs) == 1 and named_all:
        return Amount(DifferenceKind.PARTIAL, None, Said("amount", "a part", _PART))
    if gap < 0 and named_all:
        return Amount(DifferenceKind.PARTIAL, None, Said("amount", "more than named", _REST))
    return None


def _exact_bits(currency: str, target: int, ledger: Ledger, common_max: int) -> float:
    """An amount that few documents have says more than one that many have; of round ones there are few, the rounder the fewer."""
    same, count = ledger.how_many(currency, target)
    step = 1
    while target % (step * 10) == 0:
        step *= 10
    rare = _SPREAD * target / step * min(1 / ledger.round_share(currency, step), _ROUND_MAX)
    if same > common_max:  # they are not all among the readings
        rare = min(rare, count / same)
    return log2(max(rare, 1.0))


def _near_bits(row: BankRow, gap: int, policy: RowPolicy, ledger: Ledger) -> float:
    """The same for an amount that is only near: one of many deductions that are allowed; round ones are usual."""
    target, tolerance = row.amount_minor + row.fee_minor, policy.tolerance(row.currency)
    low, high = bounds(tolerance, target)
    if abs(gap) <= tolerance.rounding_minor:
        low, high = target - tolerance.rounding_minor, target + tolerance.rounding_minor
    step = next(step for step in _USUAL if gap % step == 0)
    near, count = ledger.how_many_between(row.currency, low, high)
    bits = _exact_bits(row.currency, target, ledger, policy.common_max) - log2(max((high - low) / step, 1.0))
    if near > policy.common_max:
        bits = min(bits, log2(count / near))
    return max(bits, 0.0) + _DEDUCTED


def _dates(row: BankRow, docs: tuple[int, ...], ledger: Ledger) -> float:
    day = row.received_on.toordinal()
    lags = [day - ledger.issued[at] for at in docs]
    early = sum(1 for lag in lags if lag < 0)
    return _EARLY * min(early, 2) - min(sum(max(lag, 0) for lag in lags) / len(lags) / 180, 2.0)
