"""The completeness certificate of one step (invariant 1): pure arithmetic over what was counted in different places.

Four counts made apart must agree: what the connector handed over (`read`), what the buckets hold, what the judge says the
buckets did to the books (`effects`), and what the database saw change (opening and closing totals, which it sums itself
before and after each write). With `recount` a fifth joins: the live copies counted anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ledgerbridge.errors import MoneyError
from ledgerbridge.model.base import Kind
from ledgerbridge.model.money import to_decimal
from ledgerbridge.model.run import Bucket, Certificate
from ledgerbridge.store.runs import StepCounts, tallies_of

Sums = Mapping[str, tuple[int, int]]


def certificate(
    system: str,
    kind: Kind,
    counts: StepCounts,
    *,
    totals: Sums,
    recount: Sums | None,
    complete: bool,
    handed_over: int | None,
) -> Certificate:
    """Draw up the certificate of a step.

    `totals` are the book totals now, `recount` the live copies counted anew (None: not asked for), `handed_over` how many
    records came from the connector in all (None: unknown, or the step was cut short). What other writers did to the same
    books during the step is part of the opening.
    """
    opening = _added(counts.opening, _less(totals, counts.closing))
    closing = totals if recount is None else recount
    faults = [*_reading(counts, handed_over), *_buckets(counts), *_books(opening, counts, closing)]
    if recount is not None:
        faults += [
            f"{_name(currency)}: the running total says {_shown(totals, currency)}, "
            f"the copies themselves {_shown(recount, currency)}"
            for currency in _differing(totals, recount)
        ]
    return Certificate(
        system=system,
        kind=kind,
        read=counts.read,
        tallies=tallies_of(counts.tallies),
        opening=_without_zeros(opening),
        closing=_without_zeros(closing),
        audited=recount is not None,
        complete=complete,
        faults=tuple(faults),
    )


def _reading(counts: StepCounts, handed_over: int | None) -> list[str]:
    faults = []
    held = sum(records for records, _ in counts.tallies.values())
    if held != counts.read:
        faults.append(f"{counts.read} records were read but the buckets hold {held}")
    if handed_over is not None and handed_over != counts.read:
        faults.append(f"the connector handed over {handed_over} records but {counts.read} were stored as read")
    return faults


def _buckets(counts: StepCounts) -> list[str]:
    """What a bucket holds and what it did to the books must fit each other."""
    faults = []
    currencies = {currency for _, currency in (*counts.tallies, *counts.effects)}
    for currency in sorted(currencies):
        new = counts.tallies.get((Bucket.NEW, currency), (0, 0))
        did = counts.effects.get((Bucket.NEW, currency), (0, 0))
        if new != did:
            faults.append(
                f"{_name(currency)}: bucket new holds {_amount(new, currency)} but added {_amount(did, currency)} to the books"
            )
        gone = counts.tallies.get((Bucket.DELETED, currency), (0, 0))[0]
        took = -counts.effects.get((Bucket.DELETED, currency), (0, 0))[0]
        if not 0 <= took <= gone:
            faults.append(f"{_name(currency)}: bucket deleted holds {gone} records but took {took} out of the books")
    moved = sum(records for (bucket, _), (records, _) in counts.effects.items() if bucket is Bucket.CHANGED)
    if moved:
        faults.append(f"bucket changed altered the number of live records by {moved:+d}")
    idle = {bucket for (bucket, _), sums in counts.effects.items() if sums != (0, 0)} & {
        Bucket.SAME,
        Bucket.QUARANTINED,
    }
    faults += [f"bucket {bucket} altered the books" for bucket in sorted(idle)]
    return faults


def _books(opening: Sums, counts: StepCounts, closing: Sums) -> list[str]:
    did: dict[str, tuple[int, int]] = {}
    for (_, currency), (records, minor) in counts.effects.items():
        before = did.get(currency, (0, 0))
        did[currency] = (before[0] + records, before[1] + minor)
    expected = _added(opening, did)
    return [
        f"{_name(currency)}: {_shown(opening, currency)} before and {_shown(did, currency)} by this step should give "
        f"{_shown(expected, currency)}, but the books hold {_shown(closing, currency)}"
        for currency in _differing(expected, closing)
    ]


def _added(left: Sums, right: Sums) -> dict[str, tuple[int, int]]:
    return {
        currency: (
            left.get(currency, (0, 0))[0] + right.get(currency, (0, 0))[0],
            left.get(currency, (0, 0))[1] + right.get(currency, (0, 0))[1],
        )
        for currency in sorted(left.keys() | right.keys())
    }


def _less(left: Sums, right: Sums) -> dict[str, tuple[int, int]]:
    return _added(left, {currency: (-records, -minor) for currency, (records, minor) in right.items()})


def _differing(left: Sums, right: Sums) -> list[str]:
    return [c for c in sorted(left.keys() | right.keys()) if left.get(c, (0, 0)) != right.get(c, (0, 0))]


def _without_zeros(sums: Sums) -> dict[str, tuple[int, int]]:
    return {currency: pair for currency, pair in sums.items() if pair != (0, 0)}


def _name(currency: str) -> str:
    return currency or "records without money"


def _shown(sums: Sums, currency: str) -> str:
    return _amount(sums.get(currency, (0, 0)), currency)


def _amount(pair: tuple[int, int], currency: str) -> str:
    records, minor = pair
    if not currency:
        return f"{records} records"
    try:
        amount: Decimal | str = f"{to_decimal(minor, currency):,}"
    except MoneyError:
        amount = f"{minor} minor units"
    return f"{records} records / {amount}"
