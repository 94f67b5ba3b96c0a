"""Converters for amounts and currencies. Amounts become integers of the currency's minor units, exactly or not at all."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, StrictBool, StrictStr

from ledgerbridge.errors import MoneyError
from ledgerbridge.model.currency import EXPONENTS
from ledgerbridge.model.money import MINOR_MAX, to_decimal, to_minor
from ledgerbridge.model.wirejson import WireValue

from .convert_number import AmountsArgs, NumberArgs
from .converter import Args, Converter, Read, Root, Setting, Write
from .currency_names import NAMES, WRITTEN_NAMES, folded_name
from .number import EXACT, shifted
from .spec import Condition, Paths, Test
from .wire import ABSENT, FAILED, BadValue, Waiting, blank

CURRENCY_FIELDS = ("currency", "base_currency", "credit_currency")
"""The canonical fields that amounts may lean on; read before all others."""


class Unit(StrEnum):
    """What one of the wire's amount is: whole units of the currency, minor units, or ten thousand units."""

    YUAN = "yuan"
    FEN = "fen"
    WAN = "wan"


_ROUNDINGS = {
    "half_up": decimal.ROUND_HALF_UP,
    "half_even": decimal.ROUND_HALF_EVEN,
    "down": decimal.ROUND_DOWN,
}


_USUAL_DIGITS: Final = 11
"""Digits before the point that nearly all amounts have at most; with four more an amount is below MINOR_MAX."""


class MoneyArgs(NumberArgs):
    """Where an amount's currency is, what its unit is, and what decides its sign."""

    currency_field: Literal["currency", "base_currency", "credit_currency"] | None = None
    unit: Unit = Unit.YUAN
    round: Literal["half_up", "half_even", "down"] | None = None
    negate_if: Condition | None = None
    negative_if: Condition | None = None
    absolute: StrictBool = False

    def conditions(self) -> tuple[Mapping[str, Test], ...]:
        """Those about the sign."""
        return tuple(condition for condition in (self.negate_if, self.negative_if) if condition)

    def reversible(self) -> bool:
        """Unless the sign was thrown away."""
        return not self.absolute

    def currency_of(self, field: str) -> str:
        """The canonical field that holds the currency of the amount `field`."""
        if self.currency_field:
            return self.currency_field
        name = field.rpartition(".")[2]
        return (
            "base_currency"
            if name.startswith("base_")
            else "credit_currency"
            if name.startswith("credit_")
            else "currency"
        )


ToMinor: TypeAlias = Callable[[Decimal, Root], int]


def _to_minor(args: MoneyArgs, setting: Setting) -> ToMinor:
    """Amount → minor units of the currency that the record says."""
    source = args.currency_of(setting.field)
    unit = args.unit
    rounding = _ROUNDINGS[args.round] if args.round else None

    def convert(amount: Decimal, root: Root) -> int:
        currency = root.get(source)
        if currency is None or currency is FAILED:
            if currency is FAILED or source == "currency":
                raise Waiting  # that the currency is missing or bad is reported where it is
            raise BadValue(f"is an amount without a currency: {source} is empty")
        places = EXPONENTS[currency]
        if unit is Unit.WAN:
            amount = shifted(amount, 4)
        elif unit is Unit.FEN:
            amount = shifted(amount, -places)
        if rounding is not None:
            amount = amount.quantize(Decimal(1).scaleb(-places), rounding, decimal.Context(prec=120))
        try:
            scaled = EXACT.scaleb(amount, places)
            if scaled.adjusted() <= 16:  # MINOR_MAX has 16 digits
                minor = int(scaled)
                if minor == scaled and -MINOR_MAX <= minor <= MINOR_MAX:
                    return minor
            return to_minor(amount, currency)  # refuses, and says why
        except (MoneyError, decimal.DecimalException) as error:
            raise BadValue(str(error) or "is too long for an amount") from None

    return convert


def _sign(args: MoneyArgs, setting: Setting) -> Callable[[Decimal, Any], Decimal] | None:
    """What makes an amount as written one with the right sign; None if it has it already."""
    turned = setting.condition(args.negate_if) if args.negate_if else None
    negative = setting.condition(args.negative_if) if args.negative_if else None
    if not (turned or negative or args.absolute):
        return None

    def sign(amount: Decimal, item: Any) -> Decimal:
        if args.absolute:
            amount = amount.copy_abs()
        if turned is not None and turned(item):
            amount = EXACT.minus(amount)
        if negative is not None and negative(item):
            amount = EXACT.minus(amount.copy_abs())
        return amount

    return sign


def _read_money(args: MoneyArgs, setting: Setting) -> Read:
    parse, convert, sign = args.parser(), _to_minor(args, setting), _sign(args, setting)
    source = args.currency_of(setting.field)
    usual = sign is None and args.unit is Unit.YUAN

    def read(value: Any, item: Any, root: Root) -> int | None:
        if usual and type(value) is str and value.isascii():
            whole, point, part = value.partition(".")
            digits = whole[1:] if whole[:1] == "-" else whole
            if digits.isdigit() and len(digits) <= _USUAL_DIGITS and (part.isdigit() if point else True):
                places = EXPONENTS.get(root.get(source, ""))  # FAILED is no key either
                if places is not None and len(part) <= places:
                    return int(whole + part.ljust(places, "0"))
        amount = parse(value)
        if amount is None:
            return None
        return convert(amount if sign is None else sign(amount, item), root)

    return read


def _write_money(args: MoneyArgs, setting: Setting) -> Write:
    source, show, unit = args.currency_of(setting.field), args.printer(setting), args.unit
    turned = setting.condition(args.negate_if) if args.negate_if else None
    negative = setting.condition(args.negative_if) if args.negative_if else None

    def write(value: Any, item: Any, root: Root) -> WireValue:
        currency = root.get(source)
        if currency is None:
            raise BadValue(f"is an amount without a currency: {source} is empty")
        minor: int = value
        if turned is not None and turned(item):
            minor = -minor
        if negative is not None and negative(item):
            if minor > 0:
                raise BadValue("is positive in a record whose amounts the mapping holds to be negative")
            minor = -minor
        if unit is Unit.FEN:
            return show(minor)
        amount = to_decimal(minor, currency)
        return show(shifted(amount, -4) if unit is Unit.WAN else amount)

    return write


class SumArgs(MoneyArgs):
    """Further wire paths that are added or subtracted; `absolute` takes each value without its sign."""

    plus: Paths = ()
    minus: Paths = ()

    def paths(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.plus, *self.minus)

    def reversible(self) -> bool:
        """No: a sum does not tell its parts."""
        return False

    def needs_wire(self) -> bool:
        """Only if nothing else is added up."""
        return not (self.plus or self.minus)


def _read_sum(args: SumArgs, setting: Setting) -> Read:
    parse, convert = args.parser(), _to_minor(args, setting)
    sign = _sign(args.model_copy(update={"absolute": False}), setting)
    further = [(setting.path(path), False) for path in args.plus] + [(setting.path(path), True) for path in args.minus]

    def read(value: Any, item: Any, root: Root) -> int | None:
        groups = [(value, False)] + [(get(item), minus) for get, minus in further]
        total: Decimal | None = None
        for values, minus in groups:
            for raw in values if isinstance(values, list) else (values,):
                amount = None if raw is ABSENT or blank(raw) else parse(raw)
                if amount is None:
                    continue
                if args.absolute:
                    amount = amount.copy_abs()
                start = Decimal(0) if total is None else total
                try:
                    total = EXACT.subtract(start, amount) if minus else EXACT.add(start, amount)
                except decimal.DecimalException:
                    raise BadValue("adds up to more digits than an amount has") from None
        if total is None:
            return None
        return convert(total if sign is None else sign(total, item), root)

    return read


class CurrencyArgs(Args):
    """`names`: how this system calls currencies, beside codes and the usual names."""

    names: dict[StrictStr, Annotated[StrictStr, Field(pattern="^[A-Z]{3}$")]] = {}
    write_as: Literal["code", "name"] = "code"


def _read_currency(args: CurrencyArgs, _setting: Setting) -> Read:
    names = {**NAMES, **{folded_name(name): code for name, code in args.names.items()}}

    def read(value: Any, _item: Any, _root: Any) -> str | None:
        if type(value) is not str:
            raise BadValue("is no currency code or name")
        if value in EXPONENTS:
            return value
        text = folded_name(value)
        if not text:
            return None
        code = names.get(text) or text.upper()
        if code not in EXPONENTS:
            raise BadValue(
                "is no ISO 4217 currency code and no known currency name; add it under args: {names: {…: CODE}}"
            )
        return code

    return read


def _write_currency(args: CurrencyArgs, _setting: Setting) -> Write:
    if args.write_as == "code":
        return lambda value, _item, _root: value
    own = {code: name for name, code in reversed(args.names.items())}
    names = {**WRITTEN_NAMES, **own}

    def write(value: Any, _item: Any, _root: Any) -> WireValue:
        if value not in names:
            raise BadValue("has no known name in this system; add it under args: {names: {…: CODE}}")
        return names[value]

    return write


class CurrencyOfAmountsArgs(AmountsArgs):
    """`otherwise`: the currency of a record whose two amounts differ, where only one foreign currency is in use."""

    otherwise: Annotated[StrictStr, Field(pattern="^[A-Z]{3}$")] | None = None


def _read_currency_of_amounts(args: CurrencyOfAmountsArgs, setting: Setting) -> Read:
    amounts = args.amounts(setting)

    def read(_value: Any, item: Any, _root: Any) -> str | None:
        found = amounts(item)
        if found is None:
            return None
        if found[0] == found[1]:
            return setting.base_currency
        if args.otherwise is None:
            raise BadValue(
                f"the currency cannot be told: {args.base} is {found[0]} and {args.document} is {found[1]},"
                " and the record names no currency (args: {otherwise: CODE} if there is only one foreign currency)"
            )
        return args.otherwise

    return read


MONEY: Mapping[str, Converter] = {
    "money": Converter(int, MoneyArgs, _read_money, _write_money),
    "sum_money": Converter(int, SumArgs, _read_sum, whole=True),
    "currency": Converter(str, CurrencyArgs, _read_currency, _write_currency),
    "currency_of_amounts": Converter(str, CurrencyOfAmountsArgs, _read_currency_of_amounts),
}
