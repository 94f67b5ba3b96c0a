"""Golden cases of the shipped mappings: ``tests/cases/<connector>/<kind>/<case>.wire.json`` → ``<case>.canonical.json``.

The wire file is the record as the vendor sends it. Where a connector reads several objects as one kind, the case is named
``<wire_type>.<case>``. The expectation is the canonical record, or one of these:

- ``{"record": {…}, "notices": {"credit_code": "check character"}}``: mapped, with these fields left out (a part of the reason);
- ``{"problems": {"total_minor": "…"}}``: set aside, with exactly these fields at fault;
- ``{"filtered": "the reason"}``.

``<case>.options.json``, if there is one, holds the options that a workspace would set.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ledgerbridge.bootstrap import built_in_mapping, built_in_mappings
from ledgerbridge.mapping.apply import Context, Filtered, Mapped, canonical_bytes, compile_inbound
from ledgerbridge.model.problem import Problem
from ledgerbridge.model.wirejson import loads

CASES = Path(__file__).parents[1] / "cases"
_SPECIAL = frozenset({"record", "notices", "problems", "filtered"})


def stems(ending: str) -> set[str]:
    """``connector/kind/case`` of every file with that ending."""
    return {path.relative_to(CASES).as_posix().removesuffix(ending) for path in CASES.glob(f"*/*/*{ending}")}


WIRES, EXPECTATIONS = stems(".wire.json"), stems(".canonical.json")


def wire_types(connector: str, kind: str) -> list[str]:
    """The vendor's objects that a connector maps to a kind."""
    names = built_in_mappings(connector)
    return [name.removeprefix(f"{kind}.").removesuffix(".yaml") for name in names if name.startswith(f"{kind}.")]


def wire_type_of(connector: str, kind: str, case: str) -> str:
    """The object that a case is a sample of."""
    known = wire_types(connector, kind)
    named = [wire_type for wire_type in known if case == wire_type or case.startswith(f"{wire_type}.")]
    found = max(named, key=len) if named else known[0] if len(known) == 1 else None
    assert found is not None, f"{connector}/{kind} has the objects {known}: name the case <wire_type>.{case}"
    return found


def mapped(stem: str) -> Any:
    """What the mapping makes of a sample."""
    connector, kind, case = stem.split("/")
    spec = built_in_mapping(connector, f"{kind}.{wire_type_of(connector, kind, case)}.yaml")
    assert spec is not None
    chosen = CASES / f"{stem}.options.json"
    options = json.loads(chosen.read_text("utf-8")) if chosen.exists() else {}
    payload = loads((CASES / f"{stem}.wire.json").read_bytes())
    assert isinstance(payload, dict), "a sample is one record"
    return compile_inbound(spec, Context(ZoneInfo("Asia/Shanghai"), "CNY", options))(payload)


def agree(expected: dict[str, str], problems: tuple[Problem, ...]) -> None:
    """Exactly these fields, each for the reason given."""
    told = {problem.field: problem.why for problem in problems}
    assert told.keys() == expected.keys()
    assert [field for field, part in expected.items() if part not in told[field]] == [], told


@pytest.mark.parametrize("stem", sorted(WIRES & EXPECTATIONS))
def test_a_sample_becomes_what_is_expected(stem: str) -> None:
    expected = json.loads((CASES / f"{stem}.canonical.json").read_text("utf-8"))
    if not (expected and expected.keys() <= _SPECIAL):
        expected = {"record": expected}
    outcome = mapped(stem)
    if "filtered" in expected:
        assert isinstance(outcome, Filtered), outcome
        assert outcome.reason == expected["filtered"]
    elif "problems" in expected:
        assert not isinstance(outcome, Mapped | Filtered), outcome
        agree(expected["problems"], outcome.problems)
    else:
        assert isinstance(outcome, Mapped), outcome
        assert json.loads(canonical_bytes(outcome.value)) == expected["record"]
        agree(expected.get("notices", {}), outcome.notices)


def test_every_sample_has_an_expectation() -> None:
    assert sorted(WIRES - EXPECTATIONS) == []


def test_every_expectation_has_a_sample() -> None:
    assert sorted(EXPECTATIONS - WIRES) == []


def test_no_file_is_left_over() -> None:
    """A misspelled ending would be a case that never runs."""
    known = {f"{stem}{ending}" for stem in WIRES for ending in (".wire.json", ".canonical.json", ".options.json")}
    found = {path.relative_to(CASES).as_posix() for path in CASES.rglob("*") if path.is_file()}
    assert sorted(found - known) == []


@pytest.mark.parametrize("connector", sorted({stem.split("/")[0] for stem in WIRES}))
def test_every_mapping_of_a_connector_has_a_sample(connector: str) -> None:
    sampled = {f"{kind}.{wire_type_of(connector, kind, case)}.yaml" for _, kind, case in
               (stem.split("/") for stem in WIRES if stem.startswith(f"{connector}/"))}  # fmt: skip
    assert sorted(set(built_in_mappings(connector)) - sampled) == []
