"""Converters for what identifies and reaches people and companies: phones, mail, credit codes, accounts, tax invoices."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, StrictStr
from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidFormat, InvalidLength, ValidationError

from ledgerbridge.model.wirejson import WireValue

from .convert_text import as_is, as_text, one_line
from .converter import Args, Converter, Read, Setting, Write
from .wire import BLANKS, BadValue

_CHINESE_MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)
_EMAIL = re.compile(r"[^@\s\x00-\x1f,;<>]+@[^@\s\x00-\x1f,;<>]+\.[^@\s\x00-\x1f,;<>]+")
_GAPS = re.compile(rf"[{BLANKS}\-]+")


def _numbering() -> Any:
    """The library that knows telephone numbers; loaded when the first number needs it, which most runs do not."""
    import phonenumbers

    return phonenumbers


def _known_region(region: str) -> str:
    if region not in _numbering().SUPPORTED_REGIONS:
        raise ValueError(f"{region!r} is no region whose telephone numbers are known (two letters, like CN)")
    return region


class PhoneArgs(Args):
    """`region`: whose numbers have no country code. `write_as` national: such numbers are written without one."""

    region: Annotated[StrictStr, AfterValidator(_known_region)] = "CN"
    write_as: Literal["e164", "national"] = "e164"


@lru_cache(maxsize=20_000)
def _e164(text: str, region: str) -> str:
    phonenumbers = _numbering()
    try:
        found = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise BadValue(f"is no telephone number: {str(error).lower().rstrip('.')}") from None
    if found.extension:
        raise BadValue("has an extension, which a canonical phone number cannot hold")
    if not phonenumbers.is_valid_number(found):
        raise BadValue(f"is no telephone number in use (read as one of {region} where it has no country code)")
    written: str = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
    return written


def _read_phone(args: PhoneArgs, _setting: Setting) -> Read:
    region = args.region

    def read(value: Any, _item: Any, _root: Any) -> str | None:
        text = as_text(value)
        if region == "CN" and _CHINESE_MOBILE.fullmatch(text):
            return f"+86{text}"
        return _e164(text, region) if text else None

    return read


def _write_phone(args: PhoneArgs, _setting: Setting) -> Write:
    if args.write_as == "e164":
        return as_is

    def write(value: Any, _item: Any, _root: Any) -> WireValue:
        phonenumbers = _numbering()
        found = phonenumbers.parse(value)
        if phonenumbers.region_code_for_number(found) != args.region:
            return value  # type: ignore[no-any-return]
        national = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.NATIONAL)
        return "".join(character for character in national if character.isdigit())

    return write


def _read_email(_args: Args, _setting: Setting) -> Read:
    def read(value: Any, _item: Any, _root: Any) -> str | None:
        text = as_text(value)
        if not text:
            return None
        if _EMAIL.fullmatch(text) is None:
            raise BadValue("is not one e-mail address")
        name, _, domain = text.rpartition("@")
        return f"{name}@{domain.lower()}"

    return read


def _plain_write(_args: Args, _setting: Setting) -> Write:
    return as_is


@lru_cache(maxsize=20_000)
def _credit_code(text: str) -> str:
    """A valid code in canonical form; finance-formats.md 8.1."""
    compact = _GAPS.sub("", unicodedata.normalize("NFKC", text)).upper()
    try:
        uscc.validate(compact)
    except InvalidLength:
        raise BadValue(f"is no unified social credit code: {len(compact)} characters, not 18") from None
    except InvalidFormat:
        raise BadValue(
            "is no unified social credit code: a character stands where it may not (I, O, S, V and Z never)"
        ) from None
    except InvalidChecksum:
        raise BadValue("is no unified social credit code: its check character is wrong (mistyped?)") from None
    except (InvalidComponent, ValidationError):
        raise BadValue("is no unified social credit code") from None
    return compact


def _read_credit_code(_args: Args, _setting: Setting) -> Read:
    def read(value: Any, _item: Any, _root: Any) -> str | None:
        text = as_text(value)
        return _credit_code(text) if text else None

    return read


def _digits_reader(lengths: tuple[int, ...], what: str) -> Read:
    expected = " or ".join(str(length) for length in lengths)

    def read(value: Any, _item: Any, _root: Any) -> str | None:
        text = _GAPS.sub("", as_text(value))
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) in lengths):
            raise BadValue(f"is no {what}: such a thing has {expected} digits")
        return text

    return read


def _read_account(_args: Args, _setting: Setting) -> Read:
    def read(value: Any, _item: Any, _root: Any) -> str | None:
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise BadValue("is no account number as text: a number with a point has lost digits")
        return one_line(_GAPS.sub("", as_text(value)), tab=False) or None

    return read


PARTY: Mapping[str, Converter] = {
    "phone": Converter(str, PhoneArgs, _read_phone, _write_phone),
    "email": Converter(str, Args, _read_email, _plain_write),
    "credit_code": Converter(str, Args, _read_credit_code, _plain_write),
    "tax_invoice_number": Converter(
        str, Args, lambda _args, _setting: _digits_reader((8, 20), "tax invoice number"), _plain_write
    ),
    "tax_invoice_code": Converter(
        str, Args, lambda _args, _setting: _digits_reader((10, 12), "tax invoice code"), _plain_write
    ),
    "account": Converter(str, Args, _read_account, _plain_write),
}
