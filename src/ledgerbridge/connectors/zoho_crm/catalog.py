"""The modules that are read, and which of their fields: lists must name them (zoho.md 3), so this is what mappings can see."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from ledgerbridge.errors import Unsupported
from ledgerbridge.model.base import Kind

from .settings import FIELDS_MAX, ZohoCrmSettings

MODIFIED: Final = "Modified_Time"
"""Walks go by it; it is always asked for. `id` comes back by itself (zoho.md 3)."""
UNLISTED: Final = frozenset({"subform", "multiselectlookup", "multiuserlookup"})
"""Data types that a list never carries (zoho.md 3 [2+])."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module that is read as a kind. `wire_type` names its mapping; `natural` are fields that people know a record by."""

    kind: Kind
    wire_type: str
    fields: tuple[str, ...]
    own: tuple[str, ...]
    natural: tuple[str, ...]
    subform: str | None = None

    @property
    def usual(self) -> tuple[str, ...]:
        """All fields that the shipped mapping reads."""
        return (*self.fields, *self.own)


_CONTENT: Final = ("Owner", "Created_Time")

ACCOUNTS: Final = Module(
    Kind.CUSTOMER,
    "Accounts",
    fields=(
        *("Account_Name", "Account_Number", "Account_Type", "Industry", "Phone", "Fax", "Website", "Parent_Account"),
        *("Billing_Street", "Billing_City", "Billing_State", "Billing_Code", "Billing_Country"),
        *("Shipping_Street", "Shipping_City", "Shipping_State", "Shipping_Code", "Shipping_Country"),
        *("Description", "Currency", *_CONTENT),
    ),
    own=(
        *("ERP_Id", "ERP_Code", "Credit_Code", "Short_Name", "Email", "Mobile", "Billing_District", "Region_Code"),
        *("Bank_Name", "Bank_Account", "Class_Code", "Class_Name", "Trade", "Salesperson_Code", "Salesperson"),
        *("Credit_Limit", "Credit_Days", "Opened_On", "Disabled_On", "Payer_Names"),
    ),
    natural=("ERP_Code", "Account_Name"),
)
INVOICES: Final = Module(
    Kind.INVOICE,
    "Invoices",
    fields=(
        *("Subject", "Invoice_Number", "Account_Name", "Invoice_Date", "Due_Date", "Status", "Grand_Total"),
        *("Currency", "Exchange_Rate", "Purchase_Order", "Sales_Order", "Description", *_CONTENT),
    ),
    own=(
        *("ERP_Id", "ERP_Invoice_Number", "ERP_Kind", "ERP_Total", "ERP_Net", "ERP_Tax", "ERP_Rate", "ERP_Base_Total"),
        *("Balance_Due", "Paid_Amount", "Payment_Status", "Last_Payment_Date", "Tax_Invoice_Code"),
        *("Tax_Invoice_Number", "ERP_Order_Number", "Contract_Number", "Salesperson_Code", "Department_Code"),
        "Reversed_Invoice",
    ),
    natural=("ERP_Invoice_Number", "Subject"),
    subform="Invoiced_Items",
)
PAYMENTS: Final = Module(
    Kind.PAYMENT,
    "Payments",
    fields=("Name", "Currency", "Exchange_Rate", *_CONTENT),
    own=(
        *("ERP_Id", "Account", "Invoice", "Payment_Date", "Amount", "Method", "Reference", "Status"),
        *("Receipt_Kind", "Receipt_Amount", "Bank_Fee", "ERP_Rate", "ERP_Base_Amount", "Applied_On"),
        *("Payer_Name", "Payer_Account", "Payer_Bank", "Own_Account", "Settlement", "Remark"),
    ),
    natural=("Name",),
)
CONTACT_FIELDS: Final = (
    *("Last_Name", "First_Name", "Full_Name", "Title", "Department", "Email", "Phone", "Mobile"),
    *("Account_Name", MODIFIED),
)
MODULES: Final[Mapping[Kind, Module]] = {module.kind: module for module in (ACCOUNTS, INVOICES, PAYMENTS)}


def modules_of(settings: ZohoCrmSettings) -> dict[Kind, Module]:
    """The modules that these settings let us use."""
    wanted = {Kind.CUSTOMER: True, Kind.INVOICE: settings.invoices, Kind.PAYMENT: settings.payments}
    return {kind: module for kind, module in MODULES.items() if wanted[kind]}


def api_name(module: Module, settings: ZohoCrmSettings) -> str:
    """What the module is called in paths and queries: its own name, but payments live where the org put them (zoho.md 13)."""
    return settings.payments_module if module.kind is Kind.PAYMENT else module.wire_type


def wanted_fields(module: Module, settings: ZohoCrmSettings) -> tuple[str, ...]:
    """The fields that settings ask for, whether the org has them or not."""
    named: Mapping[str, tuple[str, ...]] = settings.fields  # type: ignore[assignment]
    more: Mapping[str, tuple[str, ...]] = settings.extra_fields  # type: ignore[assignment]
    usual = named.get(module.wire_type, module.usual)
    return tuple(dict.fromkeys((MODIFIED, *usual, *more.get(module.wire_type, ()))))


def fields_to_read(module: Module, settings: ZohoCrmSettings, present: Collection[str], system: str) -> tuple[str, ...]:
    """Those of the wanted fields that the org has (`present`); Unsupported if they are more than one list call takes."""
    chosen = tuple(name for name in wanted_fields(module, settings) if name in present or name == MODIFIED)
    if len(chosen) > FIELDS_MAX:
        raise Unsupported(
            f"{len(chosen)} fields of {module.wire_type} are to be read and Zoho lists {FIELDS_MAX} at most:"
            f" name those that you need in settings.fields.{module.wire_type}",
            system=system,
        )
    return chosen
