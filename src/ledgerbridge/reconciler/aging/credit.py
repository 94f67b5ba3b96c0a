"""Credit: what of a customer's limit is used, and what is overdue against its terms (finance-formats.md 8.8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from ledgerbridge.model.base import Kind
from ledgerbridge.model.exception import Code, Finding
from ledgerbridge.model.money import Money, to_decimal

from .table import Debtor, OpenEntry


@dataclass(frozen=True, slots=True)
class CreditPolicy:
    """When somebody should look. `overdue_days_min`: days past due below which an item is let be; `overdue_minor_min`: the
    same for a customer's overdue sum, per currency (none: from the first minor unit).
    """

    overdue_days_min: int = 1
    overdue_minor_min: tuple[tuple[str, int], ...] = ()

    def floor(self, currency: str) -> int:
        """The overdue sum from which on a customer is reported."""
        return dict(self.overdue_minor_min).get(currency, 1)


@dataclass(frozen=True, slots=True)
class CreditStanding:
    """One customer on one day, in the currency of its limit (or, without a limit, of its items).

    `used_minor` is open items less unapplied cash. `other_currencies`: what is owed in currencies that the limit is not in;
    they are told and never added.
    """

    debtor: Debtor
    currency: str
    limit_minor: int | None
    used_minor: int
    overdue_minor: int
    overdue_days: int
    overdue_numbers: tuple[str, ...]
    other_currencies: tuple[str, ...]

    @property
    def available_minor(self) -> int | None:
        """What may still be sold on credit; negative when the limit is exceeded; None without a limit."""
        return None if self.limit_minor is None else self.limit_minor - self.used_minor


def due_day(entry: OpenEntry, debtor: Debtor) -> date | None:
    """When an item is due: as its document says, else its own date and the customer's credit days; None if nobody says."""
    if entry.due_on is not None:
        return entry.due_on
    return None if debtor.credit_days is None else entry.on + timedelta(days=debtor.credit_days)


def standing(
    debtor: Debtor, entries: Iterable[OpenEntry], as_of: date, policy: CreditPolicy | None = None
) -> tuple[CreditStanding, ...]:
    """Where a customer stands, one value per currency in which something is open or in which its limit is."""
    policy = policy or CreditPolicy()
    by_currency: dict[str, list[OpenEntry]] = {}
    for entry in entries:
        if entry.open_minor:
            by_currency.setdefault(entry.currency, []).append(entry)
    limited = debtor.credit_currency if debtor.credit_limit_minor is not None else None
    currencies = sorted({*by_currency, *([limited] if limited else [])})
    return tuple(_standing(debtor, by_currency, currency, currencies, as_of, policy) for currency in currencies)


def _standing(
    debtor: Debtor,
    by_currency: dict[str, list[OpenEntry]],
    currency: str,
    currencies: list[str],
    as_of: date,
    policy: CreditPolicy,
) -> CreditStanding:
    entries = by_currency.get(currency, [])
    late: list[tuple[int, OpenEntry]] = []
    for entry in entries:
        due = due_day(entry, debtor)
        if (
            not entry.money
            and entry.open_minor > 0
            and due is not None
            and (as_of - due).days >= policy.overdue_days_min
        ):
            late.append(((as_of - due).days, entry))
    late.sort(key=lambda pair: (-pair[0], pair[1].number, pair[1].id))
    return CreditStanding(
        debtor,
        currency,
        debtor.credit_limit_minor if debtor.credit_currency == currency else None,
        sum(entry.open_minor for entry in entries),
        sum(entry.open_minor for _, entry in late),
        late[0][0] if late else 0,
        tuple(entry.number for _, entry in late),
        tuple(other for other in currencies if other != currency),
    )


NUMBERS_SHOWN = 20


def credit_findings(found: CreditStanding, as_of: date, policy: CreditPolicy | None = None) -> tuple[Finding, ...]:
    """What a person should look at: a limit that is exceeded, and items past due.

    `difference` is by how much, or what is overdue; neither explains a gap between systems.
    """
    policy = policy or CreditPolicy()
    debtor = found.debtor
    findings: list[Finding] = []
    available = found.available_minor
    if available is not None and available < 0:
        findings.append(
            Finding(
                code=Code.CREDIT_EXCEEDED,
                kind=Kind.CUSTOMER,
                entity=debtor.entity,
                customer=debtor.entity,
                customer_name=debtor.name,
                number=debtor.code or None,
                difference=Money(minor=-available, currency=found.currency),
                business_on=as_of,
                evidence={
                    "limit": str(to_decimal(found.limit_minor or 0, found.currency)),
                    "used": str(to_decimal(found.used_minor, found.currency)),
                    "currency": found.currency,
                    "not_counted": list(found.other_currencies),
                },
                action="review_credit",
            )
        )
    if found.overdue_minor >= policy.floor(found.currency):
        numbers = list(found.overdue_numbers[:NUMBERS_SHOWN])
        findings.append(
            Finding(
                code=Code.OVERDUE,
                kind=Kind.CUSTOMER,
                entity=debtor.entity,
                customer=debtor.entity,
                customer_name=debtor.name,
                number=debtor.code or None,
                difference=Money(minor=found.overdue_minor, currency=found.currency),
                business_on=as_of,
                evidence={
                    "days": found.overdue_days,
                    "documents": [*numbers],
                    "more": max(0, len(found.overdue_numbers) - len(numbers)),
                },
                action="remind",
            )
        )
    return tuple(findings)
