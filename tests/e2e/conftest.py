"""The command line in a process of its own, in a workspace of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


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
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGERBRIDGE_")}
        done = subprocess.run(
            [sys.executable, "-m", "ledgerbridge.cli.main", *arguments],
            cwd=self.folder,
            env={**clean, **environ},
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


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.write("ledgerbridge.toml", '[workspace]\nname = "测试公司"\n')
    return made
