"""A connector of another package, as small as one can be: it reads the invoices of ``benchmarks/server.py``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final, Self

import msgspec

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.connectors._http.settings import HttpSettings
from ledgerbridge.connectors.base import Capabilities, Outcome, Page, Surroundings, Write
from ledgerbridge.errors import BadReply, ConnectorError, Unsupported
from ledgerbridge.model.base import Frozen, Kind, Ref
from ledgerbridge.model.raw import Raw, digest_of

WIRE_TYPE: Final = "bill"
PAGE: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Settings(Frozen):
    """Where the server listens."""

    base_url: str
    http: HttpSettings = HttpSettings(allow_plain_http=True)


class _Listing(msgspec.Struct):
    data: list[msgspec.Raw]
    pages: int
    latest: int


class _Head(msgspec.Struct):
    id: str
    version: int
    modified: int


_LISTING = msgspec.json.Decoder(_Listing)
_HEAD = msgspec.json.Decoder(_Head)


class PlainBooks:
    """The server as a far side, only read. A cursor is the latest stamp of a finished walk, or of one under way `stamp:page`."""

    kind_name: ClassVar[str] = "plain_books"
    settings: ClassVar[type[Settings]] = Settings

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._system, self._clock = surroundings.system, surroundings.clock
        self._runner = Runner(
            system=self._system,
            base_url=settings.base_url,
            settings=settings.http,
            judge=self._judge,
            clock=surroundings.clock,
        )
        self.capabilities = Capabilities(
            reads=frozenset({Kind.INVOICE}),
            writes=frozenset(),
            wire_types={Kind.INVOICE: (WIRE_TYPE,)},
            incremental=frozenset({Kind.INVOICE}),
            page_size_max=PAGE,
            calls_in_flight_max=settings.http.in_flight_max,
        )

    def check(self) -> None:
        """Read the first page."""
        self._listing(self._runner.send(_call(1, None)))

    def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
        """Pages from the first, or the one after which the walk was cut short; the rest is read ahead."""
        if kind is not Kind.INVOICE or limit < PAGE:
            raise Unsupported(f"invoices only, {PAGE} a page", system=self._system)
        since, _, done = (cursor or "").partition(":")
        at = int(done or 0) + 1
        listing = self._listing(self._runner.send(_call(at, since)))
        yield self._page(listing, since, at)
        rest = range(at + 1, listing.pages + 1)
        for number, reply in zip(rest, self._runner.send_all(_call(page, since) for page in rest), strict=True):
            yield self._page(self._listing(reply), since, number)

    def get(self, ref: Ref) -> Raw | None:
        """Not offered."""
        raise Unsupported(f"{ref} cannot be read by itself", system=self._system)

    def find(self, kind: Kind, key: str) -> tuple[Raw, ...]:
        """Not offered."""
        raise Unsupported(f"{kind} {key} cannot be looked for", system=self._system)

    def keys(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        """Not offered."""
        raise Unsupported(f"{kind} cannot be swept", system=self._system)

    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        """Not offered."""
        return tuple(Unsupported("nothing can be written", system=self._system) for _ in writes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._runner.close()

    def _judge(self, _call: Call, reply: Reply) -> ConnectorError | None:
        return None if reply.status == 200 else BadReply(f"HTTP {reply.status}", system=self._system)

    def _listing(self, reply: Reply) -> _Listing:
        try:
            return _LISTING.decode(reply.body)
        except msgspec.DecodeError:
            raise BadReply("a page of an unknown shape", system=self._system) from None

    def _page(self, listing: _Listing, since: str, number: int) -> Page:
        last = number >= listing.pages
        now = self._clock.now()
        cursor = str(listing.latest) if last else f"{since}:{number}"
        return Page(tuple(_record(row, now) for row in listing.data), cursor, last)


def _call(page: int, since: str | None) -> Call:
    query = {"page": str(page)}
    return Call("GET", "invoices", query | {"since": since} if since else query)


def _record(row: msgspec.Raw, now: datetime) -> Raw:
    head, body = _HEAD.decode(row), bytes(row)
    modified = _EPOCH + timedelta(milliseconds=head.modified)
    return Raw(Kind.INVOICE, WIRE_TYPE, head.id, body, digest_of(body), now, order=head.version, modified_at=modified)
