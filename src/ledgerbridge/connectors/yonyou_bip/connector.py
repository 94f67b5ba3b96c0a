"""The `yonyou_bip` connector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final, Self
from urllib.parse import urlsplit

from ledgerbridge.connectors._http.limits import Limit
from ledgerbridge.connectors._http.runner import Runner, Transport
from ledgerbridge.connectors.base import Capabilities, DeleteStrategy, Outcome, Page, SafetyClass, Surroundings, Write
from ledgerbridge.errors import Unsupported
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.raw import Raw

from . import codec
from .reading import PAGE_SIZE_MAX, Reader
from .resources import FAMILIES, MERCHANT, SALE_INVOICE
from .settings import YonyouBipSettings
from .signin import SignIn
from .writing import VOIDABLE, Writer

_VENDOR_HOSTS: Final = frozenset({".yonyoucloud.com", ".diwork.com"})
"""Where data centres were seen (B1 [2+]). Others are set with gateway_url and token_url."""
_KINDS: Final = frozenset(Kind)


class YonyouBip:
    """One tenant of YonBIP or YonSuite."""

    kind_name: ClassVar[str] = "yonyou_bip"
    settings: ClassVar[type[YonyouBipSettings]] = YonyouBipSettings

    def __init__(
        self, settings: YonyouBipSettings, surroundings: Surroundings, *, transport: Transport | None = None
    ) -> None:
        self._settings = settings
        self._at = surroundings
        named = (settings.discovery_url, settings.gateway_url, settings.token_url)
        hosts = {urlsplit(url).hostname or "" for url in named if url is not None}
        self._sign_in = SignIn(settings, surroundings.system, surroundings.clock)
        self._runner = Runner(
            system=surroundings.system,
            base_url=settings.gateway_url or settings.discovery_url,
            settings=settings.http,
            judge=codec.judge(surroundings.system),
            sign_in=self._sign_in.sign_in,
            limits={
                "*": Limit(settings.calls_per_minute, 60.0),
                **{path: Limit(calls, 60.0) for path, calls in settings.calls_per_minute_of.items()},
            },
            allowed_hosts=_VENDOR_HOSTS | hosts,
            clock=surroundings.clock,
            transport=transport,
            secrets=(settings.app_secret.get_secret_value(),),
        )
        self._reader = Reader(settings, surroundings, self._runner)
        self._writer = Writer(settings, surroundings, self._runner, self._reader)

    @property
    def capabilities(self) -> Capabilities:
        """Documents are written only where `ar_family` names the module, and invoices only where receivables are read.

        Saves carry our key and make no second record (B4). Updates are refused over a newer version by reading it first; for
        documents the vendor compares the change stamp again [inferred]. Nothing reports deletions: ids are swept.
        """
        settings = self._settings
        families = [settings.ar_family] if settings.ar_family != "auto" else list(FAMILIES)
        sales = settings.invoices == "sales_invoices"
        wire_types = {
            kind: tuple(FAMILIES[family][kind].wire_type for family in families)
            for kind in (Kind.INVOICE, Kind.PAYMENT, Kind.ALLOCATION)
        }
        write_types = {Kind.CUSTOMER: MERCHANT.wire_type}
        if settings.ar_family != "auto":
            written = (Kind.PAYMENT,) if sales else (Kind.INVOICE, Kind.PAYMENT)
            write_types |= {kind: wire_types[kind][0] for kind in written}
        if sales:
            wire_types[Kind.INVOICE] = (SALE_INVOICE.wire_type,)
        incremental = _KINDS if sales or settings.ar_family == "efi" else _KINDS - {Kind.INVOICE}
        return Capabilities(
            reads=_KINDS,
            writes=frozenset(write_types),
            wire_types={Kind.CUSTOMER: (MERCHANT.wire_type,), **wire_types},
            write_types=write_types,
            incremental=incremental,
            deletes=dict.fromkeys(_KINDS, DeleteStrategy.KEY_SWEEP),
            safe_create=frozenset(write_types),
            conditional_update=frozenset(write_types),
            voids=frozenset(kind for kind, wire_type in write_types.items() if wire_type in VOIDABLE),
            safety=dict.fromkeys(write_types, SafetyClass.KEY),
            page_size_max=PAGE_SIZE_MAX,
            batch_size_max=1,
            calls_in_flight_max=settings.http.in_flight_max,
            requests_per_minute_max=settings.calls_per_minute,
        )

    def check(self) -> None:
        """Ask for one row of the customer list."""
        self._reader.check()

    def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
        """What changed since a cursor, oldest change first.

        fi receivables cannot be asked for by change (B5): after the first walk those of a trailing window of document dates are
        looked at, and those of them that changed are read.
        """
        return self._reader.walk(kind, cursor, limit)

    def get(self, ref: Ref) -> Raw | None:
        """The record with its lines, or None if it is deleted or not visible."""
        return self._reader.get(ref)

    def find(self, kind: Kind, key: str) -> tuple[Raw, ...]:
        """By number or code; EFI documents also by the key that we wrote into them."""
        return self._reader.find(kind, key)

    def keys(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        """The ids of all records of a kind."""
        return self._reader.keys(kind)

    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        """One call a write. Creates under our key; documents are created unapproved."""
        allowed = self.capabilities.writes
        for write in writes:
            if write.change.kind not in allowed:
                raise Unsupported(
                    f"{write.change.kind} cannot be written with these settings (see ar_family and invoices)",
                    system=self._at.system,
                )
        return tuple(self._writer.write(write) for write in writes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Close every connection."""
        self._runner.close()
