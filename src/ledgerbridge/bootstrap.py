"""Build everything once: the only place that puts connectors, mappings, store and use cases together.

Nothing is opened before it is asked for, so that a command that needs no database does not pay for one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ledgerbridge.clock import Clock, SystemClock
from ledgerbridge.config import workspace as workspaces
from ledgerbridge.config.secrets import Resolver
from ledgerbridge.config.systems import connector_class, connector_package, connector_settings
from ledgerbridge.config.tree import SystemSettings
from ledgerbridge.connectors.base import Connector, Surroundings
from ledgerbridge.errors import ConfigError, LedgerbridgeError, MappingError
from ledgerbridge.mapping.apply import Context, Filtered, Inbound, Mapped, Unmapped, compile_inbound
from ledgerbridge.mapping.load import load_mapping, overlay
from ledgerbridge.mapping.spec import MappingSpec
from ledgerbridge.model.base import Kind
from ledgerbridge.model.problem import Problem
from ledgerbridge.model.raw import Raw
from ledgerbridge.model.wirejson import WireError

if TYPE_CHECKING:
    from ledgerbridge.store import Store

Decode = Callable[[Raw], Mapped | Unmapped | Filtered]


class App:
    """A workspace with everything that its settings describe, built on first use."""

    def __init__(self, workspace: workspaces.Workspace, *, clock: Clock | None = None) -> None:
        self.workspace = workspace
        self.clock: Clock = clock or SystemClock()
        self.resolver = Resolver(workspace.folder)
        self._inbound: dict[tuple[str, Kind, str], Inbound] = {}

    @property
    def zone(self) -> ZoneInfo:
        """The company's zone."""
        return ZoneInfo(self.workspace.tree.workspace.zone)

    @cached_property
    def store(self) -> Store:
        """The database, migrated; relative SQLite paths start at the workspace."""
        from ledgerbridge.store import open_store

        return open_store(database_url(self.workspace))

    def close(self) -> None:
        """Close the database if it was opened."""
        if "store" in self.__dict__:
            self.store.close()

    def system(self, name: str) -> SystemSettings:
        """A system's configuration; ConfigError if there is none."""
        configured = self.workspace.tree.systems.get(name)
        if configured is None:
            known = ", ".join(self.workspace.tree.systems) or "none"
            raise ConfigError(f"{self.workspace.file} has no system {name!r}; it has {known}")
        return configured

    def connector(self, name: str) -> Connector:
        """The connector of a system; opens nothing. ConfigError says what is wrong with its settings."""
        configured = self.system(name)
        made = connector_class(configured.connector)
        settings = connector_settings(self.workspace, name, self.resolver)
        return _construct(made, settings, self.surroundings(name))

    def surroundings(self, system: str) -> Surroundings:
        """What a connector is told besides its settings."""
        base = self.workspace.tree.workspace.base_currency
        return Surroundings(system, self.clock, self.zone, base, self.workspace.folder)

    def mapping(self, system: str, kind: Kind, wire_type: str) -> MappingSpec:
        """The mapping in force: the connector's own, with the workspace's file laid over it."""
        connector = self.system(system).connector
        name = f"{kind}.{wire_type}.yaml"
        built_in = built_in_mapping(connector, name)
        own = self.workspace.folder / "mappings" / system / name
        if own.is_file():
            try:
                text = own.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise MappingError(
                    f"{own}: cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}"
                ) from None
            return load_mapping(text, str(own)) if built_in is None else overlay(built_in, text, str(own))
        if built_in is None:
            raise MappingError(f"the connector {connector} has no mapping {name}; write {own}")
        return built_in

    def context(self, system: str) -> Context:
        """What mappings of a system may use: zone, base currency, the system's options."""
        base = self.workspace.tree.workspace.base_currency
        return Context(zone=self.zone, base_currency=base, options=self.system(system).options)

    def decode(self, system: str) -> Decode:
        """From a raw record of a system to its canonical form; mappings are compiled on first use."""

        def decode(raw: Raw) -> Mapped | Unmapped | Filtered:
            key = (system, raw.kind, raw.wire_type)
            inbound = self._inbound.get(key)
            if inbound is None:
                inbound = compile_inbound(self.mapping(*key), self.context(system))
                self._inbound[key] = inbound
            try:
                payload = raw.payload()
            except WireError as error:
                return Unmapped((Problem(field="", wire="", value="", rule=f"{raw.wire_type}:json", why=str(error)),))
            return inbound(payload)

        return decode

    def fingerprint(self, system: str, kind: Kind, wire_types: Iterable[str]) -> str:
        """Changes whenever a mapping of the stream, or what it may use, changes."""
        context = self.context(system)
        parts = [self.mapping(system, kind, wire_type).fingerprint for wire_type in sorted(wire_types)]
        return "|".join([*parts, str(context.zone), context.base_currency, str(sorted(context.options.items()))])


def open_app(
    folder: Path | None = None, *, environ: Mapping[str, str] | None = None, clock: Clock | None = None
) -> App:
    """The app of a workspace: `folder`, or the one that `LEDGERBRIDGE_WORKSPACE` or the current folder leads to."""
    environ = os.environ if environ is None else environ
    found = folder or workspaces.find(Path.cwd(), environ)
    return App(workspaces.load(found.resolve(), environ), clock=clock)


def database_url(workspace: workspaces.Workspace) -> str:
    """The configured URL; a relative SQLite path is taken from the workspace's folder."""
    url = workspace.tree.database.url
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith("sqlite:////"):
        return f"{prefix}{workspace.folder / url[len(prefix) :]}"
    return url


def built_in_mapping(connector: str, name: str) -> MappingSpec | None:
    """The mapping file that ships with a connector, or None."""
    source = files(connector_package(connector)) / "mappings" / name
    return load_mapping(source.read_text("utf-8"), f"{connector}/{name}") if source.is_file() else None


def built_in_mappings(connector: str) -> list[str]:
    """The names of all mapping files that ship with a connector."""
    folder = files(connector_package(connector)) / "mappings"
    return sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml")) if folder.is_dir() else []


def _construct(made: type[Any], settings: object, surroundings: Surroundings) -> Connector:
    try:
        connector: Connector = made(settings, surroundings)
    except LedgerbridgeError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the system {surroundings.system} cannot be built: {error}") from None
    return connector
