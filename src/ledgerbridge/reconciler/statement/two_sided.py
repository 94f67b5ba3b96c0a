"""Match the lines of two books: by number, by a damaged number, by date and amount. A tie is left to a person."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from datetime import date, datetime
from itertools import product
from typing import Final

from pydantic import ValidationError
from rapidfuzz.distance import DamerauLevenshtein

from ledgerbridge.errors import StatementError
from ledgerbridge.model.statement import CustomerStatement, Party, reasons
from ledgerbridge.model.two_sided import SideEntry, SideMatch, SideRule, StatementSide, TwoSidedStatement

from .values import Document, Period, Receipt, one_line

NEAR_DAYS: Final = 5
"""How far apart the days of both books may be: what is booked at a month's end arrives a few days later."""
DAMAGED_DAYS: Final = 31
"""How far apart the days may be where a number is only like the other."""
_TAIL_MIN: Final = 4
"""The least characters of a number's tail that name it."""
_TRIES_MAX: Final = 250_000
"""Where so many lines share one amount, none of them is known by it."""

Pairs = dict[str, list[str]]


def side_of(statement: CustomerStatement) -> StatementSide:
    """Our side, from our own statement."""
    return StatementSide(
        name=statement.company,
        opening_minor=statement.opening_minor,
        entries=tuple(
            SideEntry(
                id=entry.id, on=entry.on, number=entry.number, amount_minor=entry.amount_minor, remark=entry.reference
            )
            for entry in statement.entries
        ),
        closing_minor=statement.closing_minor,
    )


def side_of_books(
    *,
    name: str,
    currency: str,
    period: Period,
    documents: Iterable[Document],
    receipts: Iterable[Receipt],
    opening_minor: int | None = None,
    closing_minor: int | None = None,
) -> StatementSide:
    """The other side, from records read out of its books or sheet, in our signs: an invoice raises, money lowers.

    `opening_minor` and `closing_minor` are what that side states (None: what its records sum to). What is dated before the
    period counts only towards an opening that is not stated; what is dated after it is left out. StatementError for another
    currency and for stated balances that its lines do not lead from one to the other.
    """
    moved: list[tuple[Document | Receipt, int]] = [(one, one.amount_minor) for one in documents]
    moved += [(one, -(one.amount_minor + one.fee_minor)) for one in receipts]
    entries, before = [], 0
    for one, minor in sorted(moved, key=lambda pair: (pair[0].on, pair[0].number, pair[0].id)):
        if one.currency != currency:
            raise StatementError(
                f"{name}: {one.number} is in {one.currency}, the statement in {currency}; they do not add"
            )
        if one.on < period.first_day:
            before += minor
        elif one.on <= period.last_day:
            number, remark = one_line(one.number), one_line(one.remark or one.reference)
            entries.append(SideEntry(id=one.id, on=one.on, number=number, amount_minor=minor, remark=remark))
    opening = before if opening_minor is None else opening_minor
    total = opening + sum(entry.amount_minor for entry in entries)
    try:
        return StatementSide(
            name=name,
            opening_minor=opening,
            entries=tuple(entries),
            closing_minor=total if closing_minor is None else closing_minor,
        )
    except ValidationError as error:
        raise StatementError(reasons(error)) from None


def two_sided(
    *,
    customer: Party,
    currency: str,
    first_day: date,
    last_day: date,
    left: StatementSide,
    right: StatementSide,
    made_at: datetime,
    near_days: int = NEAR_DAYS,
) -> TwoSidedStatement:
    """Both sides with every sure match. StatementError if the outcome were not sound, which no input should bring about."""
    try:
        return TwoSidedStatement(
            customer=customer,
            currency=currency,
            first_day=first_day,
            last_day=last_day,
            left=left,
            right=right,
            matches=match_sides(left.entries, right.entries, near_days=near_days),
            made_at=made_at,
        )
    except ValidationError as error:
        raise StatementError(reasons(error)) from None


def match_sides(
    left: Iterable[SideEntry], right: Iterable[SideEntry], *, near_days: int = NEAR_DAYS
) -> tuple[SideMatch, ...]:
    """Sure matches, in passes; what one pass matched leaves the pool. The order of the lines does not matter.

    All lines of one number and sign are one match, whatever they differ by. Every other pass asks for the same amount, and
    for exactly one candidate seen from each side.
    """
    pool = _Pool(left, right)
    pool.by_number()
    pool.unique(SideRule.DAMAGED_NUMBER, lambda one, other: _damaged(one, other, near_days))
    pool.unique(SideRule.DATE_AND_AMOUNT, lambda one, other: one.on is not None and one.on == other.on)
    pool.unique(
        SideRule.NEAR_DATE_AND_AMOUNT,
        lambda one, other: one.on is not None and other.on is not None and _apart(one, other) <= near_days,
    )
    return tuple(pool.matches)


def folded(number: str) -> str:
    """A number as it is compared: NFKC, without case, blanks and punctuation, leading zeros kept."""
    return "".join(char for char in unicodedata.normalize("NFKC", number).casefold() if char.isalnum())


class _Pool:
    """The lines that are not matched yet."""

    def __init__(self, left: Iterable[SideEntry], right: Iterable[SideEntry]) -> None:
        def order(entry: SideEntry) -> tuple[str, str, str]:
            return (str(entry.on), entry.number, entry.id)

        self.left = {entry.id: entry for entry in sorted(left, key=order)}
        self.right = {entry.id: entry for entry in sorted(right, key=order)}
        self.matches: list[SideMatch] = []

    def take(self, left: list[str], right: list[str], rule: SideRule) -> None:
        difference = sum(self.left.pop(key).amount_minor for key in left)
        difference -= sum(self.right.pop(key).amount_minor for key in right)
        self.matches.append(SideMatch(left=tuple(left), right=tuple(right), rule=rule, difference_minor=difference))

    def by_number(self) -> None:
        """Same number, same direction. Several lines of a number on a side are its parts, or it was booked twice."""

        def key(entry: SideEntry) -> Hashable:
            number = folded(entry.number)
            return (number, entry.amount_minor < 0) if number else None

        ours, theirs = _grouped(self.left, key), _grouped(self.right, key)
        for shared, ids in ours.items():
            if shared is not None and shared in theirs:
                self.take(ids, theirs[shared], SideRule.NUMBER)

    def unique(self, rule: SideRule, fits: Callable[[SideEntry, SideEntry], bool]) -> None:
        """Pairs of the same amount that fit, where neither line fits another one."""
        ours = _grouped(self.left, lambda entry: entry.amount_minor)
        theirs = _grouped(self.right, lambda entry: entry.amount_minor)
        forward: Pairs = defaultdict(list)
        backward: Pairs = defaultdict(list)
        for amount, ids in ours.items():
            others = theirs.get(amount, [])
            if amount == 0 or len(ids) * len(others) > _TRIES_MAX:
                continue
            for one, other in product(ids, others):
                if fits(self.left[one], self.right[other]):
                    forward[one].append(other)
                    backward[other].append(one)
        for key, found in forward.items():
            if len(found) == 1 and len(backward[found[0]]) == 1:
                self.take([key], found, rule)


def _grouped(entries: dict[str, SideEntry], key: Callable[[SideEntry], Hashable]) -> dict[Hashable, list[str]]:
    groups: dict[Hashable, list[str]] = defaultdict(list)
    for entry in entries.values():
        groups[key(entry)].append(entry.id)
    return groups


def _apart(one: SideEntry, other: SideEntry) -> int:
    """Days between two lines; 0 where one has no date."""
    return 0 if one.on is None or other.on is None else abs((one.on - other.on).days)


def _damaged(one: SideEntry, other: SideEntry, near_days: int) -> bool:
    """Whether one number may be the other typed wrongly: a character missing, doubled or swapped; or only its tail.

    A character that is another makes a number that is good as well, the next document's perhaps: only for near days.
    """
    short, long = sorted((folded(one.number), folded(other.number)), key=len)
    if len(short) < _TAIL_MIN or _apart(one, other) > DAMAGED_DAYS:
        return False
    if long.endswith(short) and any(char.isdigit() for char in short):
        return True
    if DamerauLevenshtein.distance(short, long, score_cutoff=1) > 1:
        return False
    replaced = len(short) == len(long) and sorted(short) != sorted(long)
    return not replaced or _apart(one, other) <= near_days
