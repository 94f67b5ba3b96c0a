"""Find, read and check a workspace: ``ledgerbridge.toml`` plus overrides from the environment.

An environment variable ``LEDGERBRIDGE_SECTION__KEY`` (two underscores between levels, upper case) overrides one setting; its
value is read as TOML if it parses as such, else as text.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ledgerbridge.errors import ConfigError

from .addresses import BY_REFERENCE, password_in
from .tree import Tree

FILE_NAME = "ledgerbridge.toml"
PREFIX = "LEDGERBRIDGE_"
_NOT_SETTINGS = frozenset({"LEDGERBRIDGE_WORKSPACE"})


@dataclass(frozen=True, slots=True)
class Workspace:
    """A checked workspace. `raw` is the file with overrides applied, references unresolved; `overridden` maps a dotted key to
    the environment variable that set it.
    """

    folder: Path
    text: str
    raw: Mapping[str, Any]
    tree: Tree
    overridden: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """The workspace file."""
        return self.folder / FILE_NAME


def find(start: Path, environ: Mapping[str, str] | None = None) -> Path:
    """The workspace's folder: `LEDGERBRIDGE_WORKSPACE`, else the nearest folder at or above `start` with a workspace file."""
    environ = os.environ if environ is None else environ
    named = environ.get("LEDGERBRIDGE_WORKSPACE")
    if named:
        return Path(named)
    tried = [start, *start.parents]
    for folder in tried:
        if (folder / FILE_NAME).is_file():
            return folder
    raise ConfigError(
        f"no {FILE_NAME} in {start} or any folder above it; run `ledgerbridge init`, change to a workspace, "
        "or name one with --workspace"
    )


def load(folder: Path, environ: Mapping[str, str] | None = None) -> Workspace:
    """Read and check ``folder/ledgerbridge.toml``; ConfigError lists every fault with its key and, if it can, its line."""
    environ = os.environ if environ is None else environ
    path = folder / FILE_NAME
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; run `ledgerbridge init {folder}`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}") from None
    try:
        raw: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path} is nested too deeply") from None
    overridden = _override(raw, environ)
    try:
        tree = Tree.model_validate(raw)
    except ValidationError as error:
        lines = [f"{path} cannot be used:", *fault_lines(text, overridden, "", error)]
        raise ConfigError("\n".join([*lines, "`ledgerbridge config explain` lists every setting."])) from None
    _no_password_in_the_file(path, text, tree, overridden)
    return Workspace(folder, text, raw, tree, overridden)


def _no_password_in_the_file(path: Path, text: str, tree: Tree, overridden: Mapping[str, str]) -> None:
    """ConfigError if an address carries a password that stands in the settings file, which people copy and mail."""
    for key, value in (("database.url", tree.database.url), ("queue.broker", tree.queue.broker)):
        if key not in overridden and password_in(value):
            place = f"line {line}: " if (line := line_of(text, key)) else ""
            raise ConfigError(f"{path}: {place}{key}: a password stands in it: {BY_REFERENCE}")


def line_of(text: str, key: str) -> int | None:
    """The line of the file at which a dotted key is set, found by its table header and name; None if it is not there."""
    *tables, name = key.split(".")
    current: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        if header:
            current = [part.strip().strip('"') for part in header.group(1).split(".")]
            continue
        setting = re.match(r'\s*"?([A-Za-z0-9_.-]+?)"?\s*=', line)
        if setting and [*current, *setting.group(1).split(".")] == [*tables, name]:
            return number
    return None


def _override(raw: dict[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    done = {}
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in _NOT_SETTINGS or "__" not in variable:
            continue
        path = [part.lower() for part in variable[len(PREFIX) :].split("__")]
        place = raw
        for part in path[:-1]:
            deeper = place.setdefault(part, {})
            if not isinstance(deeper, dict):
                raise ConfigError(f"{variable}: {'.'.join(path)} is no setting")
            place = deeper
        place[path[-1]] = _value(environ[variable])
        done[".".join(path)] = variable
    return done


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def fault_lines(text: str, overridden: Mapping[str, str], prefix: str, error: ValidationError) -> list[str]:
    """One line per fault: where the setting was made (line of the file, or environment variable), its key, what is wrong.

    `prefix` is the dotted key of what was validated, "" for the whole file.
    """
    lines = []
    for fault in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in ((prefix,) if prefix else ()) + fault["loc"])
        message = "there is no such setting" if fault["type"] == "extra_forbidden" else fault["msg"]
        variable = overridden.get(key)
        line = line_of(text, key)
        place = f"environment variable {variable}: " if variable else f"line {line}: " if line else ""
        if variable and fault["type"] == "string_type":
            message += """; a text that looks like a number is written in quotes inside the value: '"123"'"""
        lines.append(f"  {place}{key}: {message}")
    return lines
