"""What cash application came to for one customer: sums, what is left and why, what was wrong. Kept as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ledgerbridge.reconciler.allocation import Ambiguous, FindingCode, Note, Receipt, Result
from ledgerbridge.store.allocations import AppliedRow

from .cash import CashInput

_REFUSED: Final = frozenset(
    {
        FindingCode.DUPLICATE_ID,
        FindingCode.WRONG_SIGN,
        FindingCode.OPEN_BEYOND_TOTAL,
        FindingCode.UNKNOWN_CURRENCY,
    }
)


class CashTally(msgspec.Struct, frozen=True, array_like=True):
    """The money of one currency: `paid` = `applied` + `ambiguous` + `unapplied`, in minor units.

    `payments` counts them, `full` those that are used up.
    """

    payments: int
    paid: int
    applied: int
    ambiguous: int
    unapplied: int
    full: int


class PassTally(msgspec.Struct, frozen=True, array_like=True):
    """What one pass settled in one currency: matches, payments that took part, and their money."""

    rule: str
    currency: str
    matches: int
    payments: int
    minor: int


class Waiting(msgspec.Struct, frozen=True, array_like=True):
    """What is left of a payment. `outcome` and `rule` say why no pass settled it, if one had a reason; `candidates` are the
    numbers of the documents that would fit.
    """

    payment_id: str
    number: str
    on: str
    currency: str
    left_minor: int
    outcome: str = ""
    rule: str = ""
    candidates: tuple[tuple[str, ...], ...] = ()
    detail: str = ""


class Fault(msgspec.Struct, frozen=True, array_like=True):
    """Something wrong with what the leading system says; `subject` is a document's id or an allocation's number."""

    code: str
    subject: str
    message: str


class Cash(msgspec.Struct, frozen=True):
    """What cash application made of one customer, beside the pairs.

    `last_on`: the latest day on which anything here takes effect; `next_on`: the first on which an allocation that is
    already stated does, of those that do not yet.
    """

    tallies: dict[str, CashTally]
    passes: tuple[PassTally, ...]
    waiting: tuple[Waiting, ...]
    faults: tuple[Fault, ...]
    last_on: str | None = None
    next_on: str | None = None

    def dump(self) -> str:
        """As JSON, the same text for equal values."""
        return msgspec.json.encode(self, order="deterministic").decode()


load_cash: Final = msgspec.json.Decoder(Cash).decode
"""From :meth:`Cash.dump`."""


def summed(result: Result, given: CashInput, rows: Sequence[AppliedRow]) -> Cash:
    """What cash application came to, in numbers and in what is left."""
    left = {one.id: one.left_minor for one in result.payments_left}
    refused = {one.subject for one in result.findings if one.code in _REFUSED}
    undecided = {one.payment_id: one for one in reversed(result.ambiguous)}  # the first of each payment
    tallies: dict[str, list[int]] = {}
    waiting = []
    for one in given.receipts:
        worth = one.amount_minor + one.fee_minor
        rest = left.get(one.id, 0)
        if refused and one.id in refused:
            rest = worth
        sums = tallies.get(one.currency)
        if sums is None:
            sums = tallies[one.currency] = [0] * 6
        sums[0] += 1
        sums[1] += worth
        sums[2] += worth - rest
        sums[5] += rest == 0
        if rest:
            told = undecided.get(one.id)
            sums[3 if told else 4] += rest
            waiting.append(_waiting(one, rest, told or next(iter(result.notes.get(one.id, ())), None), given))
    passes: dict[tuple[str, str], list[int]] = {}
    for match in result.matches:
        line = passes.setdefault((match.rule._value_, match.currency), [0, 0, 0])
        line[0] += 1
        line[1] += len(match.payments)
        line[2] += match.payments[0][1] if len(match.payments) == 1 else match.amount_minor
    faults = sorted((one.code.value, one.subject, one.message) for one in result.findings)
    return Cash(
        {currency: CashTally(*sums) for currency, sums in tallies.items()},
        tuple(PassTally(*key, *line) for key, line in sorted(passes.items())),
        tuple(sorted(waiting, key=lambda one: (one.on, one.payment_id))),
        tuple(Fault(*one) for one in faults),
        max([row.effective_on for row in rows], default=None),
        given.next_on.isoformat() if given.next_on else None,
    )


def _waiting(one: Receipt, rest: int, note: Ambiguous | Note | None, given: CashInput) -> Waiting:
    about = Waiting(one.id, given.numbers[one.id], one.received_on.isoformat(), one.currency, rest)
    if note is None:
        return about
    candidates = tuple(tuple(given.numbers.get(key, key) for key in ids) for ids in note.candidates)
    return Waiting(
        about.payment_id, about.number, about.on, about.currency, rest,
        note.outcome.value, note.rule.value, candidates, note.detail,
    )  # fmt: skip
