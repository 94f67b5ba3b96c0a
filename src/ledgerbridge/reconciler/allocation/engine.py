"""Cash application (核销) for one customer: which payment settles which document, and why.

Passes run in the policy's order, each only while those before it find nothing more, so that a weak reason never takes
what a strong one could have explained. Pure and deterministic: the order of the input does not matter, and running
again on what is left over finds nothing new.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from ledgerbridge.model.currency import EXPONENTS
from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.model.payment import PaymentKind

from .amounts import by_amount
from .given import Place, by_given
from .naming import by_named_part, by_reference
from .oldest import by_oldest
from .policy import Policy
from .pool import Pool
from .references import NumberIndex, read
from .refunding import by_refund
from .reversals import by_reversal
from .summing import by_sums
from .tolerating import by_tolerance
from .values import (
    Ambiguous,
    Finding,
    FindingCode,
    GivenAllocation,
    Leftover,
    Note,
    OpenItem,
    Outcome,
    Receipt,
    Result,
    Rule,
)

_PASSES: Final[dict[Rule, Callable[[Pool], bool]]] = {
    Rule.REVERSAL: by_reversal,
    Rule.REFERENCE: by_reference,
    Rule.UNIQUE_AMOUNT: by_amount,
    Rule.SUMS: by_sums,
    Rule.TOLERANCE: by_tolerance,
    Rule.NAMED_PART: by_named_part,
    Rule.REFUND: by_refund,
    Rule.OLDEST_FIRST: by_oldest,
}
_CREDIT_NOTE: Final = InvoiceKind.CREDIT_NOTE
_REFUND: Final = PaymentKind.REFUND
_DIGIT: Final = re.compile(r"\d")
_STANDARD: Final = Policy()
_UNDECIDED: Final = frozenset({Outcome.AMBIGUOUS, Outcome.CONTESTED, Outcome.UNPROVEN})
_Record = TypeVar("_Record", OpenItem, Receipt)


def allocate(
    items: Iterable[OpenItem],
    receipts: Iterable[Receipt],
    given: Sequence[GivenAllocation] = (),
    policy: Policy = _STANDARD,
) -> Result:
    """What settles what among the documents and payments of one customer, each currency for itself.

    Give approved records only: drafts and void ones count in no balance. Bad records are findings and take no part; no
    error is raised for them. Amounts on both sides are never exceeded and never change their sign. Ambiguous readings
    are returned, never followed (DESIGN, invariants 6 to 8).
    """
    findings: list[Finding] = []
    sound_items = _sound(items, _wrong_item, "document", findings)
    sound_receipts = _sound(receipts, _wrong_receipt, "payment", findings)
    currencies = sorted({item.currency for item in sound_items} | {receipt.currency for receipt in sound_receipts})
    pools = []
    for currency in currencies:
        own = currencies == [currency]
        pool_items = sound_items if own else [item for item in sound_items if item.currency == currency]
        pool_receipts = sound_receipts if own else [one for one in sound_receipts if one.currency == currency]
        pools.append(Pool(currency, pool_items, pool_receipts, policy))
    if given:
        receipt_places: dict[str, Place] = {
            one.id: (pool, at) for pool in pools for at, one in enumerate(pool.receipts)
        }
        item_places: dict[str, Place] = {one.id: (pool, at) for pool in pools for at, one in enumerate(pool.items)}
        findings += by_given(given, receipt_places, item_places, frozenset(policy.passes))
    if Rule.REFERENCE in policy.passes:
        findings += _read_texts(pools, policy)
    passes = [_PASSES[rule] for rule in policy.passes if rule is not Rule.GIVEN]
    for pool in pools:
        _run(pool, passes)
    return _result(pools, findings, policy)


def _run(pool: Pool, passes: list[Callable[[Pool], bool]]) -> None:
    """Until no pass finds anything: the first that does begins a new round. Each finds at most as often as there are
    documents and payments, since each match uses one up or more.
    """
    found = True
    while found:
        pool.forget()
        found = False
        for one in passes:
            pool.steps_now = 0
            found = one(pool)
            pool.steps += pool.steps_now
            if found:
                break


def _sound(
    records: Iterable[_Record],
    wrong: Callable[[_Record], tuple[FindingCode, str] | None],
    what: str,
    findings: list[Finding],
) -> list[_Record]:
    """The records that can take part; the others are findings. Two of one id are both refused."""
    given = list(records)
    unique = len({one.id for one in given}) == len(given)
    if unique and {one.currency for one in given} <= EXPONENTS.keys() and not any(map(wrong, given)):
        return given  # nearly always
    counts: Counter[str] = Counter() if unique else Counter([one.id for one in given])
    found = []
    bad: list[Finding] = []
    for one in given:
        problem = wrong(one)
        if one.currency not in EXPONENTS:
            problem = FindingCode.UNKNOWN_CURRENCY, f"{one.currency!r} is no ISO 4217 currency code"
        elif not unique and counts[one.id] > 1:
            problem = FindingCode.DUPLICATE_ID, f"the id occurs {counts[one.id]} times"
        if problem is None:
            found.append(one)
        else:
            bad.append(Finding(problem[0], one.id, f"{what} {one.id!r}: {problem[1]}; it took no part"))
    findings += sorted(bad, key=lambda finding: (finding.subject, finding.code, finding.message))
    return found


def _wrong_item(item: OpenItem) -> tuple[FindingCode, str] | None:
    amount, rest = item.amount_minor, item.open_minor
    if 0 <= rest <= amount and item.kind is not _CREDIT_NOTE:
        return None  # nearly all
    if amount and item.kind is (InvoiceKind.INVOICE if amount < 0 else InvoiceKind.CREDIT_NOTE):
        return FindingCode.WRONG_SIGN, f"amount {amount} does not suit the kind {item.kind}"
    if amount < 0 < rest or rest < 0 < amount:
        return FindingCode.WRONG_SIGN, f"open amount {rest} has another sign than the amount {amount}"
    if abs(rest) > abs(amount):
        return FindingCode.OPEN_BEYOND_TOTAL, f"open amount {rest} is beyond the amount {amount} (minor units)"
    return None


def _wrong_receipt(receipt: Receipt) -> tuple[FindingCode, str] | None:
    worth, rest = receipt.amount_minor + receipt.fee_minor, receipt.open_minor
    if rest is None:
        rest = worth
    if (worth > 0) == (receipt.kind is _REFUND) and worth:
        return FindingCode.WRONG_SIGN, f"amount {worth} (with the fee) does not suit the kind {receipt.kind}"
    if rest == worth:
        return None  # nearly all
    if worth < 0 < rest or rest < 0 < worth:
        return FindingCode.WRONG_SIGN, f"open amount {rest} has another sign than amount and fee {worth}"
    if abs(rest) > abs(worth):
        return FindingCode.OPEN_BEYOND_TOTAL, f"open amount {rest} is beyond amount and fee {worth} (minor units)"
    return None


def _result(pools: list[Pool], findings: list[Finding], policy: Policy) -> Result:
    ambiguous: list[Ambiguous] = []
    notes: dict[str, tuple[Note, ...]] = {}
    payments_left: list[Leftover] = []
    items_left: list[Leftover] = []
    for pool in pools:
        for at, rest in enumerate(pool.left):
            if not rest:
                continue
            receipt = pool.receipts[at]
            payments_left.append(Leftover(receipt.id, pool.currency, rest))
            said = pool.said(at)
            if receipt.kind is PaymentKind.PREPAYMENT and Rule.UNIQUE_AMOUNT in policy.passes:
                said.append(Note(Rule.UNIQUE_AMOUNT, Outcome.PREPAYMENT))
            if said:
                notes[receipt.id] = tuple(said)
            for note in said:
                if note.outcome in _UNDECIDED:
                    ambiguous.append(
                        Ambiguous(
                            receipt.id, pool.currency, rest, note.rule, note.outcome, note.candidates, note.detail
                        )
                    )
        items_left += [
            Leftover(item.id, pool.currency, rest) for item, rest in zip(pool.items, pool.open, strict=True) if rest
        ]
    matches = [match for pool in pools for match in pool.matches]
    steps = sum(pool.steps for pool in pools)
    return Result(
        tuple(matches), tuple(ambiguous), tuple(payments_left), tuple(items_left), tuple(findings), notes,
        policy.passes, steps,
    )  # fmt: skip


def _read_texts(pools: list[Pool], policy: Policy) -> list[Finding]:
    """Fill each pool's clues; a text that names only a document of another currency bars its payment."""
    findings: list[Finding] = []
    indexes: dict[str, NumberIndex] = {}
    tail_min, shared_max = policy.tail_min, policy.sums.candidates_max

    def index(pool: Pool) -> NumberIndex:
        if pool.currency not in indexes:
            indexes[pool.currency] = NumberIndex(pool.items)
        return indexes[pool.currency]

    for pool in pools:
        for at, receipt in enumerate(pool.receipts):
            if not receipt.text or not pool.left[at] or not _DIGIT.search(receipt.text):
                continue
            clue = read(receipt.text, index(pool), pool.items, tail_min=tail_min, shared_max=shared_max)
            if clue is not None:
                pool.clues[at] = clue
            if clue is None or not (clue.named or clue.groups):
                for other in pools:
                    clue = None
                    if other is not pool:
                        clue = read(receipt.text, index(other), other.items, tail_min=tail_min, shared_max=shared_max)
                    if clue is not None and clue.named:
                        number = other.items[clue.named[0]].numbers[0]
                        text = f"payment {receipt.id!r} is in {pool.currency}, its text names {number}, which is in"
                        message = f"{text} {other.currency}; check the currency of both"
                        findings.append(Finding(FindingCode.NAMES_OTHER_CURRENCY, receipt.id, message))
                        pool.barred[at] = Note(Rule.REFERENCE, Outcome.OTHER_CURRENCY, (), message)
    return findings
