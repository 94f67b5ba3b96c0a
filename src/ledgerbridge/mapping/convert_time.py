"""Converters for days and moments. A text without an offset is in the company's zone; a day is the company's calendar day."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from ledgerbridge.model.wirejson import WireValue

from .converter import Args, Converter, Read, Setting, Write
from .wire import BLANKS, BadValue, shape

_TEXT = re.compile(
    r"(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|年(\d{1,2})月(\d{1,2})日)"
    r"(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2})(\d{2})(\d{2}))?", re.ASCII)
_DIGITS = re.compile(r"-?\d{1,16}(?:\.\d{1,9})?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXCEL_START = date(1899, 12, 30)  # right for serials from 61 on: the programs count a 29 February 1900


class Form(StrEnum):
    """How days are written, and how numbers are read as days."""

    ISO = "iso"
    SLASH = "slash"
    COMPACT = "compact"
    STAMP = "stamp"
    EPOCH_MS = "epoch_ms"
    EPOCH_S = "epoch_s"
    EXCEL = "excel"


class MomentForm(StrEnum):
    """How moments are written, and how numbers are read as moments."""

    ISO = "iso"
    STAMP = "stamp"
    EPOCH_MS = "epoch_ms"
    EPOCH_S = "epoch_s"


class DateArgs(Args):
    """`form`: see Form."""

    form: Form = Form.ISO


class MomentArgs(Args):
    """`form`: see MomentForm."""

    form: MomentForm = MomentForm.ISO


Number: TypeAlias = "int | Decimal"


def _from_epoch(value: Number, per_second: int) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=int(value * (1_000_000 // per_second)))
    except OverflowError:
        raise BadValue("is no date: too far away") from None


def _from_excel(value: Number) -> date:
    days = int(value)
    if not 1 <= days <= 2_958_465 or days == 60:
        raise BadValue("is no date serial of a spreadsheet")
    return _EXCEL_START + timedelta(days=days if days > 60 else days + 1)


def _text_moment(text: str) -> datetime:
    """The moment of a text, aware if it has an offset; midnight if it has no time of day."""
    match = _TEXT.fullmatch(text)
    try:
        if match is None:
            compact = _COMPACT.fullmatch(text)
            if compact is None:
                raise BadValue("is no date (expected like 2026-03-31)")
            return datetime(*(int(part or 0) for part in compact.groups()))  # type: ignore[arg-type]  # noqa: DTZ001 (local by contract)
        year, _, month, day, month_cn, day_cn, hour, minute, second, fraction, offset = match.groups()
        moment = datetime(  # noqa: DTZ001 (local by contract; an offset follows)
            int(year),
            int(month or month_cn),
            int(day or day_cn),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")),
        )
        return moment if offset is None else moment.replace(tzinfo=_offset(offset))
    except ValueError:
        raise BadValue("is no date: there is no such day or time") from None


def _offset(text: str) -> timezone:
    if text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def _as_number(value: Any) -> Number | None:
    if type(value) is int or type(value) is Decimal:
        return value
    if type(value) is str and _DIGITS.fullmatch(value):
        return Decimal(value)
    return None


def _read_date(args: DateArgs, setting: Setting) -> Read:
    zone = setting.zone
    from_number = _DAY_OF_NUMBER.get(args.form)

    def read(value: Any, _item: Any, _root: Any) -> date | None:
        if type(value) is str:
            value = value.strip(BLANKS)
            if len(value) == 10 and value[4] == value[7] == "-" and value.isascii():
                try:
                    return date.fromisoformat(value)
                except ValueError:
                    raise BadValue("is no date: there is no such day") from None
            if not value:
                return None
        number = _as_number(value)
        if number is not None and from_number is not None:
            return from_number(number, zone)
        if type(value) is int:
            value = str(value)
        if type(value) is not str:
            raise BadValue(f"is {shape(value)}, not a date")
        moment = _text_moment(value)
        return (moment if moment.tzinfo is None else moment.astimezone(zone)).date()

    return read


_DAY_OF_NUMBER: Mapping[Form, Callable[[Number, ZoneInfo], date]] = {
    Form.EPOCH_MS: lambda value, zone: _from_epoch(value, 1000).astimezone(zone).date(),
    Form.EPOCH_S: lambda value, zone: _from_epoch(value, 1).astimezone(zone).date(),
    Form.EXCEL: lambda value, _zone: _from_excel(value),
}


def _to_epoch(moment: datetime, per_second: int) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1_000_000 // per_second)


def _to_excel(day: date) -> int:
    days = (day - _EXCEL_START).days
    if days < 2:
        raise BadValue("is before the first day that a spreadsheet knows")
    return days if days > 60 else days - 1


def _write_date(args: DateArgs, setting: Setting) -> Write:
    show = _WRITTEN_DAY[args.form]
    return lambda value, _item, _root: show(value, setting.zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


_WRITTEN_DAY: Mapping[Form, Callable[[date, ZoneInfo], WireValue]] = {
    Form.ISO: lambda day, _zone: day.isoformat(),
    Form.SLASH: lambda day, _zone: day.isoformat().replace("-", "/"),
    Form.COMPACT: lambda day, _zone: day.isoformat().replace("-", ""),
    Form.STAMP: lambda day, _zone: f"{day.isoformat()} 00:00:00",
    Form.EPOCH_MS: lambda day, zone: _to_epoch(_midnight(day, zone), 1000),
    Form.EPOCH_S: lambda day, zone: _to_epoch(_midnight(day, zone), 1),
    Form.EXCEL: lambda day, _zone: _to_excel(day),
}


def _read_moment(args: MomentArgs, setting: Setting) -> Read:
    per_second = {MomentForm.EPOCH_MS: 1000, MomentForm.EPOCH_S: 1}.get(args.form)

    def read(value: Any, _item: Any, _root: Any) -> str | None:
        if type(value) is str:
            value = value.strip(BLANKS)
            if not value:
                return None
        number = _as_number(value)
        if number is not None and per_second is not None:
            return _utc_text(_from_epoch(number, per_second))
        if type(value) is not str:
            raise BadValue(f"is {shape(value)}, not a date and time")
        moment = _text_moment(value)
        try:
            return _utc_text(moment if moment.tzinfo else moment.replace(tzinfo=setting.zone))
        except OverflowError:
            raise BadValue("is no date: too far away") from None

    return read


def _utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _write_moment(args: MomentArgs, setting: Setting) -> Write:
    def write(value: Any, _item: Any, _root: Any) -> WireValue:
        moment = _text_moment(value)
        if moment.tzinfo is None:
            raise BadValue("is no moment: it has no offset")
        local = moment.astimezone(setting.zone)
        if args.form is MomentForm.ISO:
            return local.isoformat()
        if args.form is MomentForm.STAMP:
            return local.replace(tzinfo=None).isoformat(" ")
        return _to_epoch(moment, 1000 if args.form is MomentForm.EPOCH_MS else 1)

    return write


TIME: Mapping[str, Converter] = {
    "date": Converter(date, DateArgs, _read_date, _write_date),
    "datetime": Converter(str, MomentArgs, _read_moment, _write_moment),
}
