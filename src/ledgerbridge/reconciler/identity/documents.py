"""Which documents of several systems are one document: by number, and by content where a number repeats. Never by amount alone.

All documents of one number are looked at together. A number that one unit of each of two systems bears, within one kind of
document, makes them the same whatever else differs: the difference is what reconciliation is there to report. Where it
repeats, units that agree in customer, currency, amount and date are paired if each is the only one for the other; what is
left on both sides is a tie for people.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Final, NamedTuple

TOO_COMMON: Final = 20
"""A number that more units of one system bear is none: nothing is linked by it and nobody is asked."""


class Unit(NamedTuple):
    """One document of one system: one record, or all records that are parts of one payment.

    `key` names it uniquely, `entity` is the one its records have already. `doc_kind` is "" where parts are of several kinds;
    `customer` is the customer's entity, None if it is not known; `void` is whether the system calls it void.
    """

    key: str
    system: str
    entity: str | None
    doc_kind: str
    customer: str | None
    currency: str
    amount_minor: int
    on: str | None
    void: bool


class Join(NamedTuple):
    """Two units that are one document. `by_content`: the number alone did not say so."""

    left: str
    right: str
    by_content: bool


class Tie(NamedTuple):
    """Two units that may be one document, why the machine does not say so, and the other units that either could be."""

    left: str
    right: str
    reasons: tuple[str, ...]
    rivals: tuple[str, ...]


@dataclass(slots=True)
class Found:
    """What is to be made of one number. `too_common`: it is borne by too many to mean anything."""

    joins: list[Join] = field(default_factory=list)
    ties: list[Tie] = field(default_factory=list)
    too_common: bool = False


Refused = Callable[[str, str], bool]
"""Has a person said that these two units (by key) are not the same?"""


def decide(units: Sequence[Unit], order: Sequence[str], refused: Refused, outside: Sequence[Unit] = ()) -> Found:
    """Join the units of one number. `order` says which system leads, which comes next; every unit's system is in it.

    `outside`: what bears another number but is in one entity with a unit; it is only minded. Units of one entity stay
    together, and an entity never comes to hold two units of one system. The result does not depend on the order of `units`.
    """
    found = Found()
    by_system: defaultdict[str, list[Unit]] = defaultdict(list)
    for unit in sorted(units, key=lambda one: one.key):
        by_system[unit.system].append(unit)
    if any(len(some) > TOO_COMMON for some in by_system.values()):
        found.too_common = True
        return found
    groups = _Groups([*units, *outside], refused)
    systems = [system for system in order if system in by_system]
    for left, right in combinations(systems, 2):
        _within_kinds(by_system[left], by_system[right], groups, found)
    for left, right in combinations(systems, 2):
        _across_kinds(by_system[left], by_system[right], groups, found)
    found.ties = _still_open(found.ties, groups)
    return found


class _Groups:
    """Units that are one document so far."""

    def __init__(self, units: Iterable[Unit], refused: Refused) -> None:
        self._head: dict[str, str] = {}
        self._members: dict[str, list[Unit]] = {}
        self._refused = refused
        self._units: dict[str, Unit] = {}
        of_entity: dict[str, str] = {}
        for unit in units:
            head = of_entity.setdefault(unit.entity, unit.key) if unit.entity else unit.key
            self._units[unit.key] = unit
            self._head[unit.key] = head
            self._members.setdefault(head, []).append(unit)

    def unit(self, key: str) -> Unit:
        """A unit by its key."""
        return self._units[key]

    def both(self, left: Unit, right: Unit) -> frozenset[str]:
        """The two documents, whichever of their units stand for them."""
        return frozenset((self._head[left.key], self._head[right.key]))

    def systems(self, unit: Unit) -> set[str]:
        """The systems that hold a unit of this one's document."""
        return {one.system for one in self._members[self._head[unit.key]]}

    def may_join(self, left: Unit, right: Unit) -> bool:
        """Would neither a system be doubled nor a person be contradicted?"""
        ours, theirs = self._head[left.key], self._head[right.key]
        if ours == theirs or self.systems(left) & self.systems(right):
            return False
        pairs = product(self._members[ours], self._members[theirs])
        return not any(self._refused(one.key, other.key) for one, other in pairs)

    def join(self, left: Unit, right: Unit) -> None:
        """From now on they are one document."""
        ours, theirs = self._head[left.key], self._head[right.key]
        for unit in self._members[theirs]:
            self._head[unit.key] = ours
        self._members[ours] += self._members.pop(theirs)


def _within_kinds(lefts: Sequence[Unit], rights: Sequence[Unit], groups: _Groups, found: Found) -> None:
    """Pair two systems' units kind by kind."""
    if len(lefts) == len(rights) == 1:  # nearly all numbers are like this
        if lefts[0].doc_kind == rights[0].doc_kind and groups.may_join(lefts[0], rights[0]):
            _join(lefts[0], rights[0], groups, found, by_content=False)
        return
    for kind in sorted({one.doc_kind for one in lefts} & {one.doc_kind for one in rights}):
        ours, theirs = [one for one in lefts if one.doc_kind == kind], [one for one in rights if one.doc_kind == kind]
        if len(ours) == len(theirs) == 1:
            if groups.may_join(ours[0], theirs[0]):
                _join(ours[0], theirs[0], groups, found, by_content=False)
            continue
        for level in (_all_agrees, _customer_unknown):
            for left, right in _only_ones(ours, theirs, groups, level):
                _join(left, right, groups, found, by_content=True)
        found.ties += _ties(ours, theirs, groups)


def _across_kinds(lefts: Sequence[Unit], rights: Sequence[Unit], groups: _Groups, found: Found) -> None:
    """What one system calls an invoice and the other an adjustment: the same only if the rest agrees."""
    if len(lefts) != 1 or len(rights) != 1 or lefts[0].doc_kind == rights[0].doc_kind:
        return
    left, right = lefts[0], rights[0]
    if not groups.may_join(left, right):
        return
    if _customer_unknown(left, right):
        _join(left, right, groups, found, by_content=True)
    else:
        found.ties.append(Tie(left.key, right.key, ("document kinds differ",), ()))


def _join(left: Unit, right: Unit, groups: _Groups, found: Found, *, by_content: bool) -> None:
    groups.join(left, right)
    found.joins.append(Join(left.key, right.key, by_content))


def _all_agrees(left: Unit, right: Unit) -> bool:
    return (
        left.customer is not None and left.customer == right.customer and left.void == right.void and _same(left, right)
    )


def _customer_unknown(left: Unit, right: Unit) -> bool:
    """The same without asking for more than there is: a customer that is not known does not differ."""
    return (left.customer is None or right.customer is None or left.customer == right.customer) and _same(left, right)


def _same(left: Unit, right: Unit) -> bool:
    return (left.currency, left.amount_minor, left.on) == (right.currency, right.amount_minor, right.on)


def _only_ones(
    lefts: Sequence[Unit], rights: Sequence[Unit], groups: _Groups, agrees: Callable[[Unit, Unit], bool]
) -> list[tuple[Unit, Unit]]:
    """Pairs that agree, each of them the only one for the other."""
    open_pairs = [
        (left, right) for left, right in product(lefts, rights) if agrees(left, right) and groups.may_join(left, right)
    ]
    ours: Counter[Hashable] = Counter(left.key for left, _ in open_pairs)
    theirs: Counter[Hashable] = Counter(right.key for _, right in open_pairs)
    return [(left, right) for left, right in open_pairs if ours[left.key] == theirs[right.key] == 1]


def _ties(lefts: Sequence[Unit], rights: Sequence[Unit], groups: _Groups) -> list[Tie]:
    left_open = [(left, right) for left, right in product(lefts, rights) if groups.may_join(left, right)]
    found = []
    for left, right in left_open:
        rivals = {other.key for one, other in left_open if one is left and other is not right}
        rivals |= {one.key for one, other in left_open if other is right and one is not left}
        reasons = ["number repeats", *_differences(left, right)]
        found.append(Tie(left.key, right.key, tuple(reasons), tuple(sorted(rivals))))
    return found


def _differences(left: Unit, right: Unit) -> list[str]:
    differ = {
        "customers differ": None not in (left.customer, right.customer) and left.customer != right.customer,
        "currencies differ": left.currency != right.currency,
        "amounts differ": left.amount_minor != right.amount_minor,
        "dates differ": left.on != right.on,
        "void on one side": left.void != right.void,
    }
    return [reason for reason, holds in differ.items() if holds]


def _still_open(ties: Collection[Tie], groups: _Groups) -> list[Tie]:
    """Without those that a later pair of systems has joined; of several that ask the same, the leading systems' one."""
    found: dict[frozenset[str], Tie] = {}
    for tie in ties:
        left, right = groups.unit(tie.left), groups.unit(tie.right)
        if groups.may_join(left, right):
            found.setdefault(groups.both(left, right), tie)
    return list(found.values())
