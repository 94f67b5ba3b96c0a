"""The canonical customer."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from .base import Frozen, Key, Line, Text
from .money import Currency, Minor
from .party import Address, BankAccount, Contact, CreditCode, Email, PartyRef, Phone

CustomValue = str | int | bool | None
"""A custom field's value; decimals are text, so that no digit is lost."""

Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"),
]


class CustomerStatus(StrEnum):
    """Whether business may be done with a customer."""

    ACTIVE = "active"
    DISABLED = "disabled"
    VOID = "void"


class Customer(Frozen):
    """One customer as one system describes it.

    A field that the system says nothing about is unset; one that it says is empty is None or "". ``model_fields_set``
    keeps the two apart, and the stored form leaves unset fields out.
    """

    code: Key | None = None
    name: Name
    short_name: Line | None = None
    credit_code: CreditCode | None = None
    tax_number: Line | None = None
    """The tax number as the system spells it, valid or not (old 15-digit numbers, persons' ids)."""
    category: Line | None = None
    industry: Line | None = None
    currency: Currency | None = None
    credit_limit_minor: Minor | None = None
    """In minor units of `credit_currency`."""
    credit_currency: Currency | None = None
    credit_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    contacts: tuple[Contact, ...] = ()
    phone: Phone | None = None
    fax: Line | None = None
    email: Email | None = None
    website: Line | None = None
    addresses: tuple[Address, ...] = ()
    bank_accounts: tuple[BankAccount, ...] = ()
    sales_owner: Line | None = None
    parent: PartyRef | None = None
    status: CustomerStatus = CustomerStatus.ACTIVE
    opened_on: date | None = None
    disabled_on: date | None = None
    remark: Text | None = None
    custom: dict[str, CustomValue] = {}
