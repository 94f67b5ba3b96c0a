"""The `fxiaoke` connector."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, Self

from ledgerbridge.connectors._http.limits import EACH, Limit
from ledgerbridge.connectors._http.runner import Runner, Transport
from ledgerbridge.connectors.base import Capabilities, DeleteStrategy, Outcome, Page, SafetyClass, Surroundings, Write
from ledgerbridge.errors import Refused, Unsupported
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.hint import Hint
from ledgerbridge.model.raw import Raw

from . import codec
from .codec_calls import Calls, is_custom
from .codec_cursor import load_cursor
from .codec_describe import ObjectFacts, read_describe
from .codec_records import Resource
from .hooks import read_push
from .reading import Reader
from .settings import PAGE_SIZE_MAX, FxiaokeSettings
from .signin import TOKEN, sign_in
from .writing import PAYMENTS, Writer, key_field_fault

ACCOUNTS = "AccountObj"


class Fxiaoke:
    """One tenant."""

    kind_name: ClassVar[str] = "fxiaoke"
    settings: ClassVar[type[FxiaokeSettings]] = FxiaokeSettings

    def __init__(
        self,
        settings: FxiaokeSettings,
        surroundings: Surroundings,
        *,
        transport: Transport | None = None,
        new_trace_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._settings = settings
        self._at = surroundings
        self._system = surroundings.system
        self._resources = _resources(settings)
        self._facts: dict[str, ObjectFacts] = {}
        self._facts_lock = threading.Lock()
        trace = codec.Fresh(new_trace_id)
        self._calls = Calls(settings, trace)
        self._runner = Runner(
            system=self._system,
            base_url=settings.base_url,
            settings=settings.http,
            judge=codec.judge(settings.refusal_codes, self._system, surroundings.clock.now),
            sign_in=lambda: sign_in(settings, trace, self._system),
            limits={EACH: Limit(settings.calls_per_second, 1.0), TOKEN: Limit(10, 60.0)},
            clock=surroundings.clock,
            transport=transport,
            secrets=(settings.app_secret.get_secret_value(), settings.permanent_code.get_secret_value()),
        )
        self._reader = Reader(self._calls, self._runner, self._system, surroundings.clock)
        self._writer = Writer(
            self._calls,
            self._runner,
            self._system,
            current=self._reader.row,
            find=self._carrying,
            describe=self._known_facts,
        )

    @property
    def capabilities(self) -> Capabilities:
        """A create is safe to repeat where our key stands in a unique field, which is verified before the first one."""
        wire_types: dict[Kind, tuple[str, ...]] = {}
        for one in self._resources:
            wire_types[one.kind] = (*wire_types.get(one.kind, ()), one.wire_type)
        kinds = frozenset(wire_types)
        keyed = self._settings.source_id_field is not None and self._settings.source_id_unique
        return Capabilities(
            reads=kinds,
            writes=kinds,
            wire_types=wire_types,
            write_types={one.kind: one.wire_type for one in self._resources if one.main},
            incremental=kinds,
            deletes=dict.fromkeys(kinds, DeleteStrategy.KEY_SWEEP),
            safe_create=kinds if keyed else frozenset(),
            conditional_update=kinds,
            voids=kinds,
            safety=dict.fromkeys(kinds, SafetyClass.KEY if keyed else SafetyClass.LOOKUP),
            page_size_max=PAGE_SIZE_MAX,
            calls_in_flight_max=self._settings.http.in_flight_max,
            requests_per_minute_max=self._settings.calls_per_second * 60,
        )

    def hint(self, headers: Mapping[str, str], body: bytes) -> Hint | None:
        """Which record a push of the tenant's script asks to read again; None if its object is not read.

        NotAllowed without a right signature of the last five minutes, BadReply for what is no push. See :mod:`.hooks`.
        """
        given = (self._settings.webhook_secret, self._settings.webhook_secret_old)
        secrets = tuple(secret.get_secret_value() for secret in given if secret is not None)
        objects = {linked.object: one.kind for one in self._resources for linked in one.linked}
        objects |= {one.api_name: one.kind for one in self._resources}
        now = self._at.clock.now()
        return read_push(headers, body, secrets=secrets, objects=objects, system=self._system, now=now)

    def check(self) -> None:
        """Describe every configured object; Refused lists each that is not as the settings say."""
        names = self._objects()
        replies = self._runner.send_all(self._calls.describe(name) for name in names)
        found = {name: read_describe(reply, name, self._system) for name, reply in zip(names, replies, strict=True)}
        with self._facts_lock:
            self._facts.update(found)
        faults = list(self._faults(found))
        if faults:
            raise Refused("; ".join(faults), system=self._system)

    def describe(self, api_name: str) -> ObjectFacts:
        """What the tenant says of one object now: fields, and the options of its picklists by value."""
        facts = read_describe(self._runner.send(self._calls.describe(api_name)), api_name, self._system)
        with self._facts_lock:
            self._facts[api_name] = facts
        return facts

    def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
        """Every record, or those changed since `cursor`; a walk ends with an empty page."""
        return self._reader.walk(self._read_as(kind), load_cursor(cursor, self._system), min(limit, PAGE_SIZE_MAX))

    def get(self, ref: Ref) -> Raw | None:
        """The record with its linked rows, also a void one; None if there is none."""
        resource, row_id = self._place(ref)
        return self._reader.row(resource, row_id)

    def find(self, kind: Kind, key: str) -> tuple[Raw, ...]:
        """By our key in the field for it, and by number or customer code."""
        found: dict[str, Raw] = {}
        for resource in self._read_as(kind):
            for field in resource.found_by:
                for raw in self._reader.matching(resource, field, key):
                    found[raw.external_id] = raw
        return tuple(found.values())

    def keys(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        """The ids of all records that exist, void ones included."""
        return self._reader.sweep(self._read_as(kind))

    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        """One call a write (the API takes no batches)."""
        return tuple(self._pushed(write) for write in writes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Close every connection."""
        self._runner.close()

    # -- what is where

    def _read_as(self, kind: Kind) -> list[Resource]:
        found = [one for one in self._resources if one.kind is kind]
        if not found:
            raise Unsupported(f"no {kind} records are configured to be read", system=self._system)
        return found

    def _place(self, ref: Ref) -> tuple[Resource, str]:
        resources = self._read_as(ref.kind)
        name, colon, row_id = ref.external_id.rpartition(":")
        for resource in resources:
            if resource.main is not bool(colon) and name in ("", resource.api_name) and row_id:
                return resource, row_id
        raise Unsupported(f"{ref.external_id!r} is no {ref.kind} id of this system", system=self._system)

    def _objects(self) -> list[str]:
        return list(
            dict.fromkeys(
                name for one in self._resources for name in (one.api_name, *(two.object for two in one.linked))
            )
        )

    def _faults(self, found: dict[str, ObjectFacts]) -> Iterator[str]:
        key_field = self._settings.source_id_field
        for resource in self._resources:
            facts = found[resource.api_name]
            needed = [name for name in resource.found_by if name != key_field]
            for name in facts.missing([*needed, "last_modified_time"]):
                yield f"{facts.api_name} ({facts.label}) has no field {name}"
            if key_field is not None and resource.main:
                fault = key_field_fault(facts, key_field, unique=self._settings.source_id_unique)
                if fault is not None:
                    yield fault
            for linked in resource.linked:
                for name in found[linked.object].missing([linked.parent_field, "last_modified_time"]):
                    yield f"{linked.object} ({found[linked.object].label}) has no field {name}"

    def _known_facts(self, api_name: str) -> ObjectFacts:
        with self._facts_lock:
            facts = self._facts.get(api_name)
        return facts if facts is not None else self.describe(api_name)

    def _carrying(self, resource: Resource, key: str) -> tuple[Raw, ...]:
        field = self._settings.source_id_field
        return tuple(self._reader.matching(resource, field, key)) if field is not None else ()

    def _pushed(self, write: Write) -> Outcome:
        kind, target = write.change.kind, write.change.target
        main = next((one for one in self._resources if one.kind is kind and one.main), None)
        if main is None:
            return Unsupported(f"no {kind} records are configured to be written", system=self._system)
        if target is not None and ":" in target.external_id:
            return Unsupported(
                f"{target.external_id.partition(':')[0]} rows are read, never written", system=self._system
            )
        return self._writer.write(write, main)


def _resources(settings: FxiaokeSettings) -> tuple[Resource, ...]:
    """The objects that are read, the one that is also written first for each kind.

    An object of the tenant's own has the wire type `receivable`, whatever it is called: its mapping names fields by options.
    """
    key = () if settings.source_id_field is None else (settings.source_id_field,)
    found = [
        Resource(Kind.CUSTOMER, ACCOUNTS, ACCOUNTS, settings.customer_details, (*key, settings.customer_code_field))
    ]
    if settings.invoice_object is not None:
        name = settings.invoice_object
        wire_type = "receivable" if is_custom(name) else name
        found.append(Resource(Kind.INVOICE, name, wire_type, settings.invoice_linked, (*key, "name")))
    found.append(Resource(Kind.PAYMENT, PAYMENTS, PAYMENTS, settings.payment_details, (*key, "name")))
    if settings.refund_object is not None:
        name = settings.refund_object
        found.append(Resource(Kind.PAYMENT, name, "RefundObj", settings.refund_details, ("name",), main=False))
    return tuple(found)
