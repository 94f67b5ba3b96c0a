"""Every setting: what it does, what it is now, and where that came from."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ledgerbridge.errors import ConfigError

from .secrets import is_secret, model_of
from .systems import connector_class
from .tree import Tree
from .workspace import Workspace, line_of

_REFERENCES = ({"env"}, {"file"})
_PASSWORD = re.compile(r"(\b[a-z][\w+.-]*://[^\s/:@]*:)[^\s/]*@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Explained:
    """One setting. `value` is JSON-able and never a secret; `origin` is where it came from."""

    key: str
    value: Any
    default: Any
    origin: str
    what: str


def explain(workspace: Workspace, key: str = "") -> list[Explained]:
    """All settings at or below a dotted key ("" = all); ConfigError if there is none."""
    found = [item for item in _walk(workspace) if not key or item.key == key or item.key.startswith(f"{key}.")]
    if not found:
        raise ConfigError(f"there is no setting {key!r}; `ledgerbridge config explain` lists all")
    return found


def _walk(workspace: Workspace) -> Iterator[Explained]:
    for name, info in Tree.model_fields.items():
        if name in ("systems", "flows"):
            continue
        section = info.annotation
        assert isinstance(section, type)
        assert issubclass(section, BaseModel)
        yield from _section(workspace, name, section, workspace.raw.get(name, {}))
    for system, configured in workspace.tree.systems.items():
        raw = workspace.raw["systems"][system]
        key = f"systems.{system}"
        said = docstrings(type(configured))
        for name, info in type(configured).model_fields.items():
            if name != "settings":
                yield _one(workspace, f"{key}.{name}", info, raw.get(name, PydanticUndefined), said.get(name, ""))
        model = connector_class(configured.connector).settings
        yield from _section(workspace, f"{key}.settings", model, raw.get("settings", {}))
    for flow, settings in workspace.tree.flows.items():
        yield from _section(workspace, f"flows.{flow}", type(settings), workspace.raw["flows"][flow])


def _section(workspace: Workspace, key: str, model: type[BaseModel], raw: dict[str, Any]) -> Iterator[Explained]:
    said = docstrings(model)
    for name, info in model.model_fields.items():
        nested = model_of(info.annotation)
        value = raw.get(name, PydanticUndefined)
        if nested is not None and not _is_list(info) and not isinstance(value, list):
            yield from _section(workspace, f"{key}.{name}", nested, value if isinstance(value, dict) else {})
        else:
            yield _one(workspace, f"{key}.{name}", info, value, said.get(name, ""))


def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """What stands below each field of a model in its source, base classes included; nothing where there is no source.

    pydantic can do this while it makes a class (``use_attribute_docstrings``), but then every start of every command reads and
    parses these sources, which only :func:`explain` needs.
    """
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if not issubclass(cls, BaseModel) or cls is BaseModel:
            continue
        try:
            made = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        except (OSError, TypeError, SyntaxError):
            continue
        assert isinstance(made, ast.ClassDef)
        for field, after in pairwise(made.body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
                text = after.value.value if isinstance(after.value, ast.Constant) else None
                if isinstance(text, str):
                    found[field.target.id] = inspect.cleandoc(text)
    return found


def _is_list(info: FieldInfo) -> bool:
    return any(get_origin(part) in (list, tuple) for part in (info.annotation, *get_args(info.annotation)))


def _one(workspace: Workspace, key: str, info: FieldInfo, raw: Any, said: str) -> Explained:
    what = info.description or said
    secret = is_secret(info.annotation)
    default = None if secret or info.is_required() else _plain(info.get_default(call_default_factory=True))
    if raw is PydanticUndefined:
        origin = "not set, and required" if info.is_required() else "default"
        return Explained(key, default, default, origin, what)
    origin = _origin(workspace, key)
    value = raw
    if isinstance(raw, dict) and set(raw) in _REFERENCES:
        (how, where) = next(iter(raw.items()))
        origin += f", by reference to {'environment variable' if how == 'env' else 'file'} {where}"
        value = "(by reference)"
    elif secret:
        value = "(hidden)"
    return Explained(key, without_password(_plain(value)), default, origin, what)


def without_password(value: Any) -> Any:
    """A value as it may be shown: in an address ``scheme://user:password@host`` the password is hidden."""
    if isinstance(value, dict):
        return {name: without_password(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_password(item) for item in value]
    return _PASSWORD.sub(r"\1(hidden)@", value) if isinstance(value, str) else value


def _origin(workspace: Workspace, key: str) -> str:
    variable = workspace.overridden.get(key)
    if variable:
        return f"environment variable {variable}"
    parts = sorted(name for dotted, name in workspace.overridden.items() if dotted.startswith(f"{key}."))
    if parts:
        return f"{workspace.file.name} with environment variable {', '.join(parts)}"
    line = line_of(workspace.text, key)
    return f"{workspace.file.name} line {line}" if line else workspace.file.name


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple | list | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
