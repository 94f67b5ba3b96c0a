"""The `yonyou_u8` connector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Self

import msgspec

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors._http.limits import Limit
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.connectors.base import Capabilities, DeleteStrategy, Outcome, Page, SafetyClass, Surroundings, Write
from ledgerbridge.errors import BadReply, ConnectorError, OutcomeUnknown, Refused, Unsupported
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action
from ledgerbridge.model.raw import Raw, Receipt, Unreadable
from ledgerbridge.model.wirejson import WireValue

from . import codec
from .settings import PAGE_SIZE_MAX, YonyouU8Settings
from .signin import sign_in

if TYPE_CHECKING:
    import httpx

_WRITTEN = {Kind.CUSTOMER: "customer", Kind.INVOICE: "oughtreceive", Kind.PAYMENT: "accept"}


class YonyouU8:
    """One U8 account set."""

    kind_name: ClassVar[str] = "yonyou_u8"
    settings: ClassVar[type[YonyouU8Settings]] = YonyouU8Settings

    def __init__(
        self, settings: YonyouU8Settings, surroundings: Surroundings, *, transport: httpx.BaseTransport | None = None
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

    @property
    def capabilities(self) -> Capabilities:
        """Vouchers can be created but neither changed nor deleted through this API (A5)."""
        kinds = frozenset({Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT})
        return Capabilities(
            reads=kinds,
            writes=kinds,
            wire_types={
                Kind.CUSTOMER: ("customer",),
                Kind.INVOICE: self._settings.invoices,
                Kind.PAYMENT: ("accept",),
            },
            write_types=_WRITTEN,
            incremental=frozenset({Kind.CUSTOMER}),
            deletes=dict.fromkeys(kinds, DeleteStrategy.KEY_SWEEP),
            safe_create=kinds,
            safety=dict.fromkeys(kinds, SafetyClass.KEY),
            page_size_max=PAGE_SIZE_MAX,
            calls_in_flight_max=self._settings.http.in_flight_max,
            requests_per_minute_max=self._settings.calls_per_second * 60,
        )

    def check(self) -> None:
        """Ask for one row of the customer list."""
        self._runner.send(codec.list_call(self._settings, codec.RESOURCES["customer"], {}, 1, 1))

    def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
        """Customers by row version; vouchers of a trailing window of document dates, or all of them without a cursor."""
        resources = self._read_as(kind)
        states = codec.load_cursor(cursor)
        size = min(limit, PAGE_SIZE_MAX)
        now = self._at.clock.now()
        under_way = [r for r in resources if states.get(r.name) and states[r.name].page > 0]
        done_before = resources.index(under_way[0]) if under_way else 0
        for place, resource in enumerate(resources[done_before:], start=done_before):
            final = place == len(resources) - 1
            walk = codec.begin(resource, states.get(resource.name), now, self._settings, self._at.zone)
            yield from self._walk(resource, walk, states, size, final=final)

    def get(self, ref: Ref) -> Raw | None:
        """The record with its entries, or None."""
        resource, key = self._place(ref)
        reply = self._runner.send(codec.get_call(self._settings, resource, key))
        row = codec.read_one(reply, resource, self._at.system)
        return None if row is None else self._record(row, resource)

    def find(self, kind: Kind, key: str) -> tuple[Raw, ...]:
        """By number or code; and by our key in the configured user-defined field, among what is recent."""
        found: dict[str, Raw] = {}
        for resource in self._read_as(kind):
            for raw in self._matching(resource, key):
                found[raw.external_id] = raw
        return tuple(found.values())

    def keys(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        """The ids of all records of a kind, page by page."""
        for resource in self._read_as(kind):
            for _, page in self._list(resource, {}, PAGE_SIZE_MAX, first=1):
                heads = (codec.head(row, resource, self._at.zone) for row in page.rows)
                yield tuple(resource.external_id(head.key) for head in heads if head is not None)

    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        """One call a write; creates under our key as `biz_id`, so that a repeat makes no second record."""
        for write in writes:
            if write.change.kind not in _WRITTEN:
                raise Unsupported(f"U8 takes no {write.change.kind}", system=self._at.system)
        return tuple(self._write(write) for write in writes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Close every connection."""
        self._runner.close()

    def _read_as(self, kind: Kind) -> list[codec.Resource]:
        names = self.capabilities.wire_types.get(kind)
        if not names:
            raise Unsupported(f"U8 has no {kind} records to read", system=self._at.system)
        return [codec.RESOURCES[name] for name in names]

    def _place(self, ref: Ref) -> tuple[codec.Resource, str]:
        resources = self._read_as(ref.kind)
        if ref.kind is not Kind.INVOICE:
            return resources[0], ref.external_id
        name, _, key = ref.external_id.partition(":")
        for resource in resources:
            if resource.name == name and key:
                return resource, key
        raise Unsupported(f"{ref.external_id!r} is no invoice id of this system", system=self._at.system)

    def _walk(
        self, resource: codec.Resource, walk: codec.Cursor, states: dict[str, codec.Cursor], size: int, *, final: bool
    ) -> Iterator[Page]:
        started = datetime.fromisoformat(walk.started)
        next_since = walk.next_since
        for number, listed in self._list(resource, codec.filters(resource, walk), size, first=walk.page):
            heads = [codec.head(row, resource, self._at.zone) for row in listed.rows]
            if resource.kind is Kind.CUSTOMER:
                next_since = codec.settled_version([h for h in heads if h is not None], started, next_since)
            last = number >= listed.page_count
            states[resource.name] = codec.Cursor(walk.since, 0 if last else number + 1, next_since, walk.started)
            bad = [
                codec.unreadable(row, resource, number, index)
                for index, (row, head) in enumerate(zip(listed.rows, heads, strict=True))
                if head is None
            ]
            rows = [(row, head) for row, head in zip(listed.rows, heads, strict=True) if head is not None]
            records = tuple(self._with_entries(resource, rows, bad))
            yield Page(
                records, codec.dump_cursor(states), last=last and final, unreadable=tuple(bad), total=listed.row_count
            )

    def _list(
        self, resource: codec.Resource, filters: Mapping[str, str], size: int, *, first: int
    ) -> Iterator[tuple[int, codec.ListPage]]:
        """The pages of a list from `first` on, read ahead. Rows that vanish meanwhile move the rest up: then the walk steps
        back as many pages as that may have skipped. The last page yielded has its number at or over its `page_count`.
        """
        page, rows_before = first, -1
        while True:
            listed = self._page(resource, filters, size, page)
            numbers = range(page, max(listed.page_count, page) + 1)
            ahead = (codec.list_call(self._settings, resource, filters, n, size) for n in numbers[1:])
            replies = self._runner.send_all(ahead)
            back = 0
            for number in numbers:
                if number > page:
                    listed = codec.read_list(next(replies), resource, self._at.system)
                lost = rows_before - listed.row_count
                rows_before = listed.row_count
                if lost > 0 and number > 1:
                    back = max(1, number - 1 - lost // size)
                    break
                yield number, listed
                if number >= listed.page_count:
                    break
            close = getattr(replies, "close", None)
            if close is not None:
                close()
            if not back:
                if number < listed.page_count:  # the list grew while it was read
                    page = number + 1
                    continue
                return
            page = back

    def _page(self, resource: codec.Resource, filters: Mapping[str, str], size: int, page: int) -> codec.ListPage:
        reply = self._runner.send(codec.list_call(self._settings, resource, filters, page, size))
        return codec.read_list(reply, resource, self._at.system)

    def _with_entries(
        self, resource: codec.Resource, rows: list[tuple[msgspec.Raw, codec.Head]], bad: list[Unreadable]
    ) -> Iterator[Raw]:
        """The records of a page; vouchers whose list row has no entries are fetched one by one (A3), read ahead."""
        now = self._at.clock.now()
        wanted = [head.key for _, head in rows if resource.has_entries and not head.has_entry]
        replies = self._runner.send_all(codec.get_call(self._settings, resource, key) for key in wanted)
        for row, head in rows:
            if not resource.has_entries or head.has_entry:
                yield codec.raw_record(row, resource, head, now)
                continue
            whole = codec.read_one(next(replies), resource, self._at.system)
            if whole is None:
                continue  # deleted between list and get: the key sweep will say so
            at = codec.head(whole, resource, self._at.zone)
            if at is None or at.key != head.key:
                why = f"asked for {head.key}, the answer is another record or none"
                bad.append(Unreadable(resource.kind, resource.name, f"{resource.name} {head.key}", bytes(whole), why))
                continue
            yield codec.raw_record(whole, resource, at, now)

    def _record(self, row: msgspec.Raw, resource: codec.Resource) -> Raw:
        at = codec.head(row, resource, self._at.zone)
        if at is None:
            raise BadReply(f"a {resource.name} without a usable {resource.key}", system=self._at.system)
        return codec.raw_record(row, resource, at, self._at.clock.now())

    def _matching(self, resource: codec.Resource, key: str) -> Iterator[Raw]:
        reply = self._runner.send(codec.get_call(self._settings, resource, key))
        row = codec.read_one(reply, resource, self._at.system)
        if row is not None:
            yield self._record(row, resource)
        customers = resource.kind is Kind.CUSTOMER
        field = self._settings.customer_key_field if customers else self._settings.voucher_key_field
        if field is None:
            return
        today = self._at.clock.now().astimezone(self._at.zone).date()
        since = {f"{resource.date_filter}_begin": codec.recent(today, self._settings.window_days)}
        for _, page in self._list(resource, since, PAGE_SIZE_MAX, first=1):
            heads = [(row, codec.head(row, resource, self._at.zone)) for row in page.rows]
            readable = [(row, head) for row, head in heads if head is not None]
            for raw in self._with_entries(resource, readable, []):
                if raw.payload().get(field) == key:
                    yield raw

    def _write(self, write: Write) -> Outcome:
        resource = codec.RESOURCES[_WRITTEN[write.change.kind]]
        try:
            if write.change.action is Action.CREATE:
                return self._create(write, resource)
            if (
                write.change.action is Action.UPDATE
                and resource.kind is Kind.CUSTOMER
                and write.change.target is not None
            ):
                body: dict[str, WireValue] = {**write.body, "code": write.change.target.external_id}
                reply = self._runner.send(codec.edit_call(self._settings, body))
                return Receipt(write.change.target, None, reply.request_id)
            return Unsupported(f"U8 cannot {write.change.action} a {resource.name} by this API", system=self._at.system)
        except ConnectorError as error:
            return error

    def _create(self, write: Write, resource: codec.Resource) -> Outcome:
        customers = resource.kind is Kind.CUSTOMER
        field = self._settings.customer_key_field if customers else self._settings.voucher_key_field
        body: dict[str, WireValue] = dict(write.body)
        if field is not None:
            body[field] = write.change.key
        reply = self._runner.send(codec.add_call(self._settings, resource, write.change.key, body))
        root = codec.envelope(reply)
        for _ in range(self._settings.polls_max):
            url = codec.text_of(root.get("url"))
            if not url:
                break
            reply, root = self._poll(url, codec.text_of(root.get("ping_after")))
        else:
            return OutcomeUnknown("accepted, and still not done after the last poll", system=self._at.system)
        key = codec.text_of(root.get("id"))
        if not key:
            return OutcomeUnknown("said to be done, but without the record's number", system=self._at.system)
        ref = Ref(system=self._at.system, kind=resource.kind, external_id=resource.external_id(key))
        return Receipt(ref, None, codec.text_of(root.get("tradeid")) or reply.request_id)

    def _poll(self, url: str, ping_after: str) -> tuple[Reply, dict[str, msgspec.Raw]]:
        """Ask once what became of an accepted write. What is unclear here is unclear about the write."""
        wait_s = float(ping_after) if ping_after.replace(".", "", 1).isdigit() else 1.0
        self._at.clock.sleep(min(wait_s, 30.0))
        try:
            reply = self._runner.send(Call("GET", url))
        except Refused:
            raise
        except ConnectorError as error:
            raise OutcomeUnknown(
                f"accepted, but asking about it failed: {error.message}", system=self._at.system, code=error.code
            ) from None
        return reply, codec.envelope(reply)
