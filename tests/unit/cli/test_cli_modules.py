"""A command is found without loading the others: the list of what each module adds says what it really adds."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

from ledgerbridge.cli import main


@pytest.mark.parametrize(("module", "commands"), main._MODULES, ids=[module for module, _ in main._MODULES])
def test_a_module_adds_what_the_list_says(module: str, commands: tuple[str, ...]) -> None:
    app = typer.Typer()
    import_module(f"ledgerbridge.cli.{module}").register(app)
    added = [command.name for command in app.registered_commands] + [group.name for group in app.registered_groups]
    assert sorted(map(str, added)) == sorted(commands)


def test_every_module_that_registers_is_in_the_list() -> None:
    folder = Path(main.__file__).parent
    registering = {path.stem for path in folder.glob("*.py") if "\ndef register(app:" in path.read_text("utf-8")}
    assert registering == {module for module, _ in main._MODULES}


def test_a_command_loads_neither_other_commands_nor_what_it_does_not_need() -> None:
    code = """
import sys
from ledgerbridge.cli.main import main
main(["pull", "--help"])
print(sorted(name for name in sys.modules if name.startswith("ledgerbridge.cli.")), file=sys.stderr)
sys.exit(any(name in sys.modules for name in ("sqlalchemy", "httpx", "rich", "structlog")))
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "pulling" in done.stderr
    assert "planning" not in done.stderr


@pytest.mark.parametrize("command", sorted({command for _, commands in main._MODULES for command in commands}))
def test_a_command_alone_is_called_by_its_name(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    main._registered.clear()
    assert main.main([command, "--help"]) == 0
    assert f" {command} " in capsys.readouterr().out.splitlines()[0]


def test_help_lists_all_commands_after_one_was_run(capsys: pytest.CaptureFixture[str]) -> None:
    main.main(["plans", "--help"])
    plans = capsys.readouterr().out
    assert "approve" in plans  # which comes from another module than its group
    assert "discard" in plans
    main.main(["--help"])
    shown = capsys.readouterr().out
    named = {command for _, commands in main._MODULES for command in commands}
    assert [command for command in named if command not in shown] == []


def test_a_command_that_is_not_there_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["pul"]) == 2
    assert "pul" in capsys.readouterr().err
