"""The settings of a `yonyou_u8` system."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from ledgerbridge.connectors._http.settings import HttpSettings

PAGE_SIZE_MAX = 500
"""Rows a page; the sheet knows no cap, clients use up to 8,000 (A4 [1]); this is the size it advises."""


class YonyouU8Settings(BaseModel):
    """Access to one U8 account set through the relay."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    base_url: str = "https://api.yonyouup.com"
    """The relay (A1)."""
    from_account: str
    """The calling developer account."""
    to_account: str
    """The enterprise account that owns the data."""
    app_key: str
    """The application's key."""
    app_secret: SecretStr
    """The application's secret."""
    ds_sequence: Annotated[int, Field(ge=1)] | None = None
    """The number of the U8 data source (account set); unset: the application's first one."""
    window_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """How many days of documents, by document date, each pull reads again: older edits are seen by a full pull only (A4)."""
    invoices: tuple[Literal["saleinvoice", "oughtreceive"], ...] = ("saleinvoice", "oughtreceive")
    """Which documents are read as invoices: sales invoices, receivable vouchers (应收单), or both."""
    asynchronous: bool = True
    """Writes are accepted first and asked about until done (sync=0); false: one long call (sync=1) (A5)."""
    polls_max: Annotated[int, Field(ge=1, le=200)] = 20
    """How often an accepted write is asked about before its outcome counts as unknown (A5: 20)."""
    voucher_key_field: str | None = "define16"
    """The user-defined voucher field that holds our key, by which a lost create is found; unset: only by number."""
    customer_key_field: str | None = "self_define16"
    """The same for customers."""
    token_codes: tuple[str, ...] = ("30001",)
    """Error codes that mean an unknown or expired token: A3 [inferred]; texts that mention the token count too."""
    calls_per_second: Annotated[int, Field(ge=1, le=100)] = 5
    """Our own limit; the vendor documents none (A5 [inferred])."""
    http: HttpSettings = HttpSettings(in_flight_max=2)
    """The network; at most two calls at once per account (A5 [inferred])."""
