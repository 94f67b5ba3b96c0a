"""Documents of a kind cut into ranges of numbers, to be walked side by side or one after the other."""

# ruff: noqa: S608 (statements are put together from names of our own columns; values are always parameters)

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

from ledgerbridge.model.base import Kind

from . import bulk
from .tx import Tx

_SAMPLE: Final = 1024


class Range(NamedTuple):
    """Numbers from one, included, up to another; None: from the first, up to the last."""

    first: str | None
    until: str | None

    def condition(self, at: int = 0) -> tuple[str, dict[str, str]]:
        """The condition on `number`, and its parameters, by name; `at` tells them from those of other ranges."""
        said = "number IS NOT NULL" if self.first is None else f"number >= :first_{at}"
        said += "" if self.until is None else f" AND number < :until_{at}"
        given = {f"first_{at}": self.first, f"until_{at}": self.until}
        return said, {name: value for name, value in given.items() if value is not None}


def sampled(tx: Tx, kind: Kind, systems: Collection[str], columns: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    """Number and other columns of some live documents, evenly over the order in which they were first read."""
    last = int(bulk.rows_of(tx, "SELECT coalesce(max(id), 0) FROM observed", ())[0][0])
    condition, ids = bulk.among(tx, "id", range(1, last + 1, max(1, last // _SAMPLE)))
    # By id alone: with more conditions, and without statistics, both engines may rather walk a stream.
    sql = f"SELECT {', '.join(('state', 'kind', 'system', 'number', *columns))} FROM observed WHERE {condition}"
    wanted = {("live", kind.value, system) for system in systems}
    return [row[3:] for row in bulk.rows_of(tx, sql, (ids,)) if row[:3] in wanted and row[3] is not None]


def numbers_in_parts(numbers: Iterable[str], parts: int) -> list[Range]:
    """All numbers there are in at most so many ranges, which hold about as many each if `numbers` are a fair sample."""
    ordered = sorted(numbers)
    cuts = sorted({ordered[len(ordered) * at // parts] for at in range(1, parts)}) if ordered else []
    return [Range(first, until) for first, until in zip([None, *cuts], [*cuts, None], strict=True)]
