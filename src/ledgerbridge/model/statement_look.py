"""How a company's statements look: what stands on them beside the figures. Frozen with each copy that was sent."""

from __future__ import annotations

from typing import Annotated

from pydantic import Base64Bytes, Field

from .base import Frozen, Line


class RemittanceAccount(Frozen):
    """An account that customers pay to. `account` is text: leading zeros and blanks are kept as written."""

    holder: Line = ""
    bank: Line = ""
    account: Line
    currency: Line = ""
    """An ISO code: the account is shown on statements of that currency only; empty: on all."""


class StatementLook(Frozen):
    """Everything but the language. Empty texts leave their line out."""

    logo: Base64Bytes | None = None
    """A PNG or JPEG image."""
    accounts: tuple[RemittanceAccount, ...] = ()
    contact: Line = ""
    """Whom to ask: a name, a telephone number."""
    reply_to: Line = ""
    """Where the signed reply slip goes: an address, e-mail or fax number."""
    reply_days: Annotated[int, Field(ge=0, le=365)] | None = None
    """Within how many days of the statement's date a reply is asked for; None: no date is named."""
    footer: Annotated[str, Field(max_length=2000)] = ""
    reply_slip: bool = True

    def accounts_for(self, currency: str) -> tuple[RemittanceAccount, ...]:
        """The accounts to show on a statement of a currency."""
        return tuple(account for account in self.accounts if account.currency in ("", currency))
