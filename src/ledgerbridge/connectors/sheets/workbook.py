"""Read a workbook's cells through the guarded child process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledgerbridge.errors import SourceFileError

from .guard import check_workbook
from .settings import SheetsSettings

_CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as text. `damaged`: a number of more digits than Excel keeps, so the text is not what was entered."""

    text: str | None
    damaged: bool = False


Grid = list[list[Cell]]
"""The rows of one sheet or file; line n of the file is at index n - 1."""

EMPTY = Cell(None)


def read_workbook(path: Path, sheet: str | None, settings: SheetsSettings) -> dict[str, Grid]:
    """The cells of one sheet, or of every sheet in order; SourceFileError says why a file is refused."""
    check_workbook(path, settings)
    arguments = [str(path), sheet or "", str(settings.parse_bytes_max), str(settings.parse_seconds_max)]
    try:
        done = subprocess.run(  # noqa: S603 (our own interpreter and file; the path is an argument, never a shell word)
            [sys.executable, "-I", str(_CHILD), *arguments],
            capture_output=True,
            timeout=settings.parse_seconds_max + 10,
            check=False,
            env={"LANG": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired:
        raise SourceFileError(
            f"{path.name}: parsing took more than {settings.parse_seconds_max} s; split the file"
        ) from None
    if done.returncode == 3:
        raise SourceFileError(f"{path.name}: {done.stderr.decode('utf-8', 'replace')}")
    if done.returncode != 0:
        why = "it needed too much memory or time" if done.returncode < 0 else _last_line(done.stderr)
        raise SourceFileError(f"{path.name}: the workbook cannot be parsed ({why}); open it in Excel and save it again")
    return dict(_grids(path, done.stdout))


def _grids(path: Path, output: bytes) -> Iterator[tuple[str, Grid]]:
    name, grid, ended = "", [], False
    for line in output.splitlines():
        row: Any = json.loads(line)
        if isinstance(row, list):
            grid.append([_cell(value) for value in row])
            continue
        if name:
            yield name, grid
        ended = "end" in row
        name, grid = row.get("sheet", ""), []
    if not ended:
        raise SourceFileError(f"{path.name}: parsing ended early; open it in Excel and save it again")


def _cell(value: Any) -> Cell:
    if value is None:
        return EMPTY
    if isinstance(value, str):
        return Cell(value)
    mark, content = value
    return Cell({True: "TRUE", False: "FALSE"}[content]) if mark == "b" else Cell(content, damaged=mark == "x")


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "no reason given"
