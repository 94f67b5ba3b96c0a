"""Rules that no linter knows: module size, marks left in code, room docstrings, registry hosts, machine paths."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULE_LINES_MAX = 420
FUNCTION_LINES_MAX = 75
MARKS = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b")
MACHINE = re.compile(
    r"(?<![\w.])/(?:home|root|work|Users)/\w|pypi\.org/simple|files\.pythonhosted|index-url", re.IGNORECASE
)
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".ini", ".txt", ".cfg", ".sh", ".json", ""}


def tracked() -> list[Path]:
    """The files git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607 (git of the developer's PATH)
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def faults(path: Path) -> list[str]:
    """What one file does that it must not."""
    name = path.relative_to(ROOT).as_posix()
    if path.suffix not in TEXT or name.startswith(".ci/house_rules"):
        return []
    text = path.read_text("utf-8", errors="replace")
    found = [f"{name}: a mark was left: {mark.group()}" for mark in MARKS.finditer(text) if path.suffix == ".py"]
    found += [f"{name}: names this machine or a registry host: {hit.group()}" for hit in MACHINE.finditer(text)]
    if path.suffix == ".py" and name.startswith("src/"):
        lines = text.count("\n")
        if lines > MODULE_LINES_MAX:
            found.append(f"{name}: {lines} lines, at most {MODULE_LINES_MAX}")
        tree = ast.parse(text)
        if path.name == "__init__.py" and not (ast.get_docstring(tree) or "").strip():
            found.append(f"{name}: a room must say what it is for")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    found.append(f"{name}:{node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES_MAX}")
    return found


if __name__ == "__main__":
    all_faults = [fault for path in tracked() for fault in faults(path)]
    print("\n".join(all_faults) or "house rules: kept")
    sys.exit(1 if all_faults else 0)
