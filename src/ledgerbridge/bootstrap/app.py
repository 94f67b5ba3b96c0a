"""The app of a workspace: what its settings describe, built on first use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from ledgerbridge import log
from ledgerbridge.clock import Clock, SystemClock
from ledgerbridge.config import workspace as workspaces
from ledgerbridge.config.addresses import resolved
from ledgerbridge.config.queue import broker_of, worker_of
from ledgerbridge.config.secrets import Resolver
from ledgerbridge.config.systems import connector_class, connector_settings
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

from .mappings import built_in_mapping, import_types, text_of

if TYPE_CHECKING:
    from ledgerbridge.queue.worker import Worker
    from ledgerbridge.reconciler.planning import FlowRules
    from ledgerbridge.store import Store
    from ledgerbridge.sync.carrying import SystemCarrier
    from ledgerbridge.sync.linking import LinkResult

_ANNOUNCED = 64
_SQLITE = "sqlite:///"
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

        return (Store.create if self.database_is_missing else Store.open)(self.database_url, clock=self.clock)

    @cached_property
    def database_url(self) -> str:
        """The configured address, looked up if need be; a relative SQLite path is taken from the workspace's folder."""
        url = resolved(self.workspace.tree.database.url, "database.url", self.resolver)
        path = url.removeprefix(_SQLITE)
        return url if path == url else f"{_SQLITE}{self.workspace.folder / path}"

    @property
    def database_is_missing(self) -> bool:
        """Whether the database is a SQLite file that is not there yet (or empty, as an interrupted first use leaves it)."""
        path = Path(self.database_url.removeprefix(_SQLITE))
        return self.database_url.startswith(_SQLITE) and not (path.exists() and path.stat().st_size)

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

    def link(self, *, stop: Callable[[], bool] | None = None) -> LinkResult:
        """Link what is new between all systems, as the section `identity` of the settings says; after every pull."""
        from ledgerbridge.reconciler.identity import IdentityPolicy
        from ledgerbridge.sync.linking import link_all

        said = self.workspace.tree.identity
        policy = IdentityPolicy(
            sure_bits=said.sure_bits, doubtful_bits=said.doubtful_bits, margin_bits=said.margin_bits
        )
        return link_all(self.store, self.identity_order, self.clock, also=said.also, policy=policy, stop=stop)

    @property
    def identity_order(self) -> tuple[str, ...]:
        """All configured systems, the leading one first, then as the file lists them."""
        systems = self.workspace.tree.systems
        books = (name for name, configured in systems.items() if configured.connector.startswith("yonyou"))
        lead = self.workspace.tree.identity.lead or next(books, None)
        return tuple(dict.fromkeys([*([lead] if lead else []), *systems]))

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
            text = text_of(own)
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

    def flow_rules(self, name: str) -> FlowRules:
        """A configured flow made ready for planning; ConfigError if there is none, or if it cannot work."""
        from ledgerbridge.sync.flowrules import SideMaps, flow_rules

        flow = self.workspace.tree.flows.get(name)
        if flow is None:
            known = ", ".join(self.workspace.tree.flows) or "none"
            raise ConfigError(f"{self.workspace.file} has no flow {name!r}; it has {known}")
        sides = []
        for system in (flow.left, flow.right):
            capabilities = self.capabilities(system)
            types = capabilities.wire_types.get(flow.kind, ())
            specs = tuple(self.mapping(system, flow.kind, wire_type) for wire_type in types)
            sides.append(SideMaps(system, capabilities, specs, self.context(system)))
        return flow_rules(name, flow, *sides)

    def carrier(self, name: str) -> SystemCarrier:
        """The writing side of one system, for the queue; opens nothing. Close it when done."""
        from ledgerbridge.sync.carrying import AgreedValues, SystemCarrier, WriteMaps

        capabilities = self.capabilities(name)
        specs = {kind: self.mapping(name, kind, wire_type) for kind, wire_type in capabilities.write_types.items()}
        decodes = {kind: self.decode(name, kind, capabilities.wire_types[kind]) for kind in capabilities.reads}
        maps = WriteMaps(specs, decodes, self.context(name))
        settle_s = self.workspace.tree.apply.settle_s
        agree = AgreedValues(self.flow_rules)
        return SystemCarrier(
            name, lambda: self.connector(name), self.store, maps, capabilities, settle_s=settle_s, agree=agree
        )

    def carriers(self) -> dict[str, SystemCarrier]:
        """The writing sides of all systems that can be written to, by name."""
        return {name: self.carrier(name) for name in self.workspace.tree.systems if self.capabilities(name).writes}

    @contextmanager
    def worker(
        self, *, stop: Callable[[], bool] = lambda: False, concurrency: int = 1, listens: bool = False
    ) -> Iterator[Worker]:
        """A worker over all systems that can be written to; all is closed at the end. `listens`: a broker may wake it."""
        with ExitStack() as closing:
            carriers = {name: closing.enter_context(one) for name, one in self.carriers().items()}
            queue = self.workspace.tree.queue
            woken = closing.enter_context(broker_of(queue if listens else None, self.resolver, self.store, carriers))
            yield worker_of(queue, self.store, carriers, woken, stop=stop, concurrency=concurrency)

    def wake_workers(self, plan_id: str) -> None:
        """Say to the workers of other processes that a plan's writes may be sent. Best effort: they look by themselves too."""
        from ledgerbridge.model.operation import OpState
        from ledgerbridge.store import operations

        if self.workspace.tree.queue.broker is None:
            return
        with self.store.reading() as tx:
            ready = operations.listing(tx, states=(OpState.READY,), plan_id=plan_id, limit=_ANNOUNCED)
            jobs = [(one.change.system, one.id) for one in ready]
        systems = {system for system, _ in jobs}
        with broker_of(self.workspace.tree.queue, self.resolver, self.store, systems, listens=False) as broker:
            if broker is not None:
                broker.announce(jobs)

    def unkeyed(self, system: str, kind: Kind) -> bool:
        """Whether a create could be made twice there: money without a key that the far side knows again."""
        from ledgerbridge.sync.carrying import may_double

        return may_double(self.capabilities(system), kind)

    def can_void(self, system: str, kind: Kind) -> bool:
        """Whether a system can void its records of a kind."""
        return system in self.workspace.tree.systems and kind in self.capabilities(system).voids

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
            for wire_type in import_types(kind, strict=False)
            if self.mapping_file(system, kind, wire_type).is_file()
        ]

    def decode_stream(self, system: str, kind: Kind) -> DecodeWith:
        """The decode of one stream of a system; of a name that only imports used, the one of the `sheets` connector."""
        if system in self.workspace.tree.systems:
            return self.decode(system, kind, self.capabilities(system).wire_types.get(kind, ()))
        return self.decode(system, kind, import_types(kind))

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
        wire_types = import_types(imported.kind)
        wire_type = imported.options.get("wire_type") or wire_types[0]
        if mapping is not None:
            text_of(mapping)
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
        target = self.mapping_file(system, kind, wire_type or import_types(kind)[0])
        text = text_of(mapping)
        if target.is_file() and text_of(target) != text:
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


def _check_system_name(system: str) -> None:
    try:
        TypeAdapter(SystemId).validate_python(system)
    except ValidationError:
        raise ConfigError(
            f"{system!r} is no name of a system: up to 32 small letters a-z, digits and _, a letter first, such as bank_icbc"
        ) from None


def _construct(made: type[Any], settings: object, surroundings: Surroundings) -> Connector:
    try:
        connector: Connector = made(settings, surroundings)
    except LedgerbridgeError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the system {surroundings.system} cannot be built: {error}") from None
    return connector
