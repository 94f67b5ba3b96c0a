"""The `yonyou_u8` connector."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import ClassVar, Self

import msgspec

from ledgerbridge.connectors._http.call import Reply
from ledgerbridge.connectors._http.limits import Interrupted, Limit, pause
from ledgerbridge.connectors._http.runner import Runner, Transport
from ledgerbridge.connectors.base import Capabilities, DeleteStrategy, Outcome, Page, SafetyClass, Surroundings, Write
from ledgerbridge.errors import BadReply, ConnectorError, OutcomeUnknown, Refused, Unsupported
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action
from ledgerbridge.model.raw import Raw, Receipt

from . import codec, codec_cursor, codec_write
from .codec import RESOURCES, Resource
from .codec_cursor import Cursor, Walk
from .listing import Lists
from .settings import PAGE_SIZE_MAX, YonyouU8Settings
from .signin import sign_in


class YonyouU8:
    """One U8 account set."""

    kind_name: ClassVar[str] = "yonyou_u8"
    settings: ClassVar[type[YonyouU8Settings]] = YonyouU8Settings

    def __init__(
        self, settings: YonyouU8Settings, surroundings: Surroundings, *, transport: Transport | None = None
    ) -> None:
        self._settings = settings
        self._at = surroundings
        self._runner = Runner(
            system=surroundings.system,
            base_url=settings.base_url,
            settings=settings.http,
            judge=codec.judge(settings, surroundings.system),
            sign_in=lambda: sign_in(settings, surroundings.system),
            limits={"": Limit(settings.calls_per_second, 1.0)},
            clock=surroundings.clock,
            transport=transport,
            secrets=(settings.app_secret.get_secret_value(),),
        )
        self._lists = Lists(self._runner, settings, surroundings)
        self._capabilities = _capabilities(settings)

    @property
    def capabilities(self) -> Capabilities:
        """Vouchers can be created but neither changed nor voided nor deleted through this API (A5)."""
        return self._capabilities

    def check(self) -> None:
        """Ask for one row of the customer list."""
        self._runner.send(codec.list_call(self._settings, RESOURCES["customer"], {}, 1, 1))

    def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
        """Customers by row version; vouchers of a trailing window of document dates, or all of them without a cursor.

        The last page is always an empty one: that nothing is missing is known only after another look at the list.
        """
        resources = self._read_as(kind)
        state = codec_cursor.load(cursor, self._at.system)
        return self._pull(resources, state, max(1, min(limit, PAGE_SIZE_MAX)))

    def get(self, ref: Ref) -> Raw | None:
        """The record with its entries, or None."""
        resource, key = self._place(ref)
        return self._get(resource, key)

    def find(self, kind: Kind, key: str) -> tuple[Raw, ...]:
        """By number or code, and by our key in the configured user-defined item.

        No list has a filter for that item that all objects share (A4), so that the whole list is looked through; its rows
        are the heads, which hold the item.
        """
        found: dict[str, Raw] = {}
        for resource in self._read_as(kind):
            numbered = self._get(resource, key)
            for raw in ([] if numbered is None else [numbered]) + self._marked(resource, key):
                found[raw.external_id] = raw
        return tuple(found.values())

    def keys(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        """The ids of all records of a kind, page by page."""
        return self._keys(self._read_as(kind))

    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        """One call a write; creates under our key as `biz_id`, so that a repeat makes no second record (A5)."""
        return tuple(self._write(write) for write in writes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Close every connection."""
        self._runner.close()

    # -- reading

    def _read_as(self, kind: Kind) -> list[Resource]:
        names = self._capabilities.wire_types.get(kind)
        if not names:
            raise Unsupported(f"U8 has no {kind} records to read", system=self._at.system)
        return [RESOURCES[name] for name in names]

    def _place(self, ref: Ref) -> tuple[Resource, str]:
        resources = self._read_as(ref.kind)
        if ref.kind is not Kind.INVOICE:
            return resources[0], ref.external_id
        name, _, key = ref.external_id.partition(":")
        for resource in resources:
            if resource.name == name and key:
                return resource, key
        raise Unsupported(
            f"{ref.external_id!r} is no invoice id here (<object>:<number>, of the objects in the setting invoices)",
            system=self._at.system,
        )

    def _pull(self, resources: list[Resource], state: Cursor, size: int) -> Iterator[Page]:
        names = [resource.name for resource in resources]
        walk = codec_cursor.begin(state, names, self._at.clock.now())
        for resource in resources[names.index(walk.resource) :]:
            if resource.name != walk.resource:
                walk = msgspec.structs.replace(walk, resource=resource.name, page=0, anchor="")
            walk = yield from self._walk(resource, walk, state, size)
        yield Page((), codec_cursor.dump(Cursor({**state.since, **walk.since_next})), last=True)

    def _walk(self, resource: Resource, walk: Walk, state: Cursor, size: int) -> Generator[Page, None, Walk]:
        """The pages of one object; returns the place after them."""
        started = codec_cursor.started_at(walk)
        since = state.since.get(resource.name, "")
        customers = resource.kind is Kind.CUSTOMER
        until = since if customers else codec_cursor.window_start(started, self._settings.window_days, self._at.zone)
        until = walk.since_next.get(resource.name, until)
        filters = codec_cursor.filters(resource, since)
        for stretch in self._lists.stretches(resource, filters, size, page=walk.page, anchor=walk.anchor):
            if customers:
                until = codec_cursor.settled_since((row.head for row in stretch.rows), started, until, self._at.zone)
            walk = msgspec.structs.replace(
                walk, page=stretch.page, anchor=stretch.anchor, since_next={**walk.since_next, resource.name: until}
            )
            records, unread = self._lists.records(resource, stretch.rows)
            cursor = codec_cursor.dump(msgspec.structs.replace(state, walk=walk))
            bad = (*stretch.unreadable, *unread)
            yield Page(records, cursor, last=False, unreadable=bad, total=stretch.total)
        return walk

    def _get(self, resource: Resource, key: str) -> Raw | None:
        reply = self._runner.send(codec.get_call(self._settings, resource, key))
        row = codec.read_one(reply, resource, self._at.system)
        if row is None:
            return None
        head = codec.head(row, resource, self._at.zone)
        if head is None:
            raise BadReply(
                f"a {resource.name} without a usable {resource.key}",
                system=self._at.system,
                request_id=reply.request_id,
            )
        return codec.raw_record(row, resource, head, self._at.clock.now())

    def _marked(self, resource: Resource, key: str) -> list[Raw]:
        """The records that hold `key` in the user-defined item for it."""
        field = self._settings.key_field(customer=resource.kind is Kind.CUSTOMER)
        if field is None:
            return []
        marked: list[Raw] = []
        for stretch in self._lists.stretches(resource, {}, PAGE_SIZE_MAX):
            rows = [row for row in stretch.rows if codec.holds(row.raw, field, key)]
            marked += self._lists.records(resource, rows)[0]
        return marked

    def _keys(self, resources: list[Resource]) -> Iterator[tuple[str, ...]]:
        for resource in resources:
            for stretch in self._lists.stretches(resource, {}, PAGE_SIZE_MAX):
                yield tuple(resource.external_id(row.head.key) for row in stretch.rows)

    # -- writing

    def _write(self, write: Write) -> Outcome:
        change = write.change
        name = self._capabilities.write_types.get(change.kind)
        customer = change.kind is Kind.CUSTOMER
        try:
            if name is not None and change.action is Action.CREATE:
                return self._create(write, RESOURCES[name])
            if customer and change.action is Action.UPDATE and change.target is not None:
                return self._edit(write, change.target)
        except ConnectorError as error:
            return error
        return Unsupported(f"U8 cannot {change.action} a {change.kind} through this API", system=self._at.system)

    def _edit(self, write: Write, target: Ref) -> Outcome:
        """U8 has no conditional edit: a change by somebody else is looked for first, one in the same moment is not seen."""
        expected = write.change.expected
        if expected is not None and expected.order is not None:
            now = self.get(target)
            if now is None or (now.order is not None and now.order != expected.order):
                found = "gone" if now is None else "changed by somebody else"
                return Refused(f"customer {target.external_id} is {found}; nothing was written", system=self._at.system)
        reply = self._runner.send(codec_write.edit_call(self._settings, target.external_id, write.body))
        return Receipt(target, None, reply.request_id)

    def _create(self, write: Write, resource: Resource) -> Outcome:
        reply = self._runner.send(codec_write.add_call(self._settings, resource, write.change.key, write.body))
        answer = codec_write.read_written(reply)
        url = answer.url
        for _ in range(self._settings.polls_max):
            if not answer.running:
                break
            reply = self._ask_again(url, answer.ping_after_s)
            answer = codec_write.read_written(reply)
            url = answer.url or url
        if answer.running:
            return self._unknown("accepted, and still not done after the last time of asking", None)
        if not answer.number:
            return self._unknown("said to be done, but without the record's number", None)
        ref = Ref(system=self._at.system, kind=resource.kind, external_id=resource.external_id(answer.number))
        return Receipt(ref, None, answer.trade_id or reply.request_id)

    def _ask_again(self, url: str, wait_s: float) -> Reply:
        """Ask once what became of an accepted create. What is unclear here is unclear about the create, too; only U8's own
        refusal proves that nothing was made.
        """
        try:
            pause(self._at.clock, wait_s)
            return self._runner.send(codec_write.poll_call(url))
        except Interrupted:
            raise self._unknown("accepted; stopped before it was known to be done", None) from None
        except ConnectorError as error:
            if isinstance(error, Refused) and error.code == codec.REFUSED:
                raise
            raise self._unknown(f"accepted, but asking about it failed: {error.message}", error.code) from None

    def _unknown(self, why: str, code: str | None) -> OutcomeUnknown:
        return OutcomeUnknown(why, system=self._at.system, code=code)


def _capabilities(settings: YonyouU8Settings) -> Capabilities:
    kinds = frozenset({Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT})
    # what is created must be readable again, or a lost reply could never be settled
    writes = kinds if settings.create_invoices_as in settings.invoices else kinds - {Kind.INVOICE}
    written = {Kind.CUSTOMER: "customer", Kind.INVOICE: settings.create_invoices_as, Kind.PAYMENT: "accept"}
    return Capabilities(
        reads=kinds,
        writes=writes,
        wire_types={
            Kind.CUSTOMER: ("customer",),
            Kind.INVOICE: tuple(dict.fromkeys(settings.invoices)),
            Kind.PAYMENT: ("accept",),
        },
        write_types={kind: name for kind, name in written.items() if kind in writes},
        incremental=frozenset({Kind.CUSTOMER}),
        deletes=dict.fromkeys(kinds, DeleteStrategy.KEY_SWEEP),
        safe_create=writes,
        safety=dict.fromkeys(writes, SafetyClass.KEY),
        page_size_max=PAGE_SIZE_MAX,
        calls_in_flight_max=settings.http.in_flight_max,
        requests_per_minute_max=settings.calls_per_second * 60,
    )
