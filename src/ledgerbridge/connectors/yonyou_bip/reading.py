"""Reading: walks, single records, keys. No writing."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Final

from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.connectors.base import Page, Surroundings
from ledgerbridge.errors import BadReply, NotAllowed, Refused
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.raw import Raw, Unreadable

from . import codec, cursor, records
from .codec_lists import (
    DocumentHead,
    Entry,
    ListPage,
    day_of,
    day_ranges,
    middle,
    plain,
    read_page,
    written,
)
from .listing import Lists, ahead
from .resources import (
    ARVERIFYEVENT,
    COLLECTION,
    FAMILIES,
    MERCHANT,
    RECEIVABLE,
    SALE_INVOICE,
    Bound,
    Resource,
    Span,
    credit_call,
    customers_call,
    detail_call,
    events_call,
    list_call,
)
from .settings import YonyouBipSettings

PAGE_SIZE_MAX: Final = 500
ROWS_HELD_MAX: Final = 20_000
"""A list of more rows is read in parts, by change stamp, so that memory stays flat."""
_OURS: Final = re.compile(r"[0-9a-f]{32}")
"""A key that we wrote."""
_BEGINNING: Final = "2000-01-01 00:00:00"


class Reader:
    """Reads one tenant."""

    def __init__(self, settings: YonyouBipSettings, at: Surroundings, runner: Runner) -> None:
        self._settings = settings
        self._at = at
        self._runner = runner
        self._lists = Lists(runner, at.system, settings.list_page_size)
        self._family_lock = threading.Lock()
        self._currency_lock = threading.Lock()
        self._family: str | None = None if settings.ar_family == "auto" else settings.ar_family
        self._currencies = {number: code for code, number in settings.currency_ids.items()}
        self._sought: set[str] = set()

    def resource(self, kind: Kind) -> Resource:
        """What is read as `kind`; finds out the tenant's module if it must."""
        if kind is Kind.CUSTOMER:
            return MERCHANT
        if kind is Kind.INVOICE and self._settings.invoices == "sales_invoices":
            return SALE_INVOICE
        with self._family_lock:
            if self._family is None:
                self._family = self._probed()
            return FAMILIES[self._family][kind]

    def check(self) -> None:
        """Ask for one customer."""
        self._runner.send(list_call(MERCHANT, Span(), 1, 1))

    def walk(self, kind: Kind, text: str | None, limit: int) -> Iterator[Page]:
        """Everything that changed since a cursor, oldest change first."""
        resource = self.resource(kind)
        begun = cursor.load(text, resource.wire_type)
        state, size = begun, min(limit, PAGE_SIZE_MAX)
        for span, first, final in self._spans(resource, begun.begin, windowed=bool(begun.since)):
            listing = self._lists.listing(resource, span, first)
            entries = sorted(listing.entries.values(), key=lambda entry: entry.place)
            del listing
            state = state.listed(max((entry.stamp for entry in entries), default=""), self._settings.overlap_s)
            wanted = [
                entry for entry in entries if not begun.done(entry.place) and _in_range(resource, entry, begun.begin)
            ]
            for start in range(0, len(wanted), size):
                part = wanted[start : start + size]
                last = final and start + size >= len(wanted)
                found, bad = self._records(resource, part)
                state = state.passed(part[-1].place)
                held = cursor.dump(state.finished() if last else state)
                yield Page(found, held, last, bad, len(wanted) if final and span.begin == begun.begin else None)
            if final and not wanted:
                yield Page((), cursor.dump(state.finished()), last=True)

    def get(self, ref: Ref) -> Raw | None:
        """One record now; None if it is deleted or not visible."""
        resource = self.resource(ref.kind)
        if resource.by_line:
            return next(iter(self._listed(resource, {"id": ref.external_id}, record_id=ref.external_id)), None)
        found, bad = self._records(resource, [Entry("", ref.external_id)])
        if bad and bad[0].body != records.NOTHING:
            raise BadReply(f"{resource.wire_type} {ref.external_id}: {bad[0].why}", system=self._at.system)
        return found[0] if found else None

    def find(self, kind: Kind, key: str) -> tuple[Raw, ...]:
        """The records that carry `key`: by number, and EFI documents by the key we wrote into them."""
        resource = self.resource(kind)
        if resource is MERCHANT:
            rows = self._asked_customers([{"code": key}], bool)
            return self._records(resource, [Entry("", one) for one, code in rows.items() if code == key])[0]
        if resource.by_line:
            return tuple(self._listed(resource, {"code": key}, code=key))
        if resource in (RECEIVABLE, COLLECTION) and _OURS.fullmatch(key):
            since = written(self._at.clock.now() - timedelta(days=self._settings.find_days))
            found = self._carrying(resource, Span(since, match={"extVouchCode": key}), key)
        else:
            found = self._carrying(resource, Span(match={"code": key}), key)
        return self._records(resource, [Entry("", one) for one in found])[0]

    def keys(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        """The ids of all that exist."""
        resource = self.resource(kind)
        for span, first, _ in self._spans(resource, "", windowed=False):
            entries = self._lists.listing(resource, span, first).entries
            yield tuple(entry.record_id for entry in entries.values() if entry.bad is None)

    # -- lists

    def _spans(self, resource: Resource, begin: str, *, windowed: bool) -> Iterator[tuple[Span, ListPage, bool]]:
        """The parts in which a list is read, each with its first page and whether it is the last one; oldest changes first."""
        while True:
            span = Span(begin, first_day=self._first_day(resource) if windowed else "")
            first = self._lists.first(resource, span)
            while resource.divisible and (first.row_count or 0) > ROWS_HELD_MAX:
                half = middle(span.begin or _BEGINNING, span.end or written(self._at.clock.now() + timedelta(days=1)))
                if half is None:
                    break
                span = replace(span, end=half)
                first = self._lists.first(resource, span)
            yield span, first, not span.end
            if not span.end:
                return
            begin = span.end

    def _first_day(self, resource: Resource) -> str:
        """Where the list has no change filter, a walk after the first looks at a trailing window of document dates (B5)."""
        if resource.bound is not Bound.DATE:
            return ""
        today = self._at.clock.now().astimezone(self._at.zone).date()
        return (today - timedelta(days=self._settings.window_days)).isoformat()

    def _carrying(self, resource: Resource, span: Span, key: str) -> dict[str, None]:
        """The ids of the rows that carry `key`. That lists filter by such fields is [inferred]: a tenant that ignores the filter
        answers with more rows, so that each is looked at.
        """
        found: dict[str, None] = {}
        with contextlib.closing(self._lists.pages(resource, span)) as pages:
            for page in pages:
                for row in page.rows:
                    record_id = records.carrier(row, key, self._settings.ext_system_code)
                    if record_id:
                        found[record_id] = None
        return found

    def _listed(
        self, resource: Resource, match: dict[str, str], *, record_id: str = "", code: str = ""
    ) -> Sequence[Raw]:
        """Write-offs by id or number; there is no call for a single one (B6)."""
        found = []
        for entry in self._lists.listing(resource, Span(match=match)).entries.values():
            heads = [head for head in map(records.document_head, entry.rows) if head is not None]
            if (record_id and entry.record_id == record_id) or (code and code in {plain(head.code) for head in heads}):
                found.append(entry)
        return self._records(resource, found)[0]

    # -- records

    def _records(self, resource: Resource, entries: Sequence[Entry]) -> tuple[tuple[Raw, ...], tuple[Unreadable, ...]]:
        """The records of some rows, in their order, and what of them is none."""
        bad = [entry.bad for entry in entries if entry.bad is not None]
        good = [entry for entry in entries if entry.bad is None]
        odd: dict[str, bytes] = {}
        if resource.by_line:
            bodies = self._write_offs(resource, good)
        elif resource is MERCHANT:
            bodies = self._customers(good)
        else:
            bodies = self._documents(resource, good, odd)
        now = self._at.clock.now()
        found = []
        for entry in good:
            body = bodies.get(entry.record_id)
            if body is None:
                bad.append(records.not_shown(resource, entry.record_id, odd.get(entry.record_id)))
            else:
                found.append(records.raw_record(resource, entry.record_id, body, entry.stamp, now))
        return tuple(found), tuple(bad)

    def _documents(self, resource: Resource, entries: Sequence[Entry], odd: dict[str, bytes]) -> dict[str, bytes]:
        """Documents with their lines, one call each, read ahead; then what is open of them. `odd` gets other answers."""
        bodies: dict[str, bytes] = {}
        heads: list[DocumentHead] = []
        asked = [entry.record_id for entry in entries]
        for _ in range(2):  # a passing refusal has the same code as a deletion (B3): what is refused is asked for twice
            with ahead(self._runner, [detail_call(resource, one) for one in asked]) as replies:
                for one, reply in zip(asked, replies, strict=True):
                    body = codec.record_of(reply)
                    head = None if body is None else records.document_head(body)
                    if body is not None and head is not None and plain(head.id) == one:
                        bodies[one] = body
                        heads.append(head)
                    elif body is not None:
                        odd[one] = body
            asked = [one for one in asked if one not in bodies]
            if not asked:
                break
        if resource.events is None or not self._settings.open_balances:
            return bodies
        balances = self._balances(resource.events, heads)
        return {one: records.with_key(body, resource.events_key, balances.of(one)) for one, body in bodies.items()}

    def _balances(self, path: str, heads: Sequence[DocumentHead]) -> records.Balances:
        """The open balances of some documents: all of their days, neighbouring days in one call."""
        balances = records.Balances(heads)
        days: list[date] = [day for head in heads if (day := day_of(head.bill_date)) is not None]
        for begin, end in day_ranges(days):
            self._lists.rows(
                partial(events_call, path, begin.isoformat(), end.isoformat()),
                balances.take,
                RECEIVABLE,
                "open balances",
            )
        return balances

    def _customers(self, entries: Sequence[Entry]) -> dict[str, bytes]:
        """Customers with all their parts; and their credit lines if they are wanted."""
        wanted = {entry.record_id for entry in entries}
        bodies: dict[str, bytes] = {}
        self._asked_customers([_named(entry) for entry in entries], lambda held: wanted <= held.keys(), bodies)
        bodies = {one: body for one, body in bodies.items() if one in wanted}
        currency = self._settings.credit_currency_id
        return bodies if currency is None else self._with_credit(bodies, currency)

    def _asked_customers(
        self,
        named: Sequence[dict[str, str]],
        complete: Callable[[Mapping[str, bytes]], bool],
        into: dict[str, bytes] | None = None,
    ) -> dict[str, str]:
        """Ask for customers, several a call, twice if not all came; their codes by id. `into` gets their bodies."""
        bodies: dict[str, bytes] = {} if into is None else into
        codes: dict[str, str] = {}
        for _ in range(2):
            asked = [one for one in named if one.get("id") not in bodies]
            with ahead(self._runner, [customers_call(part) for part in self._batches(asked)]) as replies:
                for reply in replies:
                    for row in codec.records_of(reply, self._at.system):
                        head = records.document_head(row)
                        if head is not None and plain(head.id):
                            bodies[plain(head.id)] = bytes(row)
                            codes[plain(head.id)] = plain(head.code)
            if complete(bodies):
                break
        return codes

    def _with_credit(self, bodies: dict[str, bytes], currency: str) -> dict[str, bytes]:
        lines: dict[str, list[bytes]] = {one: [] for one in bodies}
        with ahead(self._runner, [credit_call(part, currency) for part in self._batches(list(bodies))]) as replies:
            for reply in replies:
                for row in codec.records_of(reply, self._at.system):
                    target, line = records.credit_line(row)
                    if target in lines:
                        lines[target].append(line)
        return {one: records.with_key(body, records.CREDIT, lines[one]) for one, body in bodies.items()}

    def _batches(self, items: Sequence[records.T]) -> Iterator[Sequence[records.T]]:
        size = self._settings.customer_batch
        for start in range(0, len(items), size):
            yield items[start : start + size]

    def _write_offs(self, resource: Resource, entries: Sequence[Entry]) -> dict[str, bytes]:
        if resource is ARVERIFYEVENT:
            self._learn_currencies({number for entry in entries if (number := records.currency_id(entry.rows))})
        return {
            entry.record_id: records.write_off_body(entry.rows, self._currencies.get(records.currency_id(entry.rows)))
            for entry in entries
        }

    def _learn_currencies(self, wanted: set[str]) -> None:
        """EFI write-offs name currencies by id; their documents name id and code. No list of currencies is documented (B7)."""
        with self._currency_lock:
            wanted -= self._currencies.keys() | self._sought
            for resource in (RECEIVABLE, COLLECTION):
                if not wanted:
                    return
                with contextlib.closing(self._lists.pages(resource, Span())) as pages:
                    for page in pages:
                        self._currencies |= dict(
                            pair for row in page.rows if (pair := records.learned(row)) is not None
                        )
                        wanted -= self._currencies.keys()
                        if not wanted:
                            return
            self._sought |= wanted  # nobody uses it in a document: it is not sought again

    # -- which module

    def _probed(self) -> str:
        """The module that holds receivables, by a list of one row (B6 [inferred]). Refused if both do: then a person must say."""
        counts = {name: self._count(name) for name in FAMILIES}
        held = [name for name, count in counts.items() if count]
        if len(held) > 1:
            raise Refused(
                "both AR modules hold receivables; say which one counts with ar_family", system=self._at.system
            )
        answered = [name for name, count in counts.items() if count is not None]
        if not answered:
            raise NotAllowed(
                "neither AR module can be read; grant its APIs in the open platform", system=self._at.system
            )
        return held[0] if held else answered[0]

    def _count(self, family: str) -> int | None:
        """How many receivables a module holds; None if it is not granted or not there."""
        resource = FAMILIES[family][Kind.INVOICE]
        try:
            reply = self._runner.send(list_call(resource, Span(), 1, 1))
        except (NotAllowed, Refused) as error:
            if error.code not in ("310037", "310404"):
                raise
            return None
        return read_page(reply, self._at.system, bare=resource.bare).row_count


def _named(entry: Entry) -> dict[str, str]:
    return {"id": entry.record_id, **({"belongOrgId": entry.org} if entry.org else {})}


def _in_range(resource: Resource, entry: Entry, begin: str) -> bool:
    """Whether a row is wanted, where the list itself could not be asked for changes."""
    return resource.bound is not Bound.DATE or not entry.stamp or entry.stamp >= begin
