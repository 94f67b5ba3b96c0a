"""The leading system's customers as aging and credit name them. Grows with the customers."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from ledgerbridge.model.base import Kind
from ledgerbridge.model.ledger import Account
from ledgerbridge.reconciler.aging import Debtor
from ledgerbridge.reconciler.bankrows import Party
from ledgerbridge.store import Tx, copies, ledgers


class _Account(msgspec.Struct):
    account: str


class _Text(msgspec.Struct):
    name: str
    code: str | None = None
    short_name: str | None = None
    credit_code: str | None = None
    tax_number: str | None = None
    category: str | None = None
    sales_owner: str | None = None
    credit_limit_minor: int | None = None
    credit_currency: str | None = None
    credit_days: int | None = None
    bank_accounts: list[_Account] = []


_decode = msgspec.json.Decoder(_Text).decode


class Debtors:
    """Customers by the key of their account; one that has no record is known by what documents call it."""

    def __init__(self, tx: Tx, system: str, base_currency: str = "CNY") -> None:
        known = ledgers.accounts(tx, system)
        self._texts: dict[str, _Text] = {}
        for copy in copies.every(tx, system, Kind.CUSTOMER):
            if copy.canonical is not None:
                text = _decode(copy.canonical)
                account = known.account(copy.ref.external_id, text.code, text.name)
                self._texts[account.key] = text
        self._base = base_currency

    def of(self, account: Account) -> Debtor:
        """The customer behind an account."""
        text = self._texts.get(account.key)
        if text is None:
            return Debtor(account.entity or account.key, account.name or account.key)
        return Debtor(
            account.entity or account.key,
            text.name,
            text.code or "",
            text.category or "",
            text.sales_owner or "",
            text.credit_limit_minor,
            text.credit_currency or self._base,
            text.credit_days,
        )

    def parties(self, names: dict[str, Collection[str]] | None = None) -> list[Party]:
        """All of them as payers are compared with them; `names` adds what other systems call them, by account."""
        found = []
        for key, text in sorted(self._texts.items()):
            other = sorted((names or {}).get(key, ()))
            called = dict.fromkeys(name for name in (text.name, text.short_name, *other) if name)
            codes = dict.fromkeys(code for code in (text.credit_code, text.tax_number, text.code) if code)
            accounts = tuple(dict.fromkeys(one.account for one in text.bank_accounts))
            found.append(Party(id=key, names=tuple(called), codes=tuple(codes), accounts=accounts))
        return found

    def keys(self, wanted: str) -> list[str]:
        """The accounts that a person means by a customer's code, id or a part of its name: an exact one alone, else all."""
        folded = wanted.strip().casefold()
        exact = [
            key
            for key, text in self._texts.items()
            if wanted in (key, text.code, text.name) or folded == (text.short_name or "").casefold()
        ]
        return sorted(exact or [key for key, text in self._texts.items() if folded and folded in text.name.casefold()])

    def named(self, key: str) -> str:
        """Code and name for people."""
        text = self._texts.get(key)
        return key if text is None else f"{text.code or ''} {text.name}".strip()
