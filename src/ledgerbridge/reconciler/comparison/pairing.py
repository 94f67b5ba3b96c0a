"""Which document of one number is which of the other system: as multisets, in time that grows with their number only."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final, NamedTuple

from ledgerbridge.model.ledger import LedgerDocument


class Paired(NamedTuple):
    """Pairs (leading, compared), and what is left on either side."""

    pairs: list[tuple[LedgerDocument, LedgerDocument]]
    leading: list[LedgerDocument]
    compared: list[LedgerDocument]


_Sameness = Callable[[LedgerDocument], Hashable]
_SAMENESS: Final[tuple[_Sameness, ...]] = (
    lambda one: one.entity,
    lambda one: (one.account.key, one.currency, one.settled_minor, one.business_on, one.status, one.tax_minor),
    lambda one: (one.account.key, one.currency, one.settled_minor, one.status),
    lambda one: (one.account.key, one.currency, one.settled_minor),
    lambda one: (one.account.key, one.currency, one.business_on),
    lambda one: (one.account.key, one.currency),
    lambda one: (one.currency, one.settled_minor),
    lambda one: one.settled_minor,
    lambda one: one.currency,
    lambda _: 0,
)
"""What two documents of one number must share to be held to be the same, the most telling first. None does not count."""


def paired(leading: Sequence[LedgerDocument], compared: Sequence[LedgerDocument]) -> Paired:
    """The documents of one number in two systems, each in at most one pair; the same whatever order they come in."""
    pairs: list[tuple[LedgerDocument, LedgerDocument]] = []
    left, right = (sorted(side, key=lambda one: one.external_ids) for side in (leading, compared))
    for sameness in _SAMENESS:
        if not left or not right:
            break
        waiting: dict[Hashable, list[LedgerDocument]] = {}
        for one in reversed(right):
            waiting.setdefault(sameness(one), []).append(one)
        waiting.pop(None, None)
        found = {}
        for one in left:
            if there := waiting.get(sameness(one)):
                found[one.external_ids] = there.pop()
        taken = {one.external_ids for one in found.values()}
        pairs += [(one, found[one.external_ids]) for one in left if one.external_ids in found]
        left = [one for one in left if one.external_ids not in found]
        right = [one for one in right if one.external_ids not in taken]
    return Paired(pairs, left, right)
