"""The section `[exceptions]` of the workspace file: limits, people, and who gets what."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ledgerbridge.model.base import Key, SystemId
from ledgerbridge.model.exception import Code
from ledgerbridge.model.money import Currency, to_minor
from ledgerbridge.reconciler.exceptions.policy import AssignmentRule, ExceptionPolicy, Limits


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        raise ValueError('write amounts as text, such as "1000.00": a number with a point is not exact')  # noqa: TRY004 (a setting's fault)
    return value


def _to_code(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return Code(value)
        except ValueError:
            raise ValueError(f"there is no kind of exception {value!r}; there are {', '.join(Code)}") from None
    return value


Amount = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, max_digits=18, allow_inf_nan=False)]
Amounts = dict[Currency, Amount]


class AssignSettings(BaseModel):
    """One rule: who gets the findings that match all that is given. The first rule that matches decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: Key
    """Who gets them."""
    codes: tuple[Annotated[Code, BeforeValidator(_to_code)], ...] = ()
    """Kinds of exception, such as amount_differs."""
    systems: tuple[SystemId, ...] = ()
    """Any of these systems is involved."""
    customers: tuple[str, ...] = ()
    """Names or entity ids of customers; may hold * and ?."""
    salespeople: tuple[str, ...] = ()
    """Who sells to the customer; may hold * and ?."""
    at_least: Amounts = {}
    """The difference is at least this, per currency; findings without money or of another currency do not match."""


class ExceptionSettings(BaseModel):
    """How exceptions are weighed, given to people, and waived."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    medium: Amounts = {"CNY": Decimal(1_000)}
    """From this difference on an exception is of medium severity. A currency without a limit: 1000 of its units."""
    high: Amounts = {"CNY": Decimal(50_000)}
    """From this difference on it is of high severity. A currency without a limit: 50000 of its units."""
    trifle: Amounts = {"CNY": Decimal(1)}
    """A smaller difference does not become more severe with age. A currency without a limit: 1 of its units."""
    older_days: Annotated[int, Field(ge=0)] = 30
    """What is older goes one severity up."""
    waive_limit: Amounts = {"CNY": Decimal(100)}
    """A waiver of more needs a second person. A currency without a limit: every waiver does. Without money: what is of high
    severity does."""
    settled_grace_days: Annotated[int, Field(ge=0)] = 30
    """What was settled and is still found so many days later is opened again."""
    owners: tuple[Key, ...] = ()
    """The people that exceptions may be given to; unset: anybody."""
    assign: tuple[AssignSettings, ...] = ()
    """Who gets new exceptions, as [[exceptions.assign]] tables; the first that matches decides."""

    @model_validator(mode="after")
    def _consistent(self) -> ExceptionSettings:
        for limits in (self.medium, self.high, self.trifle, self.waive_limit, *(rule.at_least for rule in self.assign)):
            _minor(limits)
        for currency in self.medium.keys() & self.high.keys():
            if self.medium[currency] > self.high[currency]:
                raise ValueError(f"the limit of medium severity in {currency} is above that of high")
        strange = [rule.owner for rule in self.assign if self.owners and rule.owner not in self.owners]
        if strange:
            raise ValueError(f"{', '.join(strange)} of exceptions.assign is not among exceptions.owners")
        return self

    def policy(self) -> ExceptionPolicy:
        """The same, as the rules take it."""
        return ExceptionPolicy(
            trifle=Limits(_minor(self.trifle), other=1),
            medium=Limits(_minor(self.medium), other=1_000),
            high=Limits(_minor(self.high), other=50_000),
            older_days=self.older_days,
            waive_limit=Limits(_minor(self.waive_limit)),
            settled_grace=timedelta(days=self.settled_grace_days),
            rules=tuple(
                AssignmentRule(
                    owner=rule.owner,
                    codes=frozenset(rule.codes),
                    systems=frozenset(rule.systems),
                    customers=rule.customers,
                    salespeople=rule.salespeople,
                    at_least=_minor(rule.at_least),
                )
                for rule in self.assign
            ),
            owners=frozenset(self.owners),
        )


def _minor(amounts: Amounts) -> dict[str, int]:
    """In minor units; ValueError (a MoneyError) for more decimals than the currency has."""
    return {currency: to_minor(amount, currency) for currency, amount in amounts.items()}
