"""红冲: a credit note that takes back exactly one named document is netted with it."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from ledgerbridge.model.invoice import InvoiceKind

from .pool import Pool
from .references import compact
from .values import Confidence, Rule

_CREDIT_KINDS: Final = frozenset({InvoiceKind.CREDIT_NOTE, InvoiceKind.ADJUSTMENT})


def by_reversal(pool: Pool) -> bool:
    """Net each wholly open document with the one credit note that names it and equals it.

    Not while an unapplied payment lies between the two dates: it may have paid the document before it was taken back;
    nor while one names either of the two in its text, or has just the amount of the document. Such a pair stays open,
    and from the credit note's day on an amount alone links nothing to either.
    """
    pool.reversals.clear()
    settled = False
    named = {item for receipt, clue in pool.clues.items() if pool.left[receipt] for item in clue.named}
    amounts = frozenset(pool.left)
    for document, note in _pairs(pool):
        meant = document in named or note in named or pool.open[document] in amounts
        if meant or _paid_between(pool, pool.issued[document], pool.issued[note]):
            pool.reversals[document] = note, pool.issued[note]
            pool.reversals[note] = document, pool.issued[note]
            continue
        shares = [(document, pool.open[document]), (note, pool.open[note])]
        evidence = (f"{pool.items[note].id} reverses {pool.items[document].id} in full",)
        pool.settle(Rule.REVERSAL, [], shares, evidence, Confidence.HIGH)
        settled = True
    return settled


def _pairs(pool: Pool) -> list[tuple[int, int]]:
    """Document and credit note, each occurring in one pair only, all of both open."""
    notes = [at for at, item in enumerate(pool.items) if item.reverses and item.kind in _CREDIT_KINDS and pool.open[at]]
    if not notes:
        return []
    by_name: dict[str, set[int]] = {}
    for at, item in enumerate(pool.items):
        for name in (item.id, *map(compact, item.numbers)):
            by_name.setdefault(name, set()).add(at)
    found: dict[int, list[int]] = {}
    for note in notes:
        item = pool.items[note]
        named = by_name.get(item.reverses or "") or by_name.get(compact(item.reverses or "")) or set()
        if len(named) == 1:
            (document,) = named
            whole = pool.open[document] == pool.items[document].amount_minor and pool.open[note] == item.amount_minor
            if whole and pool.open[document] == -pool.open[note] and pool.issued[document] <= pool.issued[note]:
                found.setdefault(document, []).append(note)
    return [(document, claims[0]) for document, claims in found.items() if len(claims) == 1]


def _paid_between(pool: Pool, first_day: int, last_day: int) -> bool:
    """Whether money that came in on or after `first_day` and before `last_day` is not applied yet."""
    start, end = bisect_left(pool.received, first_day), bisect_left(pool.received, last_day)
    return any(pool.left[receipt] > 0 for receipt in range(start, end))
