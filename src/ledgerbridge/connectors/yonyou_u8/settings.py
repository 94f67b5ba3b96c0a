"""The settings of a `yonyou_u8` system."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from ledgerbridge.connectors._http.settings import HttpSettings

PAGE_SIZE_MAX = 500
"""Rows a page; the sheet knows no cap, clients use up to 8,000 (A4 [1]); this is the most it advises."""

InvoiceObject = Literal["saleinvoice", "oughtreceive"]


class RelaySettings(HttpSettings):
    """The network, with this vendor's default."""

    in_flight_max: Annotated[int, Field(ge=1, le=64)] = 2
    """Calls at the same time, over all threads: at most two per account (A5 [inferred])."""


class YonyouU8Settings(BaseModel):
    """Access to one U8 account set through the relay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = "https://api.yonyouup.com"
    """The relay (A1)."""
    from_account: Annotated[str, Field(min_length=1)]
    """The calling developer account."""
    to_account: Annotated[str, Field(min_length=1)]
    """The enterprise account that owns the data."""
    app_key: Annotated[str, Field(min_length=1)]
    """The application's key."""
    app_secret: SecretStr
    """The application's secret."""
    ds_sequence: Annotated[int, Field(ge=1)] | None = None
    """The number of the U8 data source (account set); unset: the application's first one."""
    window_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """How many days of documents, by document date, each pull reads again. Edits of older ones are seen by a full pull
    only (A4)."""
    invoices: Annotated[tuple[InvoiceObject, ...], Field(min_length=1)] = ("saleinvoice", "oughtreceive")
    """Which documents are read as invoices: sales invoices, receivable vouchers (应收单), or both."""
    create_invoices_as: InvoiceObject = "oughtreceive"
    """What a new invoice becomes. A sales invoice needs lines with inventory codes that U8 knows; a receivable voucher
    needs none."""
    asynchronous: bool = False
    """True: a create is accepted first (sync=0) and asked about until done; false: one call that answers when it
    is done (A5)."""
    polls_max: Annotated[int, Field(ge=1, le=200)] = 20
    """How often an accepted create is asked about before its outcome counts as unknown (A5: the vendor's own client asks
    20 times)."""
    voucher_key_field: str | None = "define14"
    """The user-defined item of a voucher's head that holds our key, by which a lost create is found. It must take 32 characters
    of text: in U8 items 11 to 14 take 120 [inferred]. Unset: only by number."""
    customer_key_field: str | None = "self_define10"
    """The same for customers, where items 7 to 10 take 120 characters [inferred]."""
    base_currency_name: str = "人民币"
    """What this account set calls its base currency (A6 [2+])."""
    token_codes: tuple[str, ...] = ("30001",)
    """Error codes that mean an unknown or expired token (A3 [inferred]); undocumented codes whose text mentions the token count
    too."""
    rate_limit_codes: tuple[str, ...] = ("10029",)
    """Error codes that mean too many calls, nothing having been processed; no limit and no code is documented [inferred]."""
    calls_per_second: Annotated[int, Field(ge=1, le=100)] = 5
    """Our own limit; the vendor documents none (A5 [inferred])."""
    http: RelaySettings = RelaySettings()
    """Bounds of every call."""

    def key_field(self, *, customer: bool) -> str | None:
        """The field that holds our key in a record we create."""
        return self.customer_key_field if customer else self.voucher_key_field
