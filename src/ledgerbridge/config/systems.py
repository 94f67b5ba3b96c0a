"""Which connectors there are, and a system's own settings checked by the connector that it names."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from typing import Any

from pydantic import BaseModel, ValidationError

from ledgerbridge.connectors.base import Connector
from ledgerbridge.errors import ConfigError

from .secrets import Resolver, plain_secrets
from .workspace import Workspace, fault_lines

GROUP = "ledgerbridge.connectors"


def connector_names() -> list[str]:
    """The names of all connectors that are installed, ours and other packages'."""
    return sorted({entry.name for entry in _entries(tuple(sys.path))})


@lru_cache(maxsize=1)
def _entries(_path: tuple[str, ...]) -> tuple[metadata.EntryPoint, ...]:
    """What is installed on this path: to look through all packages takes some 10 ms, and a pull asks several times."""
    return tuple(metadata.entry_points(group=GROUP))


def connector_class(name: str) -> type[Connector]:
    """The class that a connector's name stands for; ConfigError if there is none, or if its package is broken."""
    for entry in _entries(tuple(sys.path)):
        if entry.name == name:
            try:
                loaded: type[Connector] = entry.load()
            except (ImportError, AttributeError) as error:
                raise ConfigError(f"the connector {name} ({entry.value}) cannot be loaded: {error}") from None
            return loaded
    raise ConfigError(f"there is no connector {name!r}; installed are {', '.join(connector_names())}")


def connector_package(name: str) -> str:
    """The package that a connector's entry point names; its mappings lie in the folder ``mappings`` of it."""
    for entry in _entries(tuple(sys.path)):
        if entry.name == name:
            return entry.module
    raise ConfigError(f"there is no connector {name!r}; installed are {', '.join(connector_names())}")


def connector_settings(workspace: Workspace, system: str, resolver: Resolver) -> BaseModel:
    """The checked settings of one system, references resolved.

    ConfigError lists every fault. A secret that stands in the file itself is refused: files are copied, mailed and backed up.
    """
    configured = workspace.tree.systems.get(system)
    if configured is None:
        known = ", ".join(workspace.tree.systems) or "none"
        raise ConfigError(f"{workspace.file} has no system {system!r}; it has {known}")
    model = connector_class(configured.connector).settings
    key = f"systems.{system}.settings"
    plain = plain_secrets(model, configured.settings, key)
    if plain:
        raise ConfigError(
            "\n".join(
                f"{workspace.file}: {name} holds a secret in plain text; write {name.rsplit('.', 1)[1]} = "
                f'{{ env = "NAME" }} or {{ file = "secrets/NAME" }}'
                for name in plain
            )
        )
    resolved: Mapping[str, Any] = resolver.resolve(dict(configured.settings), key)
    try:
        return model.model_validate(resolved, strict=False)
    except ValidationError as error:
        lines = [
            f"{workspace.file}: the system {system} cannot be used:",
            *fault_lines(workspace.text, workspace.overridden, key, error),
        ]
        raise ConfigError("\n".join(lines)) from None
