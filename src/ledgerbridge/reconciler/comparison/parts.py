"""Systems that keep one record per part of a payment: the parts of one number are one payment, or several copies of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from ledgerbridge.model.invoice import DocumentStatus
from ledgerbridge.model.ledger import LedgerDocument

_PARTS_MAX: Final = 24
_ORDER: Final = (DocumentStatus.APPROVED, DocumentStatus.DRAFT, DocumentStatus.VOID)


def put_together(records: Sequence[LedgerDocument], wholes: Iterable[int]) -> list[LedgerDocument]:
    """Records of one number in one system, parts put together; `wholes` are the amounts that the other system has for it.

    Parts of one customer, currency, day and status are one payment. Only if they come to a multiple of one of the `wholes`, and
    can be divided into that many equal sums, they are as many copies of it. Void parts are left out beside others that are not.
    """
    apart = [record for record in records if record.part is None]
    buckets: dict[tuple[object, ...], list[LedgerDocument]] = {}
    parts = [record for record in records if record.part is not None]
    best = next((status for status in _ORDER if any(part.status is status for part in parts)), None)
    for part in sorted(parts, key=lambda part: part.external_ids):
        if part.status is best:
            buckets.setdefault((part.account.key, part.currency, part.business_on), []).append(part)
    targets = set(wholes)
    for bucket in buckets.values():
        apart += [_one(copy) for copy in _copies(bucket, targets)]
    return apart


def _copies(parts: list[LedgerDocument], wholes: set[int]) -> list[list[LedgerDocument]]:
    total = sum(part.settled_minor for part in parts)
    if total in wholes:
        return [parts]
    for whole in sorted(wholes - {0}):
        times, rest = divmod(total, whole)
        if rest == 0 and 2 <= times <= len(parts) and (found := _divided(parts, whole, times)) is not None:
            return found
    return [parts]


def _divided(parts: list[LedgerDocument], whole: int, times: int) -> list[list[LedgerDocument]] | None:
    """`times` groups of parts that come to `whole` each; None if the parts cannot be divided so."""
    found = []
    left = parts
    for _ in range(times - 1):
        chosen = _subset(left[:_PARTS_MAX], whole)
        if chosen is None:
            return None
        found.append([part for at, part in enumerate(left) if at in chosen])
        left = [part for at, part in enumerate(left) if at not in chosen]
    return [*found, left]


def _subset(parts: list[LedgerDocument], whole: int) -> frozenset[int] | None:
    """Places of parts that come to `whole`, the first ones where there is a choice: one pass over the sums that can be had."""
    reached: dict[int, tuple[int, ...]] = {0: ()}
    for at, part in enumerate(parts):
        for total, places in list(reached.items()):
            reached.setdefault(total + part.settled_minor, (*places, at))
        if whole in reached:
            return frozenset(reached[whole])
        if len(reached) > _SUMS_MAX:
            return None
    return None


_SUMS_MAX: Final = 4096


def _one(parts: list[LedgerDocument]) -> LedgerDocument:
    first = parts[0]
    if len(parts) == 1:
        return first
    return replace(
        first,
        external_ids=tuple(key for part in parts for key in part.external_ids),
        settled_minor=sum(part.settled_minor for part in parts),
        entity=next((part.entity for part in parts if part.entity is not None), None),
    )
