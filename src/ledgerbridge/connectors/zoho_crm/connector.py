"""The `zoho_crm` connector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Self

from ledgerbridge.connectors._http.runner import Runner, Transport
from ledgerbridge.connectors.base import (
    Capabilities,
    DeleteStrategy,
    Outcome,
    Page,
    SafetyClass,
    Surroundings,
    Write,
)
from ledgerbridge.errors import NotAllowed, Unsupported
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.hint import Hint
from ledgerbridge.model.raw import Raw

from . import codec
from .catalog import MODULES, Module, api_name, modules_of
from .hooks import read_notification
from .pulling import Pull
from .pushing import Push
from .reading import Reader
from .settings import BATCH_MAX, PAGE_SIZE_MAX, ZohoCrmSettings
from .signin import sign_in
from .subscribing import subscribe


class ZohoCrm:
    """One org of Zoho CRM."""

    kind_name: ClassVar[str] = "zoho_crm"
    settings: ClassVar[type[ZohoCrmSettings]] = ZohoCrmSettings

    def __init__(
        self, settings: ZohoCrmSettings, surroundings: Surroundings, *, transport: Transport | None = None
    ) -> None:
        self._settings = settings
        self._system = surroundings.system
        self._clock = surroundings.clock
        self._modules = modules_of(settings)
        credits_left = codec.Credits(surroundings.system, settings.credits_floor, surroundings.clock)
        self._runner = Runner(
            system=surroundings.system,
            base_url=settings.first_api_url,
            settings=settings.http,
            judge=codec.judge(credits_left, surroundings.system),
            sign_in=lambda: sign_in(settings, surroundings.system),
            allowed_hosts=settings.allowed_hosts,
            clock=surroundings.clock,
            transport=transport,
            secrets=(settings.client_secret.get_secret_value(), settings.refresh_token.get_secret_value()),
        )
        self._reader = Reader(settings, surroundings, self._runner, credits_left)
        self._push = Push(settings, surroundings.system, self._reader)

    @property
    def capabilities(self) -> Capabilities:
        """Every kind that the settings name, both ways; deletions come with each pull."""
        kinds = frozenset(self._modules)
        return Capabilities(
            reads=kinds,
            writes=kinds,
            wire_types={kind: (module.wire_type,) for kind, module in self._modules.items()},
            write_types={kind: module.wire_type for kind, module in self._modules.items()},
            incremental=kinds,
            reports_deletions=kinds,
            deletes=dict.fromkeys(kinds, DeleteStrategy.FEED),
            safe_create=kinds,
            conditional_update=kinds,
            voids=kinds - {Kind.CUSTOMER},
            safety=dict.fromkeys(kinds, SafetyClass.KEY),
            page_size_max=PAGE_SIZE_MAX,
            batch_size_max=BATCH_MAX,
            calls_in_flight_max=self._settings.http.in_flight_max,
        )

    def hint(self, _headers: Mapping[str, str], body: bytes) -> Hint | None:
        """Which records a notification asks to read again; None if they are of no module that is read.

        NotAllowed without our token, BadReply for what is no notification. See :mod:`.hooks`.
        """
        token = self._settings.webhook_token
        modules = {api_name(module, self._settings): kind for kind, module in self._modules.items()}
        secret = token.get_secret_value() if token else None
        return read_notification(body, token=secret, modules=modules, system=self._system)

    def subscribe(self, notify_url: str, *, renew_before: timedelta) -> datetime:
        """See that Zoho calls `notify_url` about changes of what is read; returns until when. See :mod:`.subscribing`.

        NotAllowed if no `webhook_token` is set: what could not be verified is not asked for.
        """
        if self._settings.webhook_token is None:
            raise NotAllowed("webhook_token is not set; set it before subscribing", system=self._system)
        modules = [api_name(module, self._settings) for module in self._modules.values()]
        token = self._settings.webhook_token.get_secret_value()
        return subscribe(self._reader, modules, notify_url, token, now=self._clock.now(), renew_before=renew_before)

    def check(self) -> None:
        """Ask the org for its name: one credit."""
        self._reader.send(codec.org_call())

    def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
        """Changed records in the order of their modification, then what was deleted. See :mod:`.walking` for cursors."""
        return Pull(self._settings, self._reader, self._module(kind)).pages(cursor, max(1, min(limit, PAGE_SIZE_MAX)))

    def get(self, ref: Ref) -> Raw | None:
        """The record in the form in which `pull` hands it over, or None."""
        found = self._reader.by_ids(self._module(ref.kind), (ref.external_id,))
        return found[0] if found else None

    def find(self, kind: Kind, key: str) -> tuple[Raw, ...]:
        """Records whose key field or natural key is exactly `key`; by COQL, which sees a write at once (zoho.md 4)."""
        module = self._module(kind)
        ids = self._reader.ids_with(module, key)
        return tuple(self._reader.by_ids(module, ids))

    def keys(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        """Not needed: deletions come with `pull`. Raises Unsupported."""
        raise Unsupported(f"deleted {kind} records are reported by pull; there is no key sweep", system=self._system)

    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        """Creates are upserts by our key, updates go by id, up to a hundred a call; an update that expects a version goes alone.

        Before creating, one query per fifty writes asks which keys exist already: those were created by an earlier push and are
        not written again, since people may have changed them meanwhile.
        """
        for write in writes:
            self._module(write.change.kind)
        return self._push.carry_out(writes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Close every connection."""
        self._runner.close()

    def _module(self, kind: Kind) -> Module:
        module = self._modules.get(kind)
        if module is None:
            why = f"setting {MODULES[kind].wire_type.lower()} is off" if kind in MODULES else "Zoho CRM keeps none"
            raise Unsupported(f"no {kind} records: {why}", system=self._system)
        return module
