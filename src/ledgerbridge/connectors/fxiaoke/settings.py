"""The settings of a `fxiaoke` system."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator, model_validator

from ledgerbridge.connectors._http.settings import HttpSettings

HOSTS = (
    "open.fxiaoke.com",
    "open-hwcloud.fxiaoke.com",
    "open-ale.fxiaoke.com",
    "open-ksc.sharecrm.com",
    "open-hws.fxiaoke.com",
    "open-na.sharecrm.com",
)
"""The gateways that are known (fxiaoke.md 1): China, Huawei cloud, Aliyun, Hong Kong, Frankfurt, North America."""
WEBSITES = ("www.fxiaoke.com", "fxiaoke.com", "www.sharecrm.com", "sharecrm.com")
PAGE_SIZE_MAX = 100

ApiName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
"""The name of an object or a field in the API."""


class LinkedObject(BaseModel):
    """An object whose rows are read along with a record, and stand in its ``details``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    object: ApiName
    """The API name of the object, e.g. `OrderPaymentObj`."""
    parent_field: ApiName
    """Its field that points at the record, e.g. `payment_id`."""


class PaymentLines(BaseModel):
    """How the lines of a new payment are completed, so that they add up to its total: the CRM takes their sum for the total."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    object: ApiName = "OrderPaymentObj"
    """The object that holds the lines."""
    amount_field: ApiName = "payment_amount"
    """The amount, of the same name in the payment and in its lines."""
    fee_field: ApiName | None = "bank_fee__c"
    """The payment's field with the bank's fee; unset: there is none. A fee becomes a line of its own with a minus sign."""
    unapplied: dict[ApiName, str] = {"line_kind__c": "option2"}
    """Further fields of the line that holds what settles nothing yet."""
    fee: dict[ApiName, str] = {"line_kind__c": "option3"}
    """Further fields of the line that holds the fee."""


_FIN_INFO = LinkedObject(object="AccountFinInfoObj", parent_field="account_id")
_CONTACTS = LinkedObject(object="ContactObj", parent_field="account_id")
_PAYMENT_LINES = LinkedObject(object="OrderPaymentObj", parent_field="payment_id")
_REFUND_LINES = LinkedObject(object="refund_line__c", parent_field="refund__c")
_APPLICATION_LINES = LinkedObject(object="InvoiceApplicationLinesObj", parent_field="invoice_id")


class FxiaokeSettings(BaseModel):
    """Access to one tenant through a self-built app, and which of its objects hold what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = f"https://{HOSTS[0]}"
    """The tenant's API gateway, which cannot be discovered: https://open.fxiaoke.com by default; open-hwcloud.fxiaoke.com
    (Huawei), open-ale.fxiaoke.com (Aliyun), open-ksc.sharecrm.com (Hong Kong), open-hws.fxiaoke.com (Frankfurt),
    open-na.sharecrm.com (North America). The web site www.fxiaoke.com is not one."""
    auth_style: Literal["header", "legacy"] = "header"
    """How calls are signed: `header` (current, persons by employee number) or `legacy` (in the body, persons as FSUID_…)."""
    app_id: str
    """The self-built app's id, FSAID_…."""
    app_secret: SecretStr
    """The self-built app's secret."""
    permanent_code: SecretStr
    """The permanent code that the tenant's authorisation gave the app."""
    acting_user: str | None = None
    """Who acts, best a CRM administrator: the employee number (header style) or FSUID_… (legacy style). This person's rights
    decide what is seen."""
    acting_mobile: str | None = None
    """The acting person's mobile number, looked up at sign-in where `acting_user` is not given."""
    customer_code_field: ApiName = "account_no"
    """The AccountObj field with the customer's code."""
    customer_details: tuple[LinkedObject, ...] = (_FIN_INFO, _CONTACTS)
    """What is read along with a customer."""
    invoice_object: ApiName | None = "ar_bill__c"
    """The object whose rows are invoices: the tenant's own receivable object (`…__c`), or InvoiceApplicationObj; unset: none."""
    invoice_details: tuple[LinkedObject, ...] | None = None
    """What is read along with an invoice; unset: the lines of InvoiceApplicationObj, nothing of an object of the tenant's own."""
    payment_details: tuple[LinkedObject, ...] = (_PAYMENT_LINES,)
    """What is read along with a payment."""
    payment_lines: PaymentLines | None = PaymentLines()
    """How the lines of a new payment are completed; unset: payments are created with the lines that the mapping writes."""
    refund_object: ApiName | None = "RefundObj"
    """The object whose rows are refunds; unset: refunds are payments with a minus sign."""
    refund_details: tuple[LinkedObject, ...] = (_REFUND_LINES,)
    """What is read along with a refund."""
    source_id_field: ApiName | None = "erp_source_id__c"
    """The text field, on every object that is written, that holds our key and by which a lost create is found; unset: there is
    none, and a create is found by its number only."""
    source_id_unique: bool = True
    """That field is declared unique in the CRM, so that a repeated create is refused. Verified before the first create."""
    trigger_approval: bool = False
    """Let writes start the tenant's approval flows; then they wait for a person before they count."""
    trigger_workflow: bool = False
    """Let writes start the tenant's workflows."""
    void_rows_hidden: bool = False
    """The tenant's queries leave out void rows (作废): name every life status in each query, which shows them (fxiaoke.md 8)."""
    refusal_codes: tuple[int, ...] = ()
    """Further error codes that mean that the CRM understood and refused a record: the vendor publishes no list of them."""
    calls_per_second: Annotated[int, Field(ge=1, le=5)] = 4
    """Our own limit for each interface; the vendor's is 100 calls in 20 seconds (fxiaoke.md 5)."""
    webhook_secret: SecretStr | None = None
    """What the tenant's script signs its calls of ``/hooks/SYSTEM`` with (fxiaoke.md 10)."""
    webhook_secret_old: SecretStr | None = None
    """The one before, while the script is being changed."""
    http: HttpSettings = HttpSettings(retries=4)
    """The network."""

    @field_validator("base_url")
    @classmethod
    def _gateway(cls, value: str) -> str:
        if (urlsplit(value).hostname or "") in WEBSITES:
            raise ValueError(f"this is the web site, not the API gateway; gateways are {', '.join(HOSTS)}")
        return value

    @model_validator(mode="after")
    def _somebody_acts(self) -> Self:
        if not (self.acting_user or self.acting_mobile):
            raise ValueError("acting_user (or acting_mobile) is needed: every call is made in a person's name")
        legacy = self.auth_style == "legacy"
        if self.acting_user and self.acting_user.startswith("FSUID_") is not legacy:
            wanted = "FSUID_… (a person's id of the legacy style)" if legacy else "an employee number"
            raise ValueError(f"with auth_style {self.auth_style} acting_user must be {wanted}")
        return self

    @property
    def invoice_linked(self) -> tuple[LinkedObject, ...]:
        """What is read along with an invoice."""
        if self.invoice_details is not None:
            return self.invoice_details
        return (_APPLICATION_LINES,) if self.invoice_object == "InvoiceApplicationObj" else ()
