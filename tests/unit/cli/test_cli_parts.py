"""Small pure parts of the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledgerbridge.cli import words
from ledgerbridge.cli.output import plain
from ledgerbridge.cli.pulling import whole
from ledgerbridge.model.base import Kind
from ledgerbridge.model.run import Bucket, RunStatus
from ledgerbridge.reports import tables
from ledgerbridge.store.observed import State
from ledgerbridge.store.quarantine import QuarantineState

A, B = ("erp", Kind.INVOICE), ("erp", Kind.PAYMENT)
_CLI = Path(words.__file__).parent


@pytest.mark.parametrize(
    ("expected", "done", "total"),
    [
        ({A: 10, B: 5}, {A: 3}, 15),
        ({A: 10, B: None}, {A: 3}, None),
        ({A: 10}, {A: 11}, None),
        ({}, {}, 0),
    ],
)
def test_a_bar_has_a_length_only_while_every_size_is_known(
    expected: dict[tuple[str, Kind], int | None], done: dict[tuple[str, Kind], int], total: int | None
) -> None:
    assert whole(expected, done) == total


@dataclass
class _Row:
    path: Path
    parts: tuple[bytes, ...]


def test_everything_that_commands_tell_becomes_json() -> None:
    assert plain({"row": _Row(Path("a/b"), (b"x",)), Kind.INVOICE: None}) == {
        "row": {"path": "a/b", "parts": ["x"]},
        "invoice": None,
    }


def test_every_state_has_a_word_in_both_languages() -> None:
    for value in (*Kind, *Bucket, *RunStatus, *State, *QuarantineState, "pull", "remap", "replay", "sweep"):
        assert all(words.WORDS[str(value)])


def test_every_word_is_used() -> None:
    text = "".join(path.read_text("utf-8") for path in _CLI.glob("*.py") if path.name != "words.py")
    used = set(re.findall(r"[\"'](\w+)[\"']", text))
    used |= {str(value) for value in (*Kind, *Bucket, *RunStatus, *State, *QuarantineState)} | {"remap", "sweep"}
    assert sorted(set(words.WORDS) - used) == []


def test_a_sheet_that_would_lose_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "SHEET_ROWS_MAX", 3)
    assert tables.write_xlsx(tmp_path / "a.xlsx", ("x",), [("1",), ("2",)]) == 2
    with pytest.raises(ValueError, match="a sheet holds 3 rows"):
        tables.write_xlsx(tmp_path / "b.xlsx", ("x",), [("1",), ("2",), ("3",)])
