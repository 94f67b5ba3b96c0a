"""What the documents promise exists, and what exists is documented."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from ledgerbridge.cli import main

ROOT = Path(__file__).resolve().parents[2]


@cache
def tree() -> Any:
    """All commands; made once, which takes a third of a second."""
    main._register()
    return typer.main.get_command(main.app)


@cache
def commands() -> list[str]:
    found = []
    for name, command in tree().commands.items():
        below = getattr(command, "commands", None)
        found += [f"{name} {inner}" for inner in below] if below else [name]
    return found


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented_and_has_help(command: str) -> None:
    assert f"`ledgerbridge {command}" in (ROOT / "docs" / "cli.md").read_text("utf-8")
    at = tree()
    for name in command.split():
        at = at.commands[name]
    assert at.help


@pytest.mark.parametrize(
    "command",
    sorted(set(re.findall(r"`ledgerbridge ([a-z]+(?: [a-z]+)?)", (ROOT / "docs" / "cli.md").read_text("utf-8")))),
)
def test_every_documented_command_exists(command: str) -> None:
    known = commands()
    assert command in known or command.split(maxsplit=1)[0] in known


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} → {target}")
    assert broken == []


def test_every_invariant_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "invariants.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) >= 13
    missing = []
    for path, name in named:
        file = ROOT / path
        if not file.is_file() or (name and f"def {name}" not in file.read_text("utf-8")):
            missing.append(f"{path}::{name}")
    assert missing == []
