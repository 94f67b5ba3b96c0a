"""Converters for plain numbers: integers, quantities and prices, percentages, exchange rates."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from pydantic import Field, StrictBool, StrictStr

from ledgerbridge.model.wirejson import WireValue

from .converter import Args, Converter, Read, Setting, Write
from .number import EXACT, loose_number, number, quotient, shifted
from .spec import Numbers
from .wire import ABSENT, BadValue, tidy

Places: TypeAlias = Annotated[int, Field(ge=0, le=20)]
RATE_DIGITS = 18  # of a rate turned round; Rate holds 24
QUOTIENT_DIGITS = 12  # of a rate worked out of two amounts: more would be digits of rounding


class NumberArgs(Args):
    """How a number is read and written."""

    loose: StrictBool = False
    write_as: Numbers | None = None

    def parser(self) -> Callable[[Any], Decimal | None]:
        """The reading that these arguments ask for."""
        return loose_number if self.loose else number

    def printer(self, setting: Setting) -> Callable[[Decimal | int], WireValue]:
        """The writing that these arguments, or the mapping, ask for."""
        return _as_text if (self.write_as or setting.numbers) is Numbers.TEXT else _as_number


def _as_text(value: Decimal | int) -> WireValue:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _as_number(value: Decimal | int) -> WireValue:
    return value


def _read_integer(args: NumberArgs, _setting: Setting) -> Read:
    parse = args.parser()

    def read(value: Any, _item: Any, _root: Any) -> int | None:
        if type(value) is int:
            return value
        found = parse(value)
        if found is None:
            return None
        if found != int(found):
            raise BadValue("is no whole number")
        return int(found)

    return read


def _write_integer(args: NumberArgs, setting: Setting) -> Write:
    show = args.printer(setting)
    return lambda value, _item, _root: show(value)


class DecimalArgs(NumberArgs):
    """`places`: written with exactly that many decimals."""

    places: Places | None = None


def with_places(value: Decimal, places: int | None) -> Decimal:
    """`value` with exactly `places` decimals; BadValue if that would lose any."""
    if places is None:
        return value
    try:
        return value.quantize(Decimal(1).scaleb(-places), context=EXACT)
    except decimal.DecimalException:
        raise BadValue(f"has more than {places} decimals") from None


def _read_decimal(args: DecimalArgs, _setting: Setting) -> Read:
    parse = args.parser()

    def read(value: Any, _item: Any, _root: Any) -> Decimal | None:
        found = parse(value)
        return None if found is None else tidy(found)

    return read


def _write_decimal(args: DecimalArgs, setting: Setting) -> Write:
    show = args.printer(setting)
    return lambda value, _item, _root: show(with_places(value, args.places))


def _read_percent(args: DecimalArgs, _setting: Setting) -> Read:
    parse = args.parser()

    def read(value: Any, _item: Any, _root: Any) -> Decimal | None:
        if isinstance(value, str):
            value = value.strip().removesuffix("%").removesuffix("％")
        found = parse(value)
        return None if found is None else tidy(shifted(found, -2))

    return read


def _write_percent(args: DecimalArgs, setting: Setting) -> Write:
    show = args.printer(setting)
    return lambda value, _item, _root: show(with_places(tidy(shifted(value, 2)), args.places))


class Direction(StrEnum):
    """`direct`: units of the base currency for one of the document's; `inverse`: the other way round."""

    DIRECT = "direct"
    INVERSE = "inverse"


_LEAST_RATE = Decimal(1).scaleb(-24)  # Rate holds 24 digits, those behind the point included


def rate_of(dividend: Decimal, divisor: Decimal, digits: int) -> Decimal:
    """A quotient as a rate: to `digits` significant digits, and as many behind the point as a Rate holds."""
    found = quotient(dividend, divisor, digits)
    if found.adjusted() - digits < -25:
        found = found.quantize(_LEAST_RATE, decimal.ROUND_HALF_EVEN, decimal.Context(prec=60))
    if not found:
        raise BadValue("gives a rate too small to be one")
    return tidy(found)


class RateArgs(NumberArgs):
    """`per`: the wire's rate is for that many units. `places`: decimals of a written inverse rate at most."""

    direction: Direction = Direction.DIRECT
    per: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    places: Places = 9


def _read_rate(args: RateArgs, _setting: Setting) -> Read:
    parse = args.parser()
    per = Decimal(args.per)
    inverse = args.direction is Direction.INVERSE

    def read(value: Any, _item: Any, _root: Any) -> Decimal | None:
        found = parse(value)
        if found is None:
            return None
        if found <= 0:
            raise BadValue(
                "is no exchange rate: it must be above zero (if the system means none by it, list it under 'empty')"
            )
        if inverse:
            return rate_of(per, found, RATE_DIGITS)
        return tidy(found) if per == 1 else rate_of(found, per, RATE_DIGITS)

    return read


def _write_rate(args: RateArgs, setting: Setting) -> Write:
    show = args.printer(setting)
    per = Decimal(args.per)
    least = Decimal(1).scaleb(-args.places)

    def write(value: Any, _item: Any, _root: Any) -> WireValue:
        if args.direction is Direction.DIRECT:
            return show(tidy(value if per == 1 else EXACT.multiply(value, per)))
        turned = quotient(per, value, RATE_DIGITS)
        rounded = turned.quantize(least, decimal.ROUND_HALF_EVEN, decimal.Context(prec=60))
        if not rounded:
            raise BadValue(f"is too large to be written the other way round with {args.places} decimals")
        return show(tidy(rounded))

    return write


class AmountsArgs(NumberArgs):
    """The wire paths of the same sum in the base and in the document's currency."""

    base: StrictStr
    document: StrictStr

    def paths(self) -> tuple[str, ...]:
        """Both."""
        return (self.base, self.document)

    def reversible(self) -> bool:
        """No: a quotient does not tell its parts."""
        return False

    def needs_wire(self) -> bool:
        """No."""
        return False

    def amounts(self, setting: Setting) -> Callable[[Any], tuple[Decimal, Decimal] | None]:
        """A reader of both amounts, base first; None if either is missing."""
        read_base, read_document = setting.path(self.base), setting.path(self.document)
        parse = self.parser()

        def read(item: Any) -> tuple[Decimal, Decimal] | None:
            found = [
                None if raw is ABSENT or raw is None else parse(raw) for raw in (read_base(item), read_document(item))
            ]
            return None if found[0] is None or found[1] is None else (found[0], found[1])

        return read


def _read_rate_of_amounts(args: AmountsArgs, setting: Setting) -> Read:
    amounts = args.amounts(setting)

    def read(_value: Any, item: Any, _root: Any) -> Decimal | None:
        found = amounts(item)
        if found is None or not found[0] or not found[1]:
            return None
        if (found[0] < 0) is not (found[1] < 0):
            raise BadValue(f"the amounts {found[0]} and {found[1]} differ in sign, so they give no rate")
        return rate_of(found[0], found[1], QUOTIENT_DIGITS)

    return read


NUMBER: Mapping[str, Converter] = {
    "integer": Converter(int, NumberArgs, _read_integer, _write_integer),
    "decimal": Converter(Decimal, DecimalArgs, _read_decimal, _write_decimal),
    "percent": Converter(Decimal, DecimalArgs, _read_percent, _write_percent),
    "rate": Converter(Decimal, RateArgs, _read_rate, _write_rate),
    "rate_of_amounts": Converter(Decimal, AmountsArgs, _read_rate_of_amounts),
}
