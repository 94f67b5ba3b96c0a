"""What a person does to an exception: each act gives the changed record and its event, or a refusal that says why.

A waiver above the limit is two acts by two people: the first asks for it, the second, who must be somebody else, confirms it
by the same act.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from pydantic import JsonValue

from ledgerbridge.errors import ActRefused
from ledgerbridge.model.exception import (
    TRANSITIONS,
    Act,
    Decision,
    Event,
    ExceptionRecord,
    Finding,
    Remedy,
    Severity,
    State,
    Waiver,
    Why,
)
from ledgerbridge.model.people import same_person

from .policy import ExceptionPolicy
from .suggesting import remedies

_TEXT_MAX: Final = 20_000

Moved = tuple[ExceptionRecord, Event]
"""The record after the act, and what happened."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, when (`today` is the company's calendar day) and under which rules. `named` is the name that stood in the file
    that the act came in, kept beside the one who brought the file.
    """

    name: str
    at: datetime
    today: date
    policy: ExceptionPolicy
    named: str | None = None


def assign(record: ExceptionRecord, owner: str | None, actor: Actor, *, text: str = "") -> Moved:
    """Give it to somebody: open becomes taken. `owner` None gives it back: taken becomes open again."""
    if record.state not in (State.OPEN, State.TAKEN):
        raise ActRefused(f"{record.id} is {record.state}; only what is open or taken can be given to somebody")
    if owner is not None and not is_name(owner):
        raise ActRefused(f"{record.id}: {owner!r} is no name of a person")
    if owner is not None and actor.policy.owners and owner not in actor.policy.owners:
        known = ", ".join(sorted(actor.policy.owners))
        raise ActRefused(f"{owner!r} is not among the people of exceptions.owners: {known}")
    state = State.OPEN if owner is None else State.TAKEN
    if owner == record.owner and state is record.state:
        raise ActRefused(f"{record.id} is {record.state} and with {owner or 'nobody'} already")
    return _moved(record, Act.ASSIGNED, state, actor, text, {"before": record.owner, "owner": owner}, owner=owner)


def comment(record: ExceptionRecord, text: str, actor: Actor) -> Moved:
    """Say something about it; in any state."""
    if not text.strip():
        raise ActRefused(f"{record.id}: a comment needs a text")
    return _moved(record, Act.COMMENTED, record.state, actor, text, comments=record.comments + 1)


def settle(record: ExceptionRecord, text: str, actor: Actor) -> Moved:
    """Say that it has been dealt with. It is reopened if it is found again with a worse amount, or after the grace time."""
    judged = _minor(record)
    return _moved(record, Act.SETTLED, State.SETTLED, actor, text, waiver=None, judged_minor=judged)


def waive(record: ExceptionRecord, text: str, actor: Actor, *, until: date | None = None) -> Moved:
    """Let it stand as it is, up to and including `until` if given. Above the limit this asks for a second person's yes, or
    is that yes; the person who asked cannot give it.
    """
    if not text.strip():
        raise ActRefused(f"{record.id}: a waiver needs a reason")
    if until is not None and until < actor.today:
        raise ActRefused(f"{record.id}: a waiver until {until} would be over already")
    _check(record, State.WAIVED)
    if record.waits_for_second and record.waiver is not None:
        return _confirm(record, record.waiver, text, actor, until)
    _check_words(record, actor, text)
    two = needs_second(record, actor.policy)
    waiver = Waiver(by=actor.name, at=actor.at, text=text, until=until, needs_second=two)
    details: dict[str, JsonValue] = {"until": until.isoformat() if until else None}
    if two:
        return _moved(
            record,
            Act.WAIVER_ASKED,
            record.state,
            actor,
            text,
            details,
            Why.LIMIT,
            waiver=waiver,
            judged_minor=_minor(record),
        )
    return _moved(
        record,
        Act.WAIVED,
        State.WAIVED,
        actor,
        text,
        details,
        waiver=waiver,
        decision=None,
        judged_minor=_minor(record),
    )


def _confirm(record: ExceptionRecord, asked: Waiver, text: str, actor: Actor, until: date | None) -> Moved:
    if same_person(asked.by, actor.name):
        raise ActRefused(f"{record.id}: {asked.by} asked for this waiver; somebody else must confirm it")
    if until not in (None, asked.until):
        raise ActRefused(f"{record.id}: the waiver that {asked.by} asked for holds until {asked.until}, not {until}")
    waiver = asked.model_copy(update={"second": actor.name})
    details: dict[str, JsonValue] = {
        "asked_by": asked.by,
        "until": asked.until.isoformat() if asked.until else None,
    }
    return _moved(
        record,
        Act.WAIVED,
        State.WAIVED,
        actor,
        text,
        details,
        waiver=waiver,
        decision=None,
        judged_minor=_minor(record),
    )


def reopen(record: ExceptionRecord, text: str, actor: Actor) -> Moved:
    """Take back what was settled or waived, or a waiver that waits for its second person."""
    if not text.strip():
        raise ActRefused(f"{record.id}: say why it is opened again")
    if record.waits_for_second:
        return _moved(record, Act.WAIVER_DROPPED, record.state, actor, text, waiver=None)
    if record.state not in (State.SETTLED, State.WAIVED):
        raise ActRefused(f"{record.id} is {record.state}; only what is settled or waived can be opened again")
    reopened = record.reopened + 1
    return _moved(record, Act.REOPENED, State.OPEN, actor, text, waiver=None, judged_minor=None, reopened=reopened)


def decide(
    record: ExceptionRecord,
    remedy: Remedy | None,
    actor: Actor,
    *,
    text: str = "",
    fields: Sequence[str] = (),
) -> Moved:
    """Say what shall be done; None withdraws what was decided. A decision that a plan can carry out is read by the next plan.

    `fields` narrow an update to some of the finding's fields.
    """
    if record.state not in (State.OPEN, State.TAKEN):
        raise ActRefused(f"{record.id} is {record.state}; decide on what is open or taken")
    if remedy is None:
        if record.decision is None:
            raise ActRefused(f"{record.id}: nothing was decided")
        return _moved(record, Act.DECISION_DROPPED, record.state, actor, text, decision=None)
    fitting = remedies(record.finding.code)
    if remedy not in fitting:
        raise ActRefused(f"{record.id}: {remedy} does not fit {record.finding.code}; fitting are {', '.join(fitting)}")
    strange = [name for name in fields if name not in record.finding.fields]
    if strange:
        known = ", ".join(record.finding.fields) or "none"
        raise ActRefused(f"{record.id}: {', '.join(strange)} is no field of the finding; it has {known}")
    _check_words(record, actor, text)
    made = Decision(
        remedy=remedy,
        fields=tuple(fields),
        text=text,
        by=actor.name,
        at=actor.at,
        named=actor.named,
        seen=_seen(record.finding),
    )
    details: dict[str, JsonValue] = {"remedy": remedy, "fields": list(fields)}
    return _moved(record, Act.DECIDED, State.TAKEN, actor, text, details, decision=made, judged_minor=_minor(record))


def is_name(text: str) -> bool:
    """Whether a text can be the name of a person: 1 to 100 characters on one line, no blanks around it."""
    return 0 < len(text) <= 100 and text.isprintable() and text == text.strip()


def needs_second(record: ExceptionRecord, policy: ExceptionPolicy) -> bool:
    """Whether waiving it takes two people: more money than the limit, or no money and high severity."""
    difference = record.finding.difference
    if difference is None:
        return record.severity is Severity.HIGH
    return abs(difference.minor) > policy.waive_limit.of(difference.currency)


def _minor(record: ExceptionRecord) -> int | None:
    return record.finding.difference.minor if record.finding.difference else None


def _seen(finding: Finding) -> dict[str, JsonValue]:
    """What a finding says of each system's value; of several fields it cannot be told which is meant."""
    said = {system: finding.evidence.get(system) for system in finding.systems} if len(finding.fields) <= 1 else {}
    return {system: value for system, value in said.items() if value is not None}


def _check(record: ExceptionRecord, state: State) -> None:
    if (record.state, state) not in TRANSITIONS:
        raise ActRefused(f"{record.id} is {record.state} and cannot become {state}")


def _check_words(record: ExceptionRecord, actor: Actor, text: str) -> None:
    if "\x00" in text or len(text) > _TEXT_MAX:
        raise ActRefused(f"{record.id}: the text holds NUL characters or more than {_TEXT_MAX:,} characters")
    if actor.named is not None and not is_name(actor.named):
        raise ActRefused(f"{record.id}: {actor.named!r} is no name of a person")


def _moved(
    record: ExceptionRecord,
    act: Act,
    state: State,
    actor: Actor,
    text: str,
    details: dict[str, JsonValue] | None = None,
    why: Why | None = None,
    **changes: object,
) -> Moved:
    if state is not record.state:
        _check(record, state)
    _check_words(record, actor, text)
    event = Event(
        at=actor.at,
        actor=actor.name,
        act=act,
        from_state=record.state,
        to_state=state,
        why=why,
        text=text,
        details=(details or {}) | ({"named": actor.named} if actor.named else {}),
    )
    if act is not Act.COMMENTED:
        changes |= {"moved_at": actor.at, "moved_by": actor.name, "moved_text": text}
    return record.model_copy(update={**changes, "state": state, "version": record.version + 1}), event
