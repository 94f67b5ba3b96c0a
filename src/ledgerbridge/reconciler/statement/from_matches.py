"""What cash application decided, as a statement takes it: pairs of one debit and one credit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from ledgerbridge.errors import StatementError
from ledgerbridge.model.payment import DifferenceKind

from .values import Applied, WriteOff


@dataclass(frozen=True, slots=True)
class Booked:
    """A match in pairs; `write_off` is the difference that makes both sides equal, None where there is none."""

    allocations: tuple[Applied, ...]
    write_off: WriteOff | None = None


def booked(
    *,
    id: str,  # noqa: A002 (the id that the write-off gets)
    on: date,
    currency: str,
    payments: Iterable[tuple[str, int]],
    items: Iterable[tuple[str, int]],
    difference: DifferenceKind = DifferenceKind.EXACT,
    number: str = "",
) -> Booked:
    """A match (shares of payments and of items with their signs, as the allocation engine gives them) in pairs.

    Debits are used up in the order given, by credits in the order given. A difference Σ items - Σ payments ≠ 0 becomes a
    write-off of `id`, which takes part as the last debit or credit; it is a line of the statement like any other, so that
    nothing is forgiven in silence. StatementError if `difference` gives no reason for one.
    """
    shares = [*items, *((key, -minor) for key, minor in payments)]
    raised = [(key, minor) for key, minor in shares if minor > 0]
    lowered = [(key, -minor) for key, minor in shares if minor < 0]
    gap = sum(minor for _, minor in raised) - sum(minor for _, minor in lowered)
    write_off = None
    if gap:
        if difference in (DifferenceKind.EXACT, DifferenceKind.PARTIAL):
            raise StatementError(f"the match {id} differs by {gap} minor units and gives no reason for it")
        (lowered if gap > 0 else raised).append((id, abs(gap)))
        write_off = WriteOff(id, number or id, currency, on, -gap, difference)
    return Booked(tuple(_pairs(raised, lowered, on)), write_off)


def _pairs(raised: list[tuple[str, int]], lowered: list[tuple[str, int]], on: date) -> Iterator[Applied]:
    """Both lists sum to the same."""
    credits_left = iter(lowered)
    credit, left = "", 0
    for debit, minor in raised:
        owed = minor
        while owed > 0:
            if left == 0:
                credit, left = next(credits_left)
            part = min(owed, left)
            yield Applied(debit, credit, part, on)
            owed -= part
            left -= part
