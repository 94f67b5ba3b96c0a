"""After a verified write: what both sides of its flow now agree on, so that the next plan finds the pair at rest."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import JsonValue

from ledgerbridge.errors import ConfigError
from ledgerbridge.mapping.canonical import canonical_bytes
from ledgerbridge.model.agreed import Base, Value
from ledgerbridge.model.change import Action
from ledgerbridge.model.operation import Operation
from ledgerbridge.model.plan import PlanHead
from ledgerbridge.reconciler.merge import comparable, said, says_no_more
from ledgerbridge.reconciler.planning import EXCEPTION, PERSON, FlowRules, as_whole
from ledgerbridge.store import Tx, agreed, copies, links, plans, to_us
from ledgerbridge.store.copies import Copy

from .laying import entities_named
from .looking import Evidence


class AgreedValues:
    """Keeps the agreed values of configured flows; `rules` makes a flow ready (ConfigError if there is none of that name).

    Idempotent: the same write gives the same bases.
    """

    def __init__(self, rules: Callable[[str], FlowRules]) -> None:
        self._make = rules
        self._rules: dict[str, FlowRules | None] = {}

    def __call__(self, tx: Tx, operation: Operation, found: Evidence) -> None:
        """Note the written fields: what the other side was to say, and what the written side says now.

        An undo puts back what the other side does not say. What it says then counts as known: the difference stands until one
        side changes, instead of being written again by the next plan. Of a system that keeps parts nothing is noted here: its
        parts are only together what the other side says, and the next plan finds them so. Nor is a field of a new record that
        somebody edited before it was read back: the sides never agreed on it, and the next plan decides as at first contact.
        """
        change = operation.change
        head = plans.head(tx, operation.plan_id)
        rules = self._rules_of(head)
        if head is None or rules is None or found.record is None or change.part or change.action is Action.VOID:
            return
        at_right = change.system == rules.right.system
        other = self._other_side(tx, operation, rules)
        types = (found.raw.wire_type, other.wire_type if other is not None else "")
        units = rules.units(types[1], types[0]) if at_right else rules.units(*types)
        here: dict[str, Any] = json.loads(canonical_bytes(found.record))
        there: Mapping[str, Any] = json.loads(other.canonical) if other is not None and other.canonical else {}
        if rules.right.parts and there:
            there = as_whole(there)
        entity = links.resolve(tx, change.entity)
        # what a person saw on the other side when deciding on a conflict; it may say something else than what was decided
        before = agreed.get(tx, head.flow, entity)
        seen = before.bases() if before is not None else {}
        values: dict[str, Base] = {}
        for one in change.fields:
            items = units.get(one.path, frozenset())
            named = bool(entities_named({one.path.rpartition(".")[2]: one.after}))
            if named and head.undoes is not None:
                continue
            # a reference is compared by the entity it names, whatever each side calls it
            written = comparable(one.path, one.after if named else said(here, one.path), items)
            if one.path in found.differs and _edited(comparable(one.path, one.after, items), written):
                continue
            source: Value = said(there, one.path) if head.undoes is not None else one.after
            source = comparable(one.path, source, items)
            by_person = one.decided_by.startswith(PERSON) and not change.because.startswith(EXCEPTION)
            if by_person and one.path in seen:
                source = seen[one.path].left if at_right else seen[one.path].right
            values[one.path] = Base(source, written) if at_right else Base(written, source)
        agreed.note_written(tx, head.flow, entity, values, now_us=to_us(found.raw.fetched_at))

    def _rules_of(self, head: PlanHead | None) -> FlowRules | None:
        """The rules of a plan's flow; None for a flow that has been taken out of the settings since."""
        if head is None:
            return None
        if head.flow not in self._rules:
            try:
                self._rules[head.flow] = self._make(head.flow)
            except ConfigError:
                self._rules[head.flow] = None
        return self._rules[head.flow]

    def _other_side(self, tx: Tx, operation: Operation, rules: FlowRules) -> Copy | None:
        """The record of the same entity in the system that was not written to."""
        other = rules.left.system if operation.change.system == rules.right.system else rules.right.system
        entity = links.resolve(tx, operation.change.entity)
        for one in links.refs_of(tx, (entity,), rules.flow.kind).get(entity, ()):
            if one.system == other:
                return copies.get(tx, one.ref)
        return None


def _edited(sent: Value, found: Value) -> bool:
    """Whether what a new record says is somebody's own. More or less of what was sent, in whatever spelling, is what the system
    made of it; so is a number within a hundredth, what it reckons or rounds by itself. Nothing in the place of words or of a
    number is neither: they were taken out or never kept, and that must not stand as agreed.
    """
    if isinstance(sent, str | list) and sent and not found:
        return True
    if isinstance(sent, int) and sent:
        return not isinstance(found, int) or abs(found - sent) * 100 > abs(sent)
    if isinstance(sent, str) and isinstance(found, str):
        one, other = _folded(sent), _folded(found)
        return one not in other and other not in one
    return (
        isinstance(sent, list)
        and isinstance(found, list)
        and not says_no_more(found, sent)
        and not says_no_more(sent, found)
    )


def _folded(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())


def value_in(record: dict[str, Any], path: str) -> JsonValue:
    """The canonical JSON value at a path; None if the record says nothing there."""
    value: Any = record
    for step in path.split(".", 1) if path.startswith("custom.") else path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    found: JsonValue = value
    return found
