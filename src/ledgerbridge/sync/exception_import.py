"""An exception report that finance sends back: what its edits would do, what is refused and why, and carrying it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ledgerbridge.errors import ActRefused
from ledgerbridge.model.exception import Event, ExceptionRecord, Remedy
from ledgerbridge.reconciler.exceptions import moving
from ledgerbridge.reconciler.exceptions.moving import Actor, Moved
from ledgerbridge.reports.decisions_xlsx import DecisionRow, differing, read_decisions
from ledgerbridge.reports.exception_columns import REOPEN, SETTLE, WAIVE, View
from ledgerbridge.store import Store, Tx, exception_merge, exceptions

from .exceptions import act_in

Move = Callable[[ExceptionRecord], Moved]


@dataclass(frozen=True, slots=True)
class RowWillDo:
    """What one row of the file does: the events of its acts, in order."""

    place: str
    id: str
    number: str | None
    customer: str | None
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class RowRefused:
    """A row that does nothing, and why."""

    place: str
    id: str
    why: str


@dataclass(frozen=True, slots=True)
class DecisionImport:
    """What a file would do, or did (`applied`). `unchanged` rows hold no edit."""

    rows: int
    unchanged: int
    acts: tuple[RowWillDo, ...]
    refused: tuple[RowRefused, ...]
    applied: bool


def import_decisions(
    store: Store, path: Path, actor: Actor, view: View, *, apply: bool = False, partial: bool = False
) -> DecisionImport:
    """Read a report back and carry out its edits (`apply`), all in one transaction; without `apply` only say what they would do.

    A row that was edited outside the decision columns, whose exception has changed since the report was made, or whose edit is
    no possible act, is refused; with any refused row nothing is carried out unless `partial` asks for the others. Who acts is
    `actor`, the name typed in a row is kept beside. Rows without an edit do nothing, however stale they are.

    Raises SourceFileError for a file that cannot be read.
    """
    rows = read_decisions(path)
    if not apply:
        with store.reading() as tx:
            return _judged(tx, rows, actor, view)[0]
    with store.writing(lock=exception_merge.LOCK) as tx:
        judged, work = _judged(tx, rows, actor, view)
        if judged.refused and not partial:
            return judged
        for record, moves in work:
            act_in(tx, record, *moves)
    return replace(judged, applied=True)


def _judged(
    tx: Tx, rows: Sequence[DecisionRow], actor: Actor, view: View
) -> tuple[DecisionImport, list[tuple[ExceptionRecord, list[Move]]]]:
    stored = exceptions.many(tx, {row.id for row in rows if row.id})
    times = Counter(row.id for row in rows)
    acts: list[RowWillDo] = []
    refused: list[RowRefused] = []
    work: list[tuple[ExceptionRecord, list[Move]]] = []
    for row in rows:
        try:
            record = _known(row, stored, times)
            moves = _moves(row, record, actor, view)
            after, events = record, []
            for move in moves:
                after, event = move(after)
                events.append(event)
        except ActRefused as error:
            refused.append(RowRefused(row.place, row.id, str(error)))
            continue
        if moves:
            found = record.finding
            acts.append(RowWillDo(row.place, row.id, found.number, found.customer_name, tuple(events)))
            work.append((record, moves))
    unchanged = len(rows) - len(acts) - len(refused)
    return DecisionImport(len(rows), unchanged, tuple(acts), tuple(refused), applied=False), work


def _known(row: DecisionRow, stored: dict[str, ExceptionRecord], times: Counter[str]) -> ExceptionRecord:
    if not row.id:
        raise ActRefused("the row has no id; rows cannot be added")
    if times[row.id] > 1:
        raise ActRefused(f"{row.id} stands in {times[row.id]} rows; keep one of them")
    record = stored.get(row.id)
    if record is None:
        raise ActRefused(f"there is no exception {row.id} here; is this the report of another workspace?")
    if row.digest is None:
        raise ActRefused(f"{row.id}: the hidden check cell was changed; make the report again")
    return record


def _moves(row: DecisionRow, record: ExceptionRecord, actor: Actor, view: View) -> list[Move]:
    """The acts of one row, none for a row without an edit."""
    shown = replace(view, language=row.language)
    differences = differing(row, record, shown)
    if row.digest != record.row_digest:
        if not row.is_edited:
            return []
        raise ActRefused(_stale(record, differences))
    if differences:
        raise ActRefused(f"{record.id} was edited outside the decision columns: {'; '.join(differences)}")
    if not row.is_edited:
        return []
    named = row.text("named")
    return _acts(row, record, replace(actor, named=named or None))


def _stale(record: ExceptionRecord, differences: Sequence[str]) -> str:
    what = "; ".join(differences) or "its owner, its decision or its evidence"
    last = f"{record.moved_by}, {record.moved_at:%Y-%m-%d %H:%M} UTC"
    return f"{record.id} has changed since the report was made (in the file ≠ now): {what}; last moved by {last}"


def _acts(row: DecisionRow, record: ExceptionRecord, actor: Actor) -> list[Move]:
    note, choice = row.text("note"), row.choice
    moves: list[Move] = []
    owner = row.text("owner") or None
    if choice != row.choice_before:
        moves.append(_chosen(record, row, note, actor))
    elif note:
        moves.append(lambda one: moving.comment(one, note, actor))
    if owner != row.owner_before:
        # What ends with this row is given away before it ends; what opens again is open first.
        moves.insert(0 if choice in (SETTLE, WAIVE) else len(moves), lambda one: moving.assign(one, owner, actor))
    return moves


def _chosen(record: ExceptionRecord, row: DecisionRow, note: str, actor: Actor) -> Move:
    choice = row.choice
    if choice is None:
        if row.choice_before in (SETTLE, WAIVE):
            raise ActRefused(f"{record.id} is {record.state}; choose to reopen it instead of emptying the cell")
        return lambda one: moving.decide(one, None, actor, text=note)
    if choice == SETTLE:
        return lambda one: moving.settle(one, note, actor)
    if choice == WAIVE:
        return lambda one: moving.waive(one, note, actor)
    if choice == REOPEN:
        return lambda one: moving.reopen(one, note, actor)
    if choice not in set(Remedy):
        raise ActRefused(f"{record.id}: {choice!r} is no decision; choose one from the list of the cell")
    remedy = Remedy(choice)
    return lambda one: moving.decide(one, remedy, actor, text=note)
