"""The JSON of Zoho CRM: exact numbers in and out, error bodies, times with an offset."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from ledgerbridge.sandbox.web import Response

JSON_TYPE = "application/json;charset=UTF-8"
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)\Z")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)\Z")


class Number(str):
    """The text of a JSON number, written as it stands: ``Number("1200.5")`` goes out as ``1200.5``."""

    __slots__ = ()


class Refused(Exception):
    """The whole request is refused; `response` says so in Zoho's words."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def problem(code: str, message: str, details: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One error object (zoho.md 10), at the top level or inside ``data[]``."""
    return {"code": code, "details": dict(details or {}), "message": message, "status": "error"}


def refused(
    status: int,
    code: str,
    message: str,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Refused:
    """The exception for a request refused as a whole, to be raised."""
    return Refused(reply(problem(code, message, details), status, headers))


def missing_param(name: str) -> Refused:
    """400 REQUIRED_PARAM_MISSING (zoho.md 3)."""
    return refused(400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", {"param_name": name})


def bad_param(name: str) -> Refused:
    """400 INVALID_DATA for a query parameter."""
    return refused(400, "INVALID_DATA", "invalid data", {"param_name": name})


def reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`value` as a JSON reply; :class:`Number` and Decimal go out exactly, a float is a TypeError."""
    return Response(status, dumps(value).encode("utf-8", "replace"), {"Content-Type": JSON_TYPE, **(headers or {})})


def nothing(status: int = 204) -> Response:
    """204 or 304: no body, no content type."""
    return Response(status)


def dumps(value: object) -> str:
    """JSON text with exact numbers."""
    parts: list[str] = []
    _write(value, parts.append)
    return "".join(parts)


def _write(value: object, put: Callable[[str], None]) -> None:
    kind = type(value)
    if kind is Number:
        put(str(value))
    elif kind is str:
        put(encode_basestring(str(value)))
    elif value is None:
        put("null")
    elif value is True or value is False:
        put("true" if value else "false")
    elif isinstance(value, dict):
        separator = "{"
        for key, item in value.items():
            put(f"{separator}{encode_basestring(key)}:")
            _write(item, put)
            separator = ","
        put("}" if value else "{}")
    elif isinstance(value, list | tuple):
        separator = "["
        for item in value:
            put(separator)
            _write(item, put)
            separator = ","
        put("]" if value else "[]")
    elif isinstance(value, Decimal):
        put(number_text(value))
    elif isinstance(value, int):
        put(str(int(value)))
    elif isinstance(value, str):
        put(encode_basestring(value))
    else:
        raise TypeError(f"{kind.__name__} has no exact JSON form")


def loads(body: bytes) -> Any:
    """A request body with Decimals for fractions; 400 UNABLE_TO_PARSE_DATA_TYPE (zoho.md 10) if it is no JSON."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, InvalidOperation, RecursionError):
        raise refused(
            400, "UNABLE_TO_PARSE_DATA_TYPE", "either the request body or parameters is in wrong format"
        ) from None


def _no_constant(name: str) -> None:
    raise ValueError(name)


def number_text(value: Decimal) -> str:
    """Plain decimal text without trailing zeros: ``1200.50`` is ``1200.5``, minus zero is ``0``."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def rounded(value: Decimal, places: int) -> Decimal:
    """Half up at `places` decimals, as Zoho works out totals (zoho.md 12 [inferred])."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def stamp(moment: datetime) -> str:
    """A moment as the books hold it: UTC, whole seconds; such texts sort as the moments do."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def parse_stamp(text: str) -> str | None:
    """A date-time with an offset as books text, or None if it is none (without an offset it is none)."""
    if not _STAMP.match(text):
        return None
    try:
        return stamp(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def parse_header_stamp(text: str) -> str | None:
    """A date-time of a header: ISO 8601 with an offset, or an HTTP-date (zoho.md 3)."""
    found = parse_stamp(text.strip())
    if found is not None:
        return found
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return stamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


@lru_cache(maxsize=8)
def _zone(offset: str) -> timezone:
    found = _OFFSET.match(offset)
    if not found:
        raise ValueError(f"the switch utc_offset must look like +08:00, not {offset!r}")
    minutes = int(found[2]) * 60 + int(found[3])
    return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))


@lru_cache(maxsize=4096)
def local(text: str, offset: str) -> str:
    """A moment of the books as a reader with `offset` sees it."""
    return datetime.fromisoformat(text).astimezone(_zone(offset)).isoformat()


def later(text: str, seconds: float) -> str:
    """A moment of the books moved by `seconds`."""
    return stamp(datetime.fromisoformat(text) + timedelta(seconds=seconds))
