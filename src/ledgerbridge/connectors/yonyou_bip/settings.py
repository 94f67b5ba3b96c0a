"""The settings of a `yonyou_bip` system."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from ledgerbridge.connectors._http.settings import HttpSettings

CALLS_PER_MINUTE = 40
"""The smallest free quota that was announced (B3 [1]); others are 60."""


class YonyouBipSettings(BaseModel):
    """Access to one tenant. What it takes to create documents stands at the end and may stay unset where nothing is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant_id: str
    """The tenant's id, by which its data centre is found (B1)."""
    app_key: str
    """The key of the tenant's own application (自建应用)."""
    app_secret: SecretStr
    """The application's secret; it signs the request for a token and is never sent."""
    discovery_url: str = "https://apigateway.yonyoucloud.com"
    """Where the tenant's data centre is asked for (B1)."""
    gateway_url: str | None = None
    """The gateway of the tenant's data centre, to do without asking; together with `token_url`."""
    token_url: str | None = None
    """The token service of the tenant's data centre; together with `gateway_url`."""
    ar_family: Literal["efi", "fi", "auto"] = "auto"
    """Which module holds the receivables (B6). `auto` looks which of them has records; to write documents, name it."""
    invoices: Literal["receivables", "sales_invoices"] = "receivables"
    """What is read as invoices. Receivables arise from sales invoices, so that reading both would count every sale twice."""
    open_balances: bool = True
    """Read the open balances of EFI documents, which stand in a list of their own (B6); fi documents always show theirs."""
    credit_currency_id: str | None = None
    """The id, in the currency archive, of the books' currency: read each customer's credit line in it. Unset: no credit lines."""
    currency_ids: dict[str, str] = {}
    """Currency archive: ISO code to id. fi documents are written with it; EFI write-offs are read with it where it cannot be
    learned from the documents."""
    window_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """How many days of fi receivables, by document date, each pull looks at: their list has no change filter (B5)."""
    overlap_s: Annotated[int, Field(ge=60, le=86400)] = 120
    """How many seconds before the newest change seen each pull begins; at least 60 (B5)."""
    find_days: Annotated[int, Field(ge=1, le=365)] = 31
    """How far back, by change, our own key is looked for."""
    list_page_size: Annotated[int, Field(ge=1, le=5000)] | None = None
    """Rows of one call of a list; unset: as many as each list takes (B5)."""
    customer_batch: Annotated[int, Field(ge=1, le=500)] = 50
    """Customers of one call for details; the sheet knows no maximum."""
    calls_per_minute: Annotated[int, Field(ge=1, le=6000)] = CALLS_PER_MINUTE
    """Our own limit for each API by itself."""
    calls_per_minute_of: dict[str, Annotated[int, Field(ge=1, le=6000)]] = {}
    """The limit of single APIs where the tenant bought more, by path: `{"/yonbip/EFI/receivable/detail" = 300}`."""
    http: HttpSettings = HttpSettings()
    """The network."""
    ext_system_code: str = "ledgerbridge"
    """Sent as `extSystemCode` with each EFI document we create; together with our key the pair is unique (B4)."""
    still_processing_tries: Annotated[int, Field(ge=0, le=60)] = 6
    """How often, every 5 seconds, a write that is still processing is asked about under its key (B3: code 202)."""
    org_code: str | None = None
    """The organisation in whose name customers and documents are created."""
    receivable_bustype: str | None = None
    """EFI: business type code of a receivable we create."""
    collection_bustype: str | None = None
    """EFI: business type code of a receipt we create."""
    receipt_tradetype: str | None = None
    """fi: trade type of a receipt we create."""
    exchange_rate_type: str | None = None
    """fi: code of the exchange rate type of documents we create."""
    exchange_rate_digits: Annotated[int, Field(ge=0, le=12)] = 6
    """fi: decimals of that exchange rate type."""
    quick_type_receivable: str | None = None
    """Code of the purpose (款项类型) of a receipt's line that settles receivables."""
    quick_type_advance: str | None = None
    """The same for an advance."""
    quick_type_fee: str | None = None
    """The same for what the bank kept; without it a receipt with a fee is refused."""

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        if (self.gateway_url is None) is not (self.token_url is None):
            raise ValueError(
                "gateway_url and token_url go together: set both, or neither to have them found by tenant_id"
            )
        return self
