"""What planning finds, put aside line by line while it reads, and given back when it is stored."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from ledgerbridge.model.change import Action, Change, key_of
from ledgerbridge.model.money import Money
from ledgerbridge.model.plan import Conflict, Effect, Held, HeldReason, Planned, Summary
from ledgerbridge.reconciler.planning import Draft, Outcome
from ledgerbridge.store.agreed import Agreed

from .planning_reading import Looked
from .planning_spool import Spool

_DRIFT = "drift:"


@dataclass(slots=True)
class _Sum:
    changes: int = 0
    drift: int = 0
    money: Counter[str] = field(default_factory=Counter)


class Findings:
    """Changes, held records, conflicts and agreed values of one planning. Take all, :meth:`finish`, then read."""

    def __init__(self) -> None:
        self._changes, self._later = Spool(), Spool()
        self._held, self._conflicts, self._agreed = Spool(), Spool(), Spool()
        self._sums: dict[tuple[Action, str], _Sum] = {}
        self._reasons: Counter[str] = Counter()
        self.looked_at = 0
        self._at_one = 0
        self._open = 0
        self.by_person: list[str] = []

    def take(self, one: Looked, outcome: Outcome, postponed: set[str]) -> None:
        """Take what became of one entity. `postponed`: keys of conflicts that rest."""
        self.looked_at += 1
        if outcome.rests and one.left_hash is not None and one.right_hash is not None:
            self._at_one += 1
        for draft in outcome.drafts:
            self._draft(draft)
        for held in outcome.held:
            self._held.add(held.model_dump_json(exclude_defaults=True))
            self._reasons[held.reason.value] += 1
        for conflict in outcome.conflicts:
            rests = conflict.key in postponed
            self._open += not rests
            self._conflicts.add(json.dumps([conflict.model_dump_json(exclude_unset=True), outcome.title, rests]))
        self.by_person += outcome.by_person
        if any(held.reason is HeldReason.IN_QUARANTINE for held in outcome.held):
            self.by_person += one.subject.decided  # nothing was compared: what people decided stays in force

    def note(self, row: Agreed, before_us: int | None) -> None:
        """Put an agreed row aside; `before_us` is the moment of the row that it replaces."""
        hashes = [None if one is None else one.hex() for one in (row.left_hash, row.right_hash)]
        self._agreed.add(json.dumps([row.entity_id, *hashes, row.settled, row.fields, before_us]))

    def finish(self) -> None:
        """Settle the changes that wait for others of the same plan: if those are created, they come first; if not, the
        reference is left out, for the record is right without it.
        """
        wanted = {entity for line in self._later.lines() for entity in json.loads(line)[-1].values()}
        if not wanted:
            return
        created = {
            change["entity"]
            for line in self._changes.lines()
            if (change := json.loads(json.loads(line)[0]))["action"] == Action.CREATE and change["entity"] in wanted
        }
        for text, title, currency, needs, waits_for in _in_order([json.loads(line) for line in self._later.lines()]):
            change = Change.model_validate_json(text)
            missing = {unit for unit, entity in waits_for.items() if entity not in created}
            keys = [
                key_of(Action.CREATE, change.system, change.kind, entity)
                for entity in waits_for.values()
                if entity in created
            ]
            fields = tuple(one for one in change.fields if one.path not in missing)
            all_needs = (*needs, *keys)
            settled = change.model_copy(update={"fields": fields, "needs": all_needs})
            self._keep(Draft(settled, title, currency, all_needs))
            created.add(change.entity)

    def summary(self, *, linked: int) -> Summary:
        """The plan in numbers."""
        effects = tuple(
            Effect(
                action=action,
                system=system,
                changes=total.changes,
                drift=total.drift,
                money=tuple(
                    Money(minor=minor, currency=currency) for currency, minor in sorted(total.money.items()) if minor
                ),
            )
            for (action, system), total in sorted(self._sums.items())
        )
        return Summary(
            linked=linked,
            looked_at=self.looked_at,
            agreed=self._at_one,
            effects=effects,
            conflicts=self._open,
            held=dict(sorted(self._reasons.items())),
        )

    @property
    def digest(self) -> str:
        """Over changes, conflicts and what is held."""
        text = b"".join(spool.digest for spool in (self._changes, self._held, self._conflicts))
        return hashlib.blake2b(text, digest_size=16).hexdigest()

    def planned(self) -> Iterator[Planned]:
        """The changes as rows of the plan, in the order in which they are to be handed over."""
        for seq, line in enumerate(self._changes.lines(), 1):
            text, title, currency, needs = json.loads(line)
            change = Change.model_validate_json(text)
            yield Planned(seq=seq, change=change, title=title, currency=currency, needs=tuple(needs))

    def held(self) -> Iterator[Held]:
        """What is held back."""
        yield from map(Held.model_validate_json, self._held.lines())

    def conflicts(self) -> Iterator[tuple[Conflict, str]]:
        """All conflicts that were met, with their titles."""
        for line in self._conflicts.lines():
            text, title, _ = json.loads(line)
            yield Conflict.model_validate_json(text), title

    def open_conflicts(self) -> Iterator[str]:
        """Keys of those that wait for a person now."""
        for line in self._conflicts.lines():
            text, _, rests = json.loads(line)
            if not rests:
                yield Conflict.model_validate_json(text).key

    def agreed_rows(self, flow: str, rules: str, now_us: int) -> Iterator[tuple[Agreed, int | None]]:
        """What is agreed now, with the moment of the row that each replaces."""
        for line in self._agreed.lines():
            entity, left, right, settled, fields, before_us = json.loads(line)
            yield Agreed(flow, entity, _unhex(left), _unhex(right), rules, settled, fields, now_us), before_us

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for spool in (self._changes, self._later, self._held, self._conflicts, self._agreed):
            spool.__exit__(kind, error, trace)

    def _draft(self, draft: Draft) -> None:
        if draft.waits_for:
            self._later.add(json.dumps([*_row(draft), dict(draft.waits_for)]))
        else:
            self._keep(draft)

    def _keep(self, draft: Draft) -> None:
        change = draft.change
        self._changes.add(json.dumps(_row(draft)))
        total = self._sums.setdefault((change.action, change.system), _Sum())
        total.changes += 1
        total.drift += bool(change.fields) and all(one.decided_by.startswith(_DRIFT) for one in change.fields)
        for money in change.money_effect:
            total.money[money.currency] += money.minor


def _row(draft: Draft) -> list[Any]:
    text = draft.change.model_dump_json(exclude_defaults=True)
    return [text, draft.title, draft.currency, list(draft.needs)]


def _unhex(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


def _in_order(rows: list[list[Any]]) -> Iterator[list[Any]]:
    """Those that wait for one another, what is waited for first; a circle is broken where it is met."""
    by_entity = {json.loads(row[0])["entity"]: row for row in rows}
    done: set[str] = set()
    for start in by_entity:
        chain = [start]
        while chain:
            entity = chain[-1]
            ahead = [one for one in by_entity[entity][-1].values() if one in by_entity and one not in done]
            ahead = [one for one in ahead if one not in chain]
            if ahead:
                chain.append(ahead[0])
                continue
            chain.pop()
            if entity not in done:
                done.add(entity)
                yield by_entity[entity]
