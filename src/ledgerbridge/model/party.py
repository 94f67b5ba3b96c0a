"""People, places and accounts around a customer, and how a document names its customer."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from stdnum.cn import uscc
from stdnum.exceptions import ValidationError as StdnumError

from .base import Frozen, Key, Line
from .money import Currency


def _credit_code(value: str) -> str:
    try:
        valid = uscc.validate(value)
    except StdnumError as error:
        raise ValueError(f"{value!r} is no unified social credit code: {error}") from None
    if valid != value:
        raise ValueError(f"{value!r} is not in the canonical form {valid!r} (18 characters, upper case)")
    return value


CreditCode = Annotated[str, AfterValidator(_credit_code)]
"""统一社会信用代码: 18 characters of GB 32100-2015 with a correct check character."""

Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{5,14}$")]
"""E.164."""

Email = Annotated[
    str, StringConstraints(pattern=r"^[^@\s\x00-\x1f,;<>]+@[^@\s\x00-\x1f,;<>]+\.[^@\s\x00-\x1f,;<>]+$", max_length=254)
]


class PartyRef(Frozen):
    """How a document of one system names its customer: as much as that system says, in that system's own ids.

    Which customer that is, is decided by links, never here.
    """

    external_id: Key | None = None
    code: Key | None = None
    name: Line | None = None
    credit_code: CreditCode | None = None


class DocumentRef(Frozen):
    """How one document names another, in the system's own ids."""

    external_id: Key | None = None
    number: Key | None = None


class Contact(Frozen):
    """A person at a customer."""

    name: Line | None = None
    title: Line | None = None
    phone: Phone | None = None
    mobile: Phone | None = None
    email: Email | None = None
    primary: bool = False


class Address(Frozen):
    """A postal address; `purpose` is what the system calls it (`main`, `shipping`, `invoice`, …)."""

    purpose: Line = "main"
    country: Line | None = None
    province: Line | None = None
    city: Line | None = None
    district: Line | None = None
    street: Line | None = None
    postcode: Line | None = None


class BankAccount(Frozen):
    """An account at a bank; `account` is text, spaces removed, leading zeros kept."""

    bank: Line | None = None
    branch: Line | None = None
    account: Key
    holder: Line | None = None
    currency: Currency | None = None
    primary: bool = False
