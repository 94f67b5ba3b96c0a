"""Planted mistakes in merging and planning: the judge of random edits must find each, or it proves nothing.

What that judge cannot see, since it never happens among random edits, is planted nowhere here: doubtful links, quarantine, caps,
payments in parts, decisions on exceptions. Nor what it does not ask: whether a following system's new customer reaches the ERP.

python -m tests.chaos.mutants [--seeds 8] [--edits 30] [--only NAME]
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from ledgerbridge import log
from ledgerbridge.model.agreed import UNSET, Base, Value
from ledgerbridge.model.change import Change
from ledgerbridge.model.flow import Flow
from ledgerbridge.reconciler.merge import field as merging
from ledgerbridge.reconciler.merge import ownership
from ledgerbridge.reconciler.merge.field import Decision, FieldRule, Verdict
from ledgerbridge.reconciler.planning import entity, outcome, updating, voiding
from ledgerbridge.reconciler.planning.rules import Copy

from .converge import fresh_stores, run_seed

Plant = Callable[[pytest.MonkeyPatch], None]
MUTANTS: Final[dict[str, Plant]] = {}


def mutant(plant: Plant) -> Plant:
    """Register a mistake."""
    MUTANTS[plant.__name__] = plant
    return plant


def merged_otherwise(
    patch: pytest.MonkeyPatch,
    change: Callable[[Base | None, Value, Value, FieldRule, Decision], Decision],
) -> None:
    right = merging.merge

    def wrong(base: Base | None, left: Value, other: Value, rule: FieldRule) -> Decision:
        return change(base, left, other, rule, right(base, left, other, rule))

    patch.setattr(updating, "merge", wrong)


def drafted_otherwise(patch: pytest.MonkeyPatch, change: Callable[[Change], Change | None]) -> None:
    right = outcome.Desk.draft

    def wrong(self: outcome.Desk, one: Change, *given: Any, **named: Any) -> None:
        drafted = change(one)
        if drafted is not None:
            right(self, drafted, *given, **named)

    patch.setattr(outcome.Desk, "draft", wrong)


@mutant
def lets_the_left_win_whenever_both_changed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(merging, "_both", lambda rule: Decision(Verdict.TAKE_LEFT, f"owner:{rule.left}"))


@mutant
def decides_for_people_where_both_changed(patch: pytest.MonkeyPatch) -> None:
    merged_otherwise(
        patch,
        lambda _base, _left, _right, rule, was: (
            Decision(Verdict.TAKE_LEFT, f"owner:{rule.left}") if was.verdict is Verdict.CONFLICT else was
        ),
    )


@mutant
def asks_people_what_one_side_alone_changed(patch: pytest.MonkeyPatch) -> None:
    merged_otherwise(
        patch,
        lambda base, _left, _right, rule, was: (
            Decision(Verdict.CONFLICT) if base is not None and was.by.startswith("only:") and rule.two_way else was
        ),
    )


@mutant
def forgets_what_was_agreed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(updating, "_base", lambda _base, _unit, _items: None)


@mutant
def takes_any_difference_for_agreed(patch: pytest.MonkeyPatch) -> None:
    merged_otherwise(
        patch,
        lambda base, _left, _right, _rule, was: (
            Decision(Verdict.AGREED) if base is not None and was.verdict is Verdict.TAKE_LEFT else was
        ),
    )


@mutant
def does_not_put_back_what_only_the_owner_may_change(patch: pytest.MonkeyPatch) -> None:
    merged_otherwise(
        patch, lambda _base, _left, _right, _rule, was: Decision(Verdict.AGREED, "stands") if was.drift else was
    )


@mutant
def takes_an_emptied_field_for_unsaid(patch: pytest.MonkeyPatch) -> None:
    def change(base: Base | None, left: Value, right: Value, rule: FieldRule, _was: Decision) -> Decision:
        return merging.merge(base, UNSET if left is None else left, UNSET if right is None else right, rule)

    merged_otherwise(patch, change)


@mutant
def turns_the_owners_round(patch: pytest.MonkeyPatch) -> None:
    right = ownership.owners_of

    def wrong(flow: Flow, unit: str) -> tuple[str, ...]:
        names = right(flow, unit)
        return tuple({flow.left: flow.right, flow.right: flow.left}.get(name, name) for name in names)

    patch.setattr(merging, "owners_of", wrong)


@mutant
def writes_the_other_sides_old_value(patch: pytest.MonkeyPatch) -> None:
    merged_otherwise(
        patch,
        lambda _base, _left, _right, _rule, was: (
            replace(
                was, verdict={Verdict.TAKE_LEFT: Verdict.TAKE_RIGHT, Verdict.TAKE_RIGHT: Verdict.TAKE_LEFT}[was.verdict]
            )
            if was.verdict in (Verdict.TAKE_LEFT, Verdict.TAKE_RIGHT) and was.by.startswith("only:")
            else was
        ),
    )


@mutant
def writes_over_what_was_changed_since_the_plan(patch: pytest.MonkeyPatch) -> None:
    drafted_otherwise(patch, lambda change: change.model_copy(update={"expected": None}))


@mutant
def voids_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(entity, "void_at", lambda *_given: None)


@mutant
def voids_in_the_leading_system_what_is_void_in_the_other(patch: pytest.MonkeyPatch) -> None:
    right = entity._on_both_sides

    def wrong(desk: outcome.Desk, left: Copy, copies: tuple[Copy, ...]) -> None:
        if all(voiding.is_dead(copy) for copy in copies) and not voiding.is_dead(left):
            voiding.void_at(desk, desk.rules.left, (left,), "void there")
        else:
            right(desk, left, copies)

    patch.setattr(entity, "_on_both_sides", wrong)


@mutant
def is_a_cent_off(patch: pytest.MonkeyPatch) -> None:
    def off(change: Change) -> Change:
        fields = tuple(
            one.model_copy(update={"after": one.after + 1})
            if one.path in ("total_minor", "amount_minor") and isinstance(one.after, int)
            else one
            for one in change.fields
        )
        return change.model_copy(update={"fields": fields})

    drafted_otherwise(patch, off)


@mutant
def leaves_out_one_field_of_every_update(patch: pytest.MonkeyPatch) -> None:
    def less(change: Change) -> Change | None:
        fields = tuple(one for one in change.fields if one.path not in ("email", "total_minor"))
        return None if change.fields and not fields else change.model_copy(update={"fields": fields})

    drafted_otherwise(patch, less)


def found(name: str, folder: Path, seeds: range, edits: int) -> tuple[int | None, str]:
    """The first seed whose verdict is a fault, and the fault; None if nobody noticed."""
    with pytest.MonkeyPatch.context() as patch:
        MUTANTS[name](patch)
        for seed in seeds:
            try:
                faults = run_seed(folder, seed, edits=edits).faults
            except AssertionError as error:
                faults = [f"AssertionError: {error}"]
            for left in folder.glob(f"{seed}-*.db*"):
                left.unlink()
            if faults:
                return seed, faults[0]
    return None, ""


def main(arguments: Sequence[str] | None = None) -> int:
    """By command; 1 if a mistake was not found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--edits", type=int, default=30)
    parser.add_argument("--only", choices=sorted(MUTANTS))
    given = parser.parse_args(arguments)
    log.configure(level="error")
    logging.getLogger("ledgerbridge").setLevel(logging.CRITICAL + 1)
    missed = []
    begun = time.monotonic()
    with fresh_stores() as folder:
        planted = [given.only] if given.only else list(MUTANTS)
        for name in planted:
            seed, why = found(name, folder, range(given.first, given.first + given.seeds), given.edits)
            print(f"{name:<56} {'MISSED' if seed is None else f'seed {seed}'}  {why[:110]}", flush=True)
            missed += [name] if seed is None else []
    print(f"{len(planted)} planted, {len(missed)} missed; {time.monotonic() - begun:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
