"""The command line in a workspace of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ledgerbridge.cli.main import main


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Bench:
    """A workspace and the command line in it."""

    folder: Path

    def run(self, *arguments: str, **environ: str) -> Ran:
        """A command in this process, as its own process would run it; that takes a second less than to start one."""
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, {**_clean(), **environ}, clear=True),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = main(list(arguments))
        return Ran(code, out.getvalue(), err.getvalue())

    def run_apart(self, *arguments: str, **environ: str) -> Ran:
        """The same in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "ledgerbridge.cli.main", *arguments],
            cwd=self.folder,
            env={**_clean(), **environ},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def write(self, name: str, text: str | bytes, encoding: str = "utf-8") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("LEDGERBRIDGE_")}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.write("ledgerbridge.toml", '[workspace]\nname = "测试公司"\n')
    return made
