"""Build everything once: the only place that puts connectors, mappings, store and use cases together.

Nothing is opened before it is asked for, so that a command that needs no database does not pay for one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from ledgerbridge import log
from ledgerbridge.clock import Clock, SystemClock
from ledgerbridge.config import workspace as workspaces
from ledgerbridge.config.secrets import Resolver
from ledgerbridge.config.systems import connector_class, connector_package, connector_settings
from ledgerbridge.config.tree import SystemSettings
from ledgerbridge.connectors.base import Capabilities, Connector, Surroundings
from ledgerbridge.errors import ConfigError, LedgerbridgeError, MappingError
from ledgerbridge.mapping.apply import Context
from ledgerbridge.mapping.load import load_mapping, overlay
from ledgerbridge.mapping.options import with_options
from ledgerbridge.mapping.spec import MappingSpec
from ledgerbridge.model.base import Kind, SystemId
from ledgerbridge.sync.decode import DecodeWith
from ledgerbridge.sync.importing import ImportedFile
from ledgerbridge.sync.mapped import mapped_by
from ledgerbridge.sync.pull import Source, StreamOrder
from ledgerbridge.sync.sweep import SweepPolicy

if TYPE_CHECKING:
    from ledgerbridge.store import Store

_ORDER = list(Kind)  # customers first: what refers to them comes later


class App:
    """A workspace with everything that its settings describe, built on first use."""

    def __init__(self, workspace: workspaces.Workspace, *, clock: Clock | None = None) -> None:
        self.workspace = workspace
        self.clock: Clock = clock or SystemClock()
        self.resolver = Resolver(workspace.folder)

    @property
    def zone(self) -> ZoneInfo:
        """The company's zone."""
        return ZoneInfo(self.workspace.tree.workspace.zone)

    @cached_property
    def store(self) -> Store:
        """The database. A missing SQLite file is made; an older version is a StoreError that says how to migrate."""
        from ledgerbridge.store import Store

        url = database_url(self.workspace)
        return (Store.create if self.database_is_missing else Store.open)(url, clock=self.clock)

    @property
    def database_is_missing(self) -> bool:
        """Whether the database is a SQLite file that is not there yet (or empty, as an interrupted first use leaves it)."""
        path = Path(database_url(self.workspace).removeprefix("sqlite:///"))
        return self.workspace.tree.database.url.startswith("sqlite:///") and not (path.exists() and path.stat().st_size)

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
        log.hide(self.resolver.values)
        return _construct(made, settings, self.surroundings(name))

    def capabilities(self, name: str) -> Capabilities:
        """What a system can do with its settings; its secrets are not looked up, so it can be asked anywhere."""
        made = connector_class(self.system(name).connector)
        settings = connector_settings(self.workspace, name, Resolver(self.workspace.folder, offline=True))
        with _construct(made, settings, self.surroundings(name)) as connector:
            return connector.capabilities

    def surroundings(self, system: str) -> Surroundings:
        """What a connector is told besides its settings."""
        base = self.workspace.tree.workspace.base_currency
        return Surroundings(system, self.clock, self.zone, base, self.workspace.folder)

    def connector_of(self, system: str) -> str:
        """The connector whose mappings hold for a system; for a name that only imports used it is `sheets`."""
        configured = self.workspace.tree.systems.get(system)
        return configured.connector if configured else "sheets"

    def mapping_file(self, system: str, kind: Kind, wire_type: str) -> Path:
        """Where the workspace's own mapping of a system's records lies, whether it is there or not."""
        return self.workspace.folder / "mappings" / system / f"{kind}.{wire_type}.yaml"

    def mapping(self, system: str, kind: Kind, wire_type: str) -> MappingSpec:
        """The mapping in force: the connector's own, with the workspace's file laid over it."""
        return self._mapping(system, kind, wire_type, self.mapping_file(system, kind, wire_type))

    def _mapping(self, system: str, kind: Kind, wire_type: str, own: Path) -> MappingSpec:
        connector = self.connector_of(system)
        name = f"{kind}.{wire_type}.yaml"
        built_in = built_in_mapping(connector, name)
        if own.is_file():
            text = _text_of(own)
            return load_mapping(text, str(own)) if built_in is None else overlay(built_in, text, str(own))
        if built_in is None:
            raise MappingError(f"the connector {connector} has no mapping {name}; write {own}")
        return built_in

    def resolved_mapping(self, system: str, kind: Kind, wire_type: str) -> MappingSpec:
        """The mapping in force with its options filled in: what people are shown."""
        context = self.context(system)
        return with_options(self.mapping(system, kind, wire_type), context.options, context.base_currency)

    def context(self, system: str) -> Context:
        """What mappings of a system may use: zone, base currency, the system's options."""
        base = self.workspace.tree.workspace.base_currency
        configured = self.workspace.tree.systems.get(system)
        return Context(zone=self.zone, base_currency=base, options=configured.options if configured else {})

    def decode(self, system: str, kind: Kind, wire_types: Iterable[str]) -> DecodeWith:
        """How the records of one stream become canonical: one compiled mapping per wire type.

        The fingerprint changes with any mapping of the stream and with what mappings may use.
        """
        return mapped_by([self.mapping(system, kind, wire_type) for wire_type in wire_types], self.context(system))

    def source(self, system: str, kinds: Iterable[Kind] | None = None, *, full: bool, sweep: bool) -> Source:
        """What a pull of one system needs; kinds unset: those of its settings, or all that its connector reads."""
        connector = self.connector(system)
        capabilities = connector.capabilities
        wanted = (
            list(kinds)
            if kinds is not None
            else list(self.system(system).pull or sorted(capabilities.reads, key=_ORDER.index))
        )
        for kind in wanted:
            if kind not in capabilities.reads:
                known = ", ".join(sorted(capabilities.reads)) or "nothing"
                raise ConfigError(f"{system} ({self.system(system).connector}) reads {known}, not {kind}")
        policy = SweepPolicy(vanish_percent_max=self.workspace.tree.pull.sweep_loss_max_percent)
        orders = tuple(
            StreamOrder(
                kind,
                self.decode(system, kind, capabilities.wire_types[kind]),
                full=full,
                sweep=sweep,
                sweep_policy=policy,
            )
            for kind in wanted
        )
        return Source(system, lambda: connector, orders, self.workspace.tree.pull.page_size)

    def settling(self, source: Source) -> Source:
        """The same source; of a `sheets` system whole where a refused file waits in quarantine.

        Only a full walk settles what is no record, and without one a file that was mended would stay refused. What is read
        again unchanged costs a hash.
        """
        from ledgerbridge.store import quarantine

        if self.connector_of(source.system) != "sheets":
            return source
        with self.store.reading() as tx:
            open_entries = [entry for entry in quarantine.every(tx) if entry.system == source.system]
        waiting = {entry.kind for entry in open_entries if entry.external_id is None}
        streams = tuple(replace(order, full=order.full or order.kind in waiting) for order in source.streams)
        return replace(source, streams=streams)

    def import_streams(self) -> list[tuple[str, Kind, str]]:
        """The streams of names that only imports used and for which the workspace keeps a mapping."""
        folder = self.workspace.folder / "mappings"
        names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        return [
            (system, kind, wire_type)
            for system in names
            if system not in self.workspace.tree.systems
            for kind in _ORDER
            for wire_type in _import_types(kind, strict=False)
            if self.mapping_file(system, kind, wire_type).is_file()
        ]

    def decode_stream(self, system: str, kind: Kind) -> DecodeWith:
        """The decode of one stream of a system; of a name that only imports used, the one of the `sheets` connector."""
        if system in self.workspace.tree.systems:
            return self.decode(system, kind, self.capabilities(system).wire_types.get(kind, ()))
        return self.decode(system, kind, _import_types(kind))

    def import_source(self, system: str, imported: ImportedFile, mapping: Path | None) -> Source:
        """What an import of one file needs: the file as a system of its own, read by the `sheets` connector.

        All imports under one name are mapped alike, by everything that the `sheets` connector reads as the kind: a stream
        has one set of mappings, and an import must not change what another one has stored. `mapping` stands for the
        workspace's own file. ConfigError for a name or options that do not fit, or a file that is not there.
        """
        _check_system_name(system)
        path = imported.path.resolve()
        if path.is_dir():
            raise ConfigError(
                f"{imported.path} is a folder; name one file, or configure a sheets system with {path}/*.xlsx"
            )
        if not path.is_file():
            raise ConfigError(f"{imported.path}: there is no such file")
        made = connector_class("sheets")
        raw = {"files": [{"path": str(path), "kind": imported.kind.value, **imported.options}]}
        try:
            settings = made.settings.model_validate(raw, strict=False)
        except ValidationError as error:
            faults = "; ".join(str(fault["msg"]) for fault in error.errors(include_url=False, include_input=False))
            raise ConfigError(f"{imported.path} cannot be imported so: {faults}") from None
        surroundings = replace(self.surroundings(system), folder=path.parent)
        connector = _construct(made, settings, surroundings)
        wire_types = _import_types(imported.kind)
        wire_type = imported.options.get("wire_type") or wire_types[0]
        if mapping is not None:
            _text_of(mapping)
        specs = [
            self._mapping(system, imported.kind, name, mapping)
            if mapping is not None and name == wire_type
            else self.mapping(system, imported.kind, name)
            for name in wire_types
        ]
        decode = mapped_by(specs, self.context(system))
        # A file is read as a whole each time: an import of another file under the same name must not be taken for it.
        return Source(system, lambda: connector, (StreamOrder(imported.kind, decode, full=True),), None)

    def keep_import_mapping(self, system: str, kind: Kind, wire_type: str | None, mapping: Path) -> Path:
        """Make a mapping file the workspace's own for a system's imports, so that later imports and replays map alike.

        Returns where it lies. ConfigError if another one is there: it maps what was imported before.
        """
        target = self.mapping_file(system, kind, wire_type or _import_types(kind)[0])
        text = _text_of(mapping)
        if target.is_file() and _text_of(target) != text:
            raise ConfigError(
                f"{target} maps what was imported as {system} before, and differs from {mapping}; "
                "edit that file and import without --mapping, or import under another --system"
            )
        if not target.is_file():
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
            except OSError as error:
                raise ConfigError(f"{target} cannot be written: {error.strerror}") from None
        return target


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


def mapping_texts(app: App, system: str, kind: Kind, wire_type: str) -> list[tuple[str, str]]:
    """The mapping files in force for a stream, the one that goes first in front: what each is called, and its text."""
    name = f"{kind}.{wire_type}.yaml"
    own = app.workspace.folder / "mappings" / system / name
    texts = [(f"mappings/{system}/{name}", own.read_text("utf-8"))] if own.is_file() else []
    configured = app.workspace.tree.systems.get(system)
    connector = configured.connector if configured else "sheets"  # a name that only imports used
    source = files(connector_package(connector)) / "mappings" / name
    return [*texts, (f"{connector}/{name}", source.read_text("utf-8"))] if source.is_file() else texts


def built_in_mappings(connector: str) -> list[str]:
    """The names of all mapping files that ship with a connector."""
    folder = files(connector_package(connector)) / "mappings"
    return sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml")) if folder.is_dir() else []


def _import_types(kind: Kind, *, strict: bool = True) -> tuple[str, ...]:
    """What the `sheets` connector reads as a kind, its usual list first; if it reads none and `strict`, a ConfigError."""
    from ledgerbridge.connectors.sheets.settings import WIRE_TYPES

    known = WIRE_TYPES.get(kind, ())
    if not known and strict:
        raise ConfigError(f"files hold no {kind} records; they hold {', '.join(WIRE_TYPES)}")
    return known


def _check_system_name(system: str) -> None:
    try:
        TypeAdapter(SystemId).validate_python(system)
    except ValidationError:
        raise ConfigError(
            f"{system!r} is no name of a system: up to 32 small letters a-z, digits and _, a letter first, such as bank_icbc"
        ) from None


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None


def _construct(made: type[Any], settings: object, surroundings: Surroundings) -> Connector:
    try:
        connector: Connector = made(settings, surroundings)
    except LedgerbridgeError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the system {surroundings.system} cannot be built: {error}") from None
    return connector
