"""Explicit allocations (pass 1): what the ERP says was applied, checked before it is believed."""

from __future__ import annotations

from collections.abc import Iterable

from .pool import Pool
from .values import Confidence, Finding, FindingCode, GivenAllocation, Rule

Place = tuple[Pool, int]


def by_given(
    given: Iterable[GivenAllocation], receipts: dict[str, Place], items: dict[str, Place], rules: frozenset[Rule]
) -> list[Finding]:
    """Apply what the ERP states; each statement that cannot be true is a finding and is not applied.

    The lines of one payment are one statement: a credit note netted in it lets it settle more. Payments go by the date
    and id of their first line; of lines that together exceed a side, the later ones are refused. Without
    :attr:`Rule.GIVEN` in `rules` nothing is applied or checked.
    """
    findings: list[Finding] = []
    if Rule.GIVEN not in rules:
        return findings
    groups: dict[tuple[bool, str], list[GivenAllocation]] = {}
    for one in sorted(given, key=lambda one: (one.allocated_on, one.id)):
        if (one.payment_id is None) == (one.credit_id is None):
            text = "it must name either a payment or a credit note"
            findings.append(_finding(FindingCode.UNKNOWN_PAYMENT, one, text))
        else:
            groups.setdefault((one.payment_id is None, one.payment_id or one.credit_id or ""), []).append(one)
    for (by_credit, source_id), lines in groups.items():
        source = (items if by_credit else receipts).get(source_id)
        if source is None:
            code = FindingCode.UNKNOWN_ITEM if by_credit else FindingCode.UNKNOWN_PAYMENT
            what = "credit note" if by_credit else "payment"
            findings += [_finding(code, one, f"{what} {source_id!r} is not among this customer's") for one in lines]
            continue
        pool, at = source
        sound = []
        used: dict[int, int] = {}
        for one in lines:
            finding = _unsound(one, pool, items, used)
            if finding is None:
                sound.append(one)
                item = items[one.item_id][1]
                used[item] = used.get(item, 0) + one.amount_minor
            else:
                findings.append(finding)
        apply = _apply_credit if by_credit else _apply_payment
        findings += apply(pool, at, sound, items)
    return findings


def _unsound(one: GivenAllocation, pool: Pool, items: dict[str, Place], used: dict[int, int]) -> Finding | None:
    """What is wrong with one line on its document's side; `used` is what earlier lines of the source take of each."""
    target = items.get(one.item_id)
    if target is None:
        return _finding(FindingCode.UNKNOWN_ITEM, one, f"document {one.item_id!r} is not among this customer's")
    if target[0] is not pool or one.currency != pool.currency:
        currencies = f"its own {one.currency}, document {target[0].currency}, source {pool.currency}"
        return _finding(FindingCode.CURRENCY_MISMATCH, one, f"the currencies differ: {currencies}")
    rest = pool.open[target[1]] - used.get(target[1], 0)
    return None if _within(one.amount_minor, rest) else _beyond(one, "the document", rest, pool.currency)


def _apply_payment(pool: Pool, at: int, lines: list[GivenAllocation], items: dict[str, Place]) -> list[Finding]:
    findings = []
    total = sum(one.amount_minor for one in lines)
    while lines and total and not _within(total, pool.left[at]):
        refused = lines.pop()
        total -= refused.amount_minor
        findings.append(_beyond(refused, "the payment", pool.left[at] - total, pool.currency))
    if lines:
        shares: dict[int, int] = {}
        for one in lines:
            item = items[one.item_id][1]
            shares[item] = shares.get(item, 0) + one.amount_minor
        payments = [(at, total)] if total else []
        pool.settle(Rule.GIVEN, payments, shares.items(), _evidence(lines), Confidence.CERTAIN)
    return findings


def _apply_credit(pool: Pool, at: int, lines: list[GivenAllocation], items: dict[str, Place]) -> list[Finding]:
    findings = []
    for one in lines:
        item = items[one.item_id][1]
        if item != at and _within(-one.amount_minor, pool.open[at]):
            shares = [(item, one.amount_minor), (at, -one.amount_minor)]
            pool.settle(Rule.GIVEN, [], shares, _evidence([one]), Confidence.CERTAIN)
        else:
            findings.append(_beyond(one, "the credit note", pool.open[at], pool.currency))
    return findings


def _within(amount: int, rest: int) -> bool:
    """Whether `amount` is a part of `rest`: not zero, of its sign, not more."""
    return 0 < amount <= rest or rest <= amount < 0


def _evidence(lines: list[GivenAllocation]) -> tuple[str, ...]:
    return tuple(f"allocation {one.id} of {one.allocated_on}" for one in lines)


def _beyond(one: GivenAllocation, side: str, rest: int, currency: str) -> Finding:
    text = f"it applies {one.amount_minor} where {rest} is left of {side} (minor units of {currency})"
    return _finding(FindingCode.OVER_ALLOCATED, one, text)


def _finding(code: FindingCode, one: GivenAllocation, message: str) -> Finding:
    tell = "compare the allocation with both documents in the ERP"
    return Finding(code, one.id, f"allocation {one.id!r} on {one.item_id!r} refused: {message}; {tell}")
