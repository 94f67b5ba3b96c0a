"""The settings of a `zoho_crm` system, and Zoho's data centres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from ledgerbridge.connectors._http.settings import HttpSettings


class DataCenter(StrEnum):
    """Where an org lives; an org lives in one place only (zoho.md 1)."""

    US = "us"
    EU = "eu"
    IN = "in"
    AU = "au"
    CN = "cn"
    JP = "jp"
    CA = "ca"
    SA = "sa"


@dataclass(frozen=True, slots=True)
class Hosts:
    """The accounts server and the API domain (the part behind ``www.``) of one data centre."""

    accounts: str
    api_domain: str


DATA_CENTERS: Final[Mapping[DataCenter, Hosts]] = {
    DataCenter.US: Hosts("accounts.zoho.com", "zohoapis.com"),
    DataCenter.EU: Hosts("accounts.zoho.eu", "zohoapis.eu"),
    DataCenter.IN: Hosts("accounts.zoho.in", "zohoapis.in"),
    DataCenter.AU: Hosts("accounts.zoho.com.au", "zohoapis.com.au"),
    DataCenter.CN: Hosts("accounts.zoho.com.cn", "zohoapis.com.cn"),
    DataCenter.JP: Hosts("accounts.zoho.jp", "zohoapis.jp"),
    DataCenter.CA: Hosts(
        "accounts.zohocloud.ca", "zohoapis.ca"
    ),  # not accounts.zoho.ca: never derive one from the other
    DataCenter.SA: Hosts("accounts.zoho.sa", "zohoapis.sa"),
}
"""zoho.md 1 [2+]."""

API_HOSTS: Final = frozenset(
    f"{door}.{hosts.api_domain}" for hosts in DATA_CENTERS.values() for door in ("www", "sandbox", "developer")
)
"""Every host that a token reply may send us to: production, sandbox and developer orgs (zoho.md 1)."""

FIELDS_MAX: Final = 50
"""Fields of one list call (zoho.md 3)."""
PAGE_SIZE_MAX: Final = 200
"""Records of one list call (zoho.md 3)."""
BATCH_MAX: Final = 100
"""Records of one write (zoho.md 5)."""

ApiName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,99}$")]
"""A module or field as the API names it: it goes into paths and queries, so nothing but letters, digits and underscores."""
Workflow = Literal["workflow", "approval", "blueprint", "pathfinder", "orchestration"]


class ZohoCrmSettings(BaseModel):
    """Access to one org, and what of it is read and written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_center: DataCenter = DataCenter.CN
    """Where the org lives; the address bar of its CRM shows it (crm.zoho.com.cn: cn)."""
    accounts_url: str | None = None
    """The accounts server; unset: the data centre's."""
    api_url: str | None = None
    """Where API calls go; unset: where the sign-in says (`api_domain`), which is what Zoho wants."""
    client_id: str
    """The client's id from the API console."""
    client_secret: SecretStr
    """The client's secret."""
    refresh_token: SecretStr
    """The refresh token of one user's consent with access_type=offline; it lasts until revoked."""
    invoices: bool = True
    """Whether invoices are read and written; the module needs an edition above Standard (zoho.md 12)."""
    payments: bool = True
    """Whether payments are read and written; Zoho has no payments of its own, see `payments_module` (zoho.md 13)."""
    payments_module: ApiName = "Payments"
    """API name of the custom module that holds payments."""
    fields: dict[Literal["Accounts", "Invoices", "Payments"], tuple[ApiName, ...]] = {}
    """Fields to read instead of the usual ones, by module; at most 50. What the org does not have is left out."""
    extra_fields: dict[Literal["Accounts", "Invoices", "Payments"], tuple[ApiName, ...]] = {}
    """Fields to read besides, by module: an org's own ones, for which a workspace's mapping has a rule."""
    invoice_lines: bool = False
    """Read the lines of invoices: lists never carry them, so it costs one call per changed invoice (zoho.md 3)."""
    contacts: bool = False
    """Read the contacts of customers: one call for 50 changed customers and one for 200 changed contacts."""
    key_field: ApiName = "ERP_Id"
    """A text field, unique, in every module that is written: it holds our key, and upserts go by it alone (zoho.md 5)."""
    product_key_field: ApiName | Literal[""] = "ERP_Id"
    """The external field of Products that holds item codes: lines name their product by it. Empty: every line names
    `stand_in_product`."""
    stand_in_product: str | None = None
    """The product of lines without an item code, and of invoices without lines, since Zoho wants at least one: its value in
    `product_key_field`, or its record id where that is empty."""
    void_invoice_status: str = "Cancelled"
    """The Status of a void invoice; spelling varies (zoho.md 12 [1])."""
    void_payment_status: str = "Reversed"
    """The Status of a reversed payment (zoho.md 13)."""
    triggers: tuple[Workflow, ...] = ()
    """Which automation of the CRM our writes set off; none unless named here."""
    credits_floor: Annotated[int, Field(ge=0)] = 1000
    """Stop when Zoho says that fewer API credits than these are left for the rolling day: other programs need some too."""
    webhook_token: SecretStr | None = None
    """What our notification channel was given as `token`: calls of ``/hooks/SYSTEM`` must carry it (zoho.md 8)."""
    http: HttpSettings = HttpSettings(in_flight_max=5)
    """The network; at most five calls at once, which the smallest edition allows (zoho.md 9)."""

    @property
    def accounts_server(self) -> str:
        """The base URL of sign-ins."""
        return (self.accounts_url or f"https://{DATA_CENTERS[self.data_center].accounts}").rstrip("/")

    @property
    def first_api_url(self) -> str:
        """The base URL of calls until a sign-in says otherwise."""
        return (self.api_url or f"https://www.{DATA_CENTERS[self.data_center].api_domain}").rstrip("/")

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Where calls may go at all: Zoho's API hosts, the accounts server and the configured API host."""
        own = (urlsplit(url).hostname or "" for url in (self.accounts_server, self.first_api_url))
        return API_HOSTS | frozenset(own)
