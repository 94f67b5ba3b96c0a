"""The judge: watches the far sides alone, knows who decides what, and says what sync did wrong. Uses no merge of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action
from ledgerbridge.model.plan import ConflictState, HeldReason
from ledgerbridge.store import conflicts, links, plans
from ledgerbridge.sync.syncing import SyncResult

from .far_sides import KINDS, LEAD, Pushed, Town, Typed

NUMBER: Final = {Kind.CUSTOMER: "code", Kind.INVOICE: "no", Kind.PAYMENT: "no"}
LEFT: Final = ("left",)
BOTH: Final = ("right", "left")
MANUAL: Final = ("manual",)
OWNERS: Final[Mapping[Kind, Mapping[str, tuple[str, ...]]]] = {
    Kind.CUSTOMER: {
        "name": LEFT, "days": LEFT, "state": LEFT,
        "phone": BOTH, "mail": BOTH, "memo": BOTH, "people": BOTH, "seller": MANUAL,
    },
    Kind.INVOICE: dict.fromkeys(("day", "due", "cur", "total", "memo"), LEFT),
    Kind.PAYMENT: dict.fromkeys(("day", "cur", "amount", "memo"), LEFT),
}  # fmt: skip
"""Who decides each wire field, the first one prevailing; written down here once more, so that a wrong rule shows."""
OPEN: Final = (ConflictState.OPEN, ConflictState.POSTPONED)
_MONEY: Final = frozenset({"total", "amount"})
HELD_AT_REST: Final = frozenset(
    {
        HeldReason.LINK_DOUBTFUL,
        HeldReason.CUSTOMER_MISSING,
        HeldReason.VOID_ON_ONE_SIDE,
        HeldReason.ALREADY_WRITTEN,
        HeldReason.DEAD_LETTER,
    }
)
Spot = tuple[str, Kind, str, str]
"""A following system, a kind, a number and a field: what one base is for."""
Books = dict[str, dict[Kind, dict[str, dict[str, Any]]]]


def plain(field: str, value: Any) -> Any:
    """A wire value so that equal things are equal."""
    if field == "state":
        return "1" if value in (None, "") else str(value)
    if field == "people":
        people = [
            tuple(
                sorted(
                    (key, re.sub(r"[^0-9+]", "", str(said)) if key == "mobile" else said) for key, said in one.items()
                )
            )
            for one in value or []
        ]
        return tuple(sorted(people)) or None
    if value is None or value == "":
        return None
    if field in _MONEY:
        return Decimal(str(value))
    text = str(value).strip()
    return (re.sub(r"[^0-9+]", "", text) if field == "phone" else text) or None


class Oracle:
    """Knows what the sides of each pair last agreed on, from what it has seen on record. `faults` is what it found."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.faults: list[str] = []
        self.bases: dict[Spot, tuple[Any, Any]] = {}
        self.unproven: dict[Spot, tuple[Any, Any] | None] = {}
        """What was agreed before a write: if somebody edits the record before it is read back, it still is."""
        self.seen: dict[tuple[str, Kind, str, str], list[Any]] = {}
        self.checked = 0
        self.strangers = {(right, kind) for right in town.systems[1:] for kind in KINDS}
        """Following systems and kinds whose flow has never run: what they say has been compared with nothing yet."""
        self._pushed = dict.fromkeys(town.sides, 0)

    def books(self) -> Books:
        """What is on record now, by system, kind and number, in plain values; only what is alive."""
        found: Books = {}
        for system, side in self.town.sides.items():
            for kind in KINDS:
                table = found.setdefault(system, {}).setdefault(kind, {})
                for body in side.bodies(kind).values():
                    number = str(body.get(NUMBER[kind]))
                    if number in table:
                        self.faults.append(f"{system} has {kind} {number} twice")
                    table[number] = {field: plain(field, body.get(field)) for field in (*OWNERS[kind], "state")}
        return found

    def before_round(self) -> None:
        """Look at the books that the round will read."""
        self.start = self.books()
        for side in self.town.sides.values():
            side.typed.clear()  # it is in the books
        for system, tables in self.start.items():
            for kind, table in tables.items():
                for number, row in table.items():
                    for name in OWNERS[kind]:
                        self._note((system, kind, number, name), system, row[name])
        for spot, left, right in _pairs(self.start):
            if spot[:2] in self.strangers:
                continue
            known = self.bases.get(spot)
            if left == right or (known is None and _stands(spot, left, right)):
                self.bases[spot] = (left, right)
                self.unproven.pop(spot, None)

    def after_round(self, result: SyncResult) -> None:
        """Judge every write of the round, and its certificates."""
        for step in result.pull.steps:
            if not step.certificate.ties:
                self.faults.append(f"certificate of {step.system}/{step.kind}: {step.certificate.faults}")
        for flow in result.flows:
            for one in (*flow.resumed, *([flow.applied] if flow.applied else [])):
                self.faults.extend(f"{flow.flow}: {fault}" for fault in one.faults)
        happened: list[Pushed | Typed] = []
        for system, side in self.town.sides.items():
            happened += [*side.pushed[self._pushed[system] :], *side.typed]
            self._pushed[system] = len(side.pushed)
        for deed in sorted(happened, key=lambda deed: deed.at):
            if isinstance(deed, Pushed):
                self._judge(deed)
            else:  # read back with a write to the same record, it is carried on by the next flow of the same round
                self._hear(deed)
        self._judge_conflicts()

    def at_rest(self, result: SyncResult) -> None:
        """What differs must have been reported, and nothing else may have been."""
        now = self.books()
        reported: dict[str, set[str]] = {}
        with self.town.store.reading() as tx:
            for flow in result.flows:
                rules = self.town.rules[flow.flow]
                names = reported.setdefault(f"{rules.right.system}/{rules.flow.kind}", set())
                if flow.head is not None:
                    held = list(plans.held(tx, flow.head.plan_id))
                    names |= {one.entity for one in held}
                    strange = {one.reason for one in held} - HELD_AT_REST
                    if strange:
                        self.faults.append(f"{flow.flow} holds at rest: {sorted(strange)}")
                names |= {case.conflict.entity for case in conflicts.cases(tx, flow=flow.flow, states=OPEN)}
        for right in self.town.systems[1:]:
            for kind in KINDS:
                if f"{right}/{kind}" in reported:
                    self._compare(right, kind, now, reported[f"{right}/{kind}"])

    # -- inside

    def _compare(self, right: str, kind: Kind, now: Books, reported: set[str]) -> None:
        for number, left in now[LEAD][kind].items():
            other = now[right][kind].get(number)
            if other is None:
                alive = "1" if kind is not Kind.CUSTOMER else left["state"]  # a disabled customer is not made elsewhere
                differs = [] if left["state"] == "9" or alive != "1" else ["missing"]
            elif "9" in (left["state"], other["state"]) and kind is not Kind.CUSTOMER:
                differs = [] if left["state"] == other["state"] else ["state"]
            else:
                differs = [
                    field for field in OWNERS[kind]
                    if left[field] != other[field]
                    and self.bases.get((right, kind, number, field)) != (left[field], other[field])
                ]  # fmt: skip
            self.checked += 1
            if differs and not self._entities(right, kind, number) & reported:
                self.faults.append(f"at rest {kind} {number} differs from {right} in {differs}, unreported")

    def _entities(self, right: str, kind: Kind, number: str) -> set[str | None]:
        return {self._entity(LEAD, kind, number), self._entity(right, kind, number)} - {None}

    def _entity(self, system: str, kind: Kind, number: str) -> str | None:
        bodies = self.town.sides[system].bodies(kind)
        found = [key for key, body in bodies.items() if body.get(NUMBER[kind]) == number]
        with self.town.store.reading() as tx:
            return links.entity_of(tx, Ref(system=system, kind=kind, external_id=found[0])) if found else None

    def _judge(self, one: Pushed) -> None:
        number = str(one.after.get(NUMBER[one.kind]))
        after = {field: plain(field, one.after.get(field)) for field in OWNERS[one.kind]}
        others = self.town.systems[1:] if one.system == LEAD else (LEAD,)
        if one.before is None:
            for field, value in after.items():
                for other in others if value is not None else ():  # what is empty is not part of a create
                    self._agree(one.system, other, (one.kind, number, field), value)
            return
        before = {field: plain(field, one.before.get(field)) for field in OWNERS[one.kind]}
        if one.action is Action.VOID:
            if self.start[LEAD][one.kind].get(number, {}).get("state", "gone") not in ("9", "gone"):
                self.faults.append(f"{one.system} {one.kind} {number} was voided without a reason")
            return
        for field, value in after.items():
            if value != before[field]:
                self._judge_field(one, number, field, before[field], value, others)

    def _judge_field(
        self, one: Pushed, number: str, field: str, before: Any, after: Any, others: tuple[str, ...]
    ) -> None:
        """A field was overwritten: with what the other side says, and only if that side decides or alone has changed it."""
        why = "nobody says so"
        said = {other: self.seen.get((other, one.kind, number, field), []) for other in others}
        for other in sorted(others, key=lambda other: said[other][-1:] != [after]):  # who says it now goes first
            if after not in said[other]:
                continue
            right = one.system if other == LEAD else other
            base = self.bases.get((right, one.kind, number, field))
            why = self._against(one, field, before, after, base, other)
            spot = (right, one.kind, number, field)
            if why and spot in self.unproven:
                why = self._against(one, field, before, after, self.unproven[spot], other)
            if not why:
                for agreeing in {other, *(name for name in others if said[name][-1:] == [after])}:
                    self._agree(one.system, agreeing, (one.kind, number, field), after)
                return
        self.faults.append(f"{one.system} {one.kind} {number}.{field}: {before!r} became {after!r}: {why}")

    def _against(
        self, one: Pushed, field: str, before: Any, after: Any, base: tuple[Any, Any] | None, other: str
    ) -> str:
        """Why this write may not be; "" if it may."""
        owners = OWNERS[one.kind][field]
        mine, theirs = ("left", "right") if one.system == LEAD else ("right", "left")
        if one.kind is not Kind.CUSTOMER and one.system == LEAD:
            return "a one-way flow wrote to the left"
        here = 0 if one.system == LEAD else 1
        changed_here = base is None or before != base[here]
        changed_there = base is None or after != base[1 - here]
        if base is None and before is None:
            return ""  # what is empty is filled at first contact
        rank = {name: place for place, name in enumerate(owners)}
        prevails = theirs in rank and rank[theirs] < rank.get(mine, len(rank))
        if changed_here and changed_there and not prevails:
            return f"both changed it since {base!r}, and {other} does not decide"
        if changed_here and not changed_there and mine in rank:
            return f"only {one.system} changed it since {base!r}"
        if changed_here and owners == MANUAL:
            return f"a person decides, and {one.system} changed it since {base!r}"
        return ""

    def _agree(self, system: str, other: str, at: tuple[Kind, str, str], value: Any) -> None:
        right = system if other == LEAD else other
        spot = (right, *at)
        if value in self.seen.get((other, *at), []):
            if self.bases.get(spot) != (value, value):
                self.unproven[spot] = self.bases.get(spot)
            self.bases[spot] = (value, value)
        self._note(spot, system, value)

    def _hear(self, one: Typed) -> None:
        """What a person typed while the round was under way."""
        number = str(one.after.get(NUMBER[one.kind]))
        for name in OWNERS[one.kind]:
            self._note((one.system, one.kind, number, name), one.system, plain(name, one.after.get(name)))

    def _note(self, spot: Spot, system: str, value: Any) -> None:
        """A system says a value now. What it said in the last few rounds may still be on its way."""
        said = self.seen.setdefault((system, *spot[1:]), [])
        if said[-1:] != [value]:
            said.append(value)
            del said[:-4]

    def _judge_conflicts(self) -> None:
        """A conflict is of a field that a person decides, and both sides changed it since they agreed."""
        with self.town.store.reading() as tx:
            cases = conflicts.cases(tx, states=OPEN)
        for case in cases:
            one = case.conflict
            if one.path != "sales_owner":
                self.faults.append(f"a conflict over {one.path}, which has an owner")
            said = json.dumps([one.base, one.left_value, one.right_value], ensure_ascii=False)
            if one.base_known and one.base in (one.left_value, one.right_value):
                self.faults.append(f"a conflict although one side alone changed: {said}")
            if one.left_value == one.right_value:
                self.faults.append(f"a conflict over nothing: {said}")


def _pairs(books: Books) -> Iterator[tuple[Spot, Any, Any]]:
    for right in [system for system in books if system != LEAD]:
        for kind in KINDS:
            for number in sorted(books[LEAD][kind].keys() & books[right][kind].keys()):
                left, other = books[LEAD][kind][number], books[right][kind][number]
                for field in OWNERS[kind]:
                    yield (right, kind, number, field), left[field], other[field]


def _stands(spot: Spot, left: Any, right: Any) -> bool:
    """At first contact: a list that says less of the same, and a value in the place of one that its owner leaves empty."""
    _, kind, _, name = spot
    return (name == "people" and _one_says_less(left, right)) or (left is None and OWNERS[kind][name] == LEFT)


def _one_says_less(left: Any, right: Any) -> bool:
    one, other = set(left or ()), set(right or ())
    return bool(one and other) and (one <= other or other <= one)
