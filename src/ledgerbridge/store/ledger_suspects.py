"""The numbers whose documents are not plainly the same in two systems: one walk over ``ix_observed_number``, no rows, no probes.

The index has what is compared right behind the number, so that two documents that are the same stand side by side in it and
fall into one group; grouping by its leading columns needs neither sorting nor hashing on either engine. What one of two systems
may leave unsaid cannot be grouped by, because what is unsaid on one side is no difference; a sample tells which columns are
always said, and the others are compared as aggregates, which costs more. The sample decides only what is quicker: where it was
wrong, numbers come out that turn out to be the same when their documents are looked at.

The walk is cut into ranges of numbers, which parallel workers of PostgreSQL carry out side by side. (SQLite's do not gain: two
connections in two threads of one process took turns.)
"""

# ruff: noqa: S608 (statements are put together from names of our own columns; values are always parameters)

from __future__ import annotations

import json
import marshal
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ledgerbridge.model.base import Kind

from . import bulk
from .ledger_ranges import Range, numbers_in_parts, sampled
from .tx import Tx

_ALWAYS: Final = ("number", "currency", "doc_status", "business_on")
_THEN: Final = {Kind.INVOICE: ("doc_kind", "amount_minor", "tax_minor", "due_on"), Kind.PAYMENT: ("doc_kind",)}
"""The columns of the index in its order, as far as a kind may be grouped by them. Payments count with their fee, which may stand
apart or within the amount, so that neither can be grouped by."""
_OPTIONAL: Final = {
    Kind.INVOICE: ("doc_kind", "tax_minor", "due_on"),
    Kind.PAYMENT: ("doc_kind", "fee_minor"),
}
"""What a kind has of the columns that are compared only where both systems say something."""
_SETTLED: Final = {Kind.INVOICE: "amount_minor", Kind.PAYMENT: "amount_minor + coalesce(fee_minor, 0)"}
_SAID_AS: Final = "coalesce(party_id, party_code)"
_PARTS: Final = 4
_PACKED: Final = 1000
_BETWEEN, _LEADING = "\x1f", "\x1e"
_NAMED: Final = re.compile(r"(?<!:):(\w+)")
"""Our names for parameters, which are SQLite's too; not a cast."""
_PLANNING: Final = {
    # The plan that is wanted is the cheapest by far, but a table that was just filled has no statistics to tell by.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashagg": "off",
    "enable_sort": "off",
    "jit": "off",
    "parallel_setup_cost": "0",
    "parallel_tuple_cost": "0",
}


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared: a kind in two systems, and what documents of both may say of one customer, in pairs."""

    kind: Kind
    leading: str
    compared: str
    pairs: Sequence[tuple[str, str]]


@dataclass(slots=True)
class _Numbers:
    """Numbers of one range, in order and each once, packed: a ledger that the other system lacks altogether fits in memory."""

    packed: list[bytes] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)

    def add(self, number: str) -> None:
        if self.fresh and self.fresh[-1] == number:
            return
        if len(self.fresh) == _PACKED:
            self.packed.append(marshal.dumps(self.fresh))
            self.fresh = []
        self.fresh.append(number)

    def __iter__(self) -> Iterator[str]:
        for block in self.packed:
            yield from marshal.loads(block)  # noqa: S302 (our own, made above)
        yield from self.fresh


def suspects(tx: Tx, sides: Sides, optional: Collection[str]) -> Iterator[str]:
    """Numbers that are not there exactly once on each side, and those whose documents differ in currency, amount with fee, day,
    status, customer or in the `optional` columns that both say; in order, each once. Now and then one that is the same after all.

    Everything is found before the first comes out; memory grows with the numbers that are found, some twenty bytes each.
    """
    sample = sampled(tx, sides.kind, (sides.leading, sides.compared), _OPTIONAL[sides.kind])
    grouped = _grouped_by(sides.kind, optional, sample)
    ranges = numbers_in_parts([row[0] for row in sample], _PARTS)
    walk = _on_sqlite if tx.sqlite else _on_postgres
    found = walk(tx, sides, optional, grouped, ranges)
    last = None
    for numbers in found:
        for number in numbers:
            if number != last:  # one block may end with the number that the next begins with
                yield number
            last = number


def _grouped_by(kind: Kind, optional: Collection[str], sample: Sequence[tuple[Any, ...]]) -> tuple[str, ...]:
    """The leading columns of the index in which documents that are the same cannot differ, as far as the sample tells."""
    said = {
        name: name in optional and all(row[at] is not None for row in sample)
        for at, name in enumerate(_OPTIONAL[kind], start=1)
    }
    then = _THEN[kind]
    stop = next((at for at, name in enumerate(then) if not said.get(name, True)), len(then))
    return _ALWAYS + then[:stop]


def _the_same(sides: Sides, optional: Collection[str], grouped: Collection[str], customers: str) -> str:
    """The condition that a group is one document on each side and that they are the same; `customers`: that there is one of each
    and that their customers are the same.
    """
    conditions = ["count(*) = 2"]
    if "amount_minor" not in grouped:
        conditions.append(f"sum({_signed(_SETTLED[sides.kind])}) = 0")
    for name in _OPTIONAL[sides.kind]:
        if name in optional and name not in grouped:
            minor = name.endswith("_minor")
            alike = f"sum({_signed(name)}) = 0" if minor else f"min({name}) = max({name})"
            conditions.append(f"(count({name}) < 2 OR {alike})")
    return " AND ".join([*conditions, customers])


def _signed(value: str) -> str:
    return f"CASE WHEN system = :leading THEN {value} ELSE -({value}) END"


def _on_sqlite(
    tx: Tx,
    sides: Sides,
    optional: Collection[str],
    grouped: Sequence[str],
    ranges: Sequence[Range],
) -> list[_Numbers]:
    """The ranges in turn. What both documents say of their customers is joined and looked up as one text: half the cost
    of two aggregates and a pair. It is marked which is the leading one, so that no other two documents can give that text: no key
    has a control character (:data:`ledgerbridge.model.base.Key`).
    """
    given: dict[str, Any] = {"kind": sides.kind.value, "leading": sides.leading, "compared": sides.compared}
    given["same"] = json.dumps(_joined(sides, in_order=set(grouped) == {*_ALWAYS, *_THEN[Kind.INVOICE]}))
    said = f"CASE WHEN system = :leading THEN {_SAID_AS} || '{_LEADING}' ELSE {_SAID_AS} END"
    customers = f"group_concat({said}, '{_BETWEEN}') IN (SELECT said FROM same)"
    same = _the_same(sides, optional, grouped, customers)

    def walk(at: int) -> _Numbers:
        condition, bounds = ranges[at].condition(at)
        # Without statistics SQLite would rather walk another index and read every row.
        sql = f"""
WITH same (said) AS MATERIALIZED (SELECT value FROM json_each(:same))
SELECT number FROM observed INDEXED BY ix_observed_number
WHERE {condition} AND kind = :kind AND state = 'live' AND system IN (:leading, :compared)
GROUP BY {", ".join(grouped)} HAVING ({same}) IS NOT TRUE
"""
        found = _Numbers()
        for (number,) in tx.cursor().execute(sql, given | bounds):
            found.add(number)
        return found

    return [walk(at) for at in range(len(ranges))]


def _joined(sides: Sides, *, in_order: bool) -> list[str]:
    """What the documents of one customer say, joined; in the order of the systems' names, in which a full group is, or both."""
    texts = []
    for left, right in sides.pairs:
        if not any(mark in text for mark in (_BETWEEN, _LEADING) for text in (left, right)):
            first_leads = f"{left}{_LEADING}{_BETWEEN}{right}"
            first_follows = f"{right}{_BETWEEN}{left}{_LEADING}"
            if in_order:
                texts.append(first_leads if sides.leading < sides.compared else first_follows)
            else:
                texts += [first_leads, first_follows]
    return texts


def _on_postgres(
    tx: Tx,
    sides: Sides,
    optional: Collection[str],
    grouped: Sequence[str],
    ranges: Sequence[Range],
) -> list[_Numbers]:
    """The ranges as branches of one query, which the server gives to its parallel workers. Not by a cursor, not by a WITH: both
    forbid that. Rows are taken as they come, branch by branch in order.
    """
    given: dict[str, Any] = {"kind": sides.kind.value, "leading": sides.leading, "compared": sides.compared}
    given |= {"ours": [left for left, _ in sides.pairs], "theirs": [right for _, right in sides.pairs]}
    ours, theirs = (f"min({_SAID_AS}) FILTER (WHERE system = :{name})" for name in ("leading", "compared"))
    customers = f"({ours}, {theirs}) IN (SELECT l, r FROM unnest(:ours::text[], :theirs::text[]) AS p (l, r))"
    same = _the_same(sides, optional, grouped, customers)
    branches = []
    for at, between in enumerate(ranges):
        condition, bounds = between.condition(at)
        given |= bounds
        branches.append(
            f"(SELECT {at} AS at, number FROM observed WHERE {condition} AND kind = :kind AND state = 'live' "
            f"AND system IN (:leading, :compared) GROUP BY {', '.join(grouped)} HAVING ({same}) IS NOT TRUE)"
        )
    sql = _NAMED.sub(r"%(\1)s", f"SELECT * FROM ({' UNION ALL '.join(branches)}) AS found")
    found = [_Numbers() for _ in ranges]
    for name, value in _PLANNING.items():
        bulk.run(tx, f"SET LOCAL {name} = {value}", ())
    for at, number in tx.cursor().stream(sql, given):
        found[at].add(number)
    for name in _PLANNING:
        bulk.run(tx, f"SET LOCAL {name} TO DEFAULT", ())
    return found
