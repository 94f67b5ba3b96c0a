"""How U8 spells things: envelopes, errors, decimals, dates, records (yonyou.md A3)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.web import Response

from .shapes import CUSTOMER, CUSTOMER_CHILDREN, CUSTOMER_EXTENSIONS, Resource

SHANGHAI = timezone(timedelta(hours=8))  # no zone is given on the wire: U8 means local time [inferred]
OK = "0"
NO_MATCH = "20002"  # [1]
REFUSED = "20005"  # [1]; duplicates [inferred]
PLATFORM_FAILED = "10001"  # [1]
STILL_RUNNING = "30025"  # [1]

_NUMBER_MARK = "\U0010fffd"  # the last private-use character: business data does not have it
_MARKED = re.compile(f'"{_NUMBER_MARK}(-?[0-9.]+)"')
_JSON_HEADERS = {"Content-Type": "application/json;charset=UTF-8"}


class Refusal(Exception):
    """An answer with an error code; `status` is the HTTP status, 200 for business errors (A3)."""

    def __init__(self, code: str, text: str, status: int = 200) -> None:
        super().__init__(text)
        self.code, self.text, self.status = code, text, status


def envelope(**content: Any) -> dict[str, Any]:
    """A successful answer's content."""
    return {"errcode": OK, "errmsg": "", **content}


def refusal_content(refusal: Refusal) -> dict[str, Any]:
    """A failed answer's content."""
    return {"errcode": refusal.code, "errmsg": refusal.text}


def response(content: Mapping[str, Any], status: int = 200) -> Response:
    """`content` as JSON; decimals marked by :func:`wire_row` become exact JSON numbers."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(status, _MARKED.sub(r"\1", text).encode(), _JSON_HEADERS)


def read_body(body: bytes) -> Any:
    """The body as JSON with exact decimals. Raises ValueError."""
    return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def decimal_text(value: Decimal) -> str:
    """Plain notation without trailing zeros: ``12.5``, ``-3``, ``0``."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def to_decimal(value: object) -> Decimal:
    """A wire number, JSON number or numeric string, as Decimal. Raises ValueError for anything else."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise InvalidOperation  # noqa: TRY301 (the same answer as for a text that is no number)
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite() or number.adjusted() > 20 or int(number.as_tuple().exponent) < -20:
        raise ValueError(f"{value!r} is not a number U8 could keep")
    return number


def day(value: object) -> str:
    """A `yyyy-MM-dd` date as text. Raises ValueError."""
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError(f"{value!r} is not a date of the form yyyy-MM-dd")
    return date.fromisoformat(value).isoformat()


def archive_stamp(at: datetime) -> str:
    """An instant as archives show it: ``yyyy-MM-dd HH:mm:ss.f``, one decimal, local time [1]."""
    local = at.astimezone(SHANGHAI)
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 100_000}"


def archive_day(on: date) -> str:
    """A day as archives show it."""
    return f"{on.isoformat()} 00:00:00.0"


def number_style(resource: Resource, style: str) -> frozenset[str]:
    """Which numeric fields of a resource go out as JSON numbers under the switch `numbers`."""
    if style == "number":
        return resource.numeric
    return resource.as_numbers if style == "mixed" else frozenset()


def wire_row(resource: Resource, row: Row, switches: Mapping[str, Any], *, entries: bool) -> Row:
    """A record as it is sent: no empty fields (A3), numbers in the tenant's spelling, red signs in its convention."""
    as_numbers = number_style(resource, switches["numbers"])
    omitted = frozenset[str]()
    if resource is CUSTOMER:
        omitted = (CUSTOMER_EXTENSIONS - frozenset(switches["customer_extensions"])) | CUSTOMER_CHILDREN
    if _turned(resource, row, switches):
        row = negated(resource, row)
    sent = _fields(row, resource.numeric, as_numbers, omitted)
    if entries and "entry" in row:
        sent["entry"] = [_fields(line, resource.numeric, as_numbers, omitted) for line in row["entry"]]
    if switches["status_field"] and "_status" in row:
        words = {"draft": switches["state_open"], "approved": switches["state_verified"], "void": "作废"}
        sent[switches["status_field"]] = words[row["_status"]]
    return sent


def _fields(row: Row, numeric: frozenset[str], as_numbers: frozenset[str], omitted: frozenset[str]) -> Row:
    sent: Row = {}
    for name, value in row.items():
        if value is None or value == "" or name == "entry" or name[0] == "_" or name in omitted:
            continue
        if name in as_numbers:
            text = str(value)
            sent[name] = f"{_NUMBER_MARK}{text}" if "." in text else int(text)
        elif name in numeric:
            sent[name] = str(value)
        else:
            sent[name] = value
    return sent


def is_red(row: Row) -> bool:
    """Whether a sale invoice or 应收单 is a red one."""
    return row.get("isnegative") == 1 or row.get("bdebitcredit") == 0


def _turned(resource: Resource, row: Row, switches: Mapping[str, Any]) -> bool:
    """Whether the tenant shows this red record with the other sign than the books keep (the switches' defaults)."""
    if not resource.signed or not is_red(row):
        return False
    if resource.table == "saleinvoice":
        return bool(switches["red_saleinvoice_sign"] == "positive")
    return bool(switches["red_oughtreceive_sign"] == "negative")


def negated(resource: Resource, row: Row) -> Row:
    """A copy of a record with all its signed amounts, head and lines, of the other sign."""
    turned = {name: _minus(value) if name in resource.signed else value for name, value in row.items()}
    if "entry" in row:
        turned["entry"] = [
            {name: _minus(value) if name in resource.signed else value for name, value in line.items()}
            for line in row["entry"]
        ]
    return turned


def _minus(value: Any) -> Any:
    return value if value in (None, "") else decimal_text(-Decimal(str(value)))
