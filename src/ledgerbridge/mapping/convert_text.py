"""Converters for text: keys, lines, several lines, words of a list, yes and no, and the shapes vendors wrap texts in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictStr

from ledgerbridge.model.wirejson import WireError, WireValue, dumps, loads

from .converter import Args, Converter, Read, Setting, Write
from .spec import Numbers
from .wire import BLANKS, BadValue, plain, shape

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_BUT_TAB = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BLANK_RUN = re.compile(rf"[{BLANKS}]+")


def as_text(value: Any) -> str:
    """A text, or a number as text, trimmed. BadValue for anything else."""
    if type(value) is str:
        return value.strip(BLANKS)
    if type(value) is int:
        return str(value)
    if type(value) is Decimal:
        text = plain(value)
        assert text is not None
        return text
    raise BadValue(f"is {shape(value)}, not text")


def one_line(text: str, *, tab: bool) -> str:
    """`text`, or BadValue if it holds a control character; `tab` allows tabs inside."""
    if not text.isprintable():
        found = (_CONTROL_BUT_TAB if tab else _CONTROL).search(text)
        if found:
            if found[0] in "\r\n\x0b\x0c":
                raise BadValue("has more than one line (args: {fold: true} of the converter 'line' would join them)")
            raise BadValue(f"holds the control character U+{ord(found[0]):04X}; remove it at the source")
    return text


class KeyArgs(Args):
    """`write_as` number: the wire wants an integer."""

    write_as: Numbers = Numbers.TEXT


def _read_key(_args: KeyArgs, _setting: Setting) -> Read:
    def read(value: Any, _item: Any, _root: Any) -> str | None:
        if type(value) is str:
            text = value.strip(BLANKS)
            if text.isprintable():
                return text or None
        if type(value) is Decimal and value != int(value):
            raise BadValue("is a number with decimals, not a code")
        return one_line(as_text(value), tab=False) or None

    return read


def _write_key(args: KeyArgs, _setting: Setting) -> Write:
    return as_integer if args.write_as is Numbers.NUMBER else as_is


def as_is(value: Any, _item: Any, _root: Any) -> WireValue:
    """The canonical value itself."""
    return value  # type: ignore[no-any-return]


def as_integer(value: Any, _item: Any, _root: Any) -> WireValue:
    """A code of digits as a number; BadValue if a digit would be lost."""
    if not (value.isascii() and value.isdigit() and str(int(value)) == value):
        raise BadValue("cannot be written as a number without loss")
    return int(value)


class LineArgs(Args):
    """`fold`: runs of blanks and line breaks become one space."""

    fold: StrictBool = False


def _read_line(args: LineArgs, setting: Setting) -> Read:
    nothing = "" if setting.blank_ok else None
    if args.fold:
        return lambda value, _item, _root: one_line(_BLANK_RUN.sub(" ", as_text(value)), tab=True) or nothing

    def read(value: Any, _item: Any, _root: Any) -> str | None:
        if type(value) is str:
            text = value.strip(BLANKS)
            if text.isprintable():
                return text or nothing
        return one_line(as_text(value), tab=True) or nothing

    return read


def _read_text(_args: Args, setting: Setting) -> Read:
    nothing = "" if setting.blank_ok else None

    def read(value: Any, _item: Any, _root: Any) -> str | None:
        text = as_text(value)
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if "\x00" in text:
            raise BadValue("holds the control character U+0000; remove it at the source")
        return text or nothing

    return read


def _write_as_is(_args: Args, _setting: Setting) -> Write:
    return as_is


def _read_enum(_args: Args, setting: Setting) -> Read:
    assert setting.enum is not None
    members: Mapping[str, StrEnum] = {member.value: member for member in setting.enum}

    def read(value: Any, _item: Any, _root: Any) -> StrEnum | None:
        text = as_text(value)
        if text and text not in members:
            raise BadValue(f"is none of {', '.join(members)}")
        return members[text] if text else None

    return read


def _write_enum(_args: Args, _setting: Setting) -> Write:
    return lambda value, _item, _root: str(value.value)


_TRUE = frozenset({"true", "1", "y", "yes", "t", "是", "有"})
_FALSE = frozenset({"false", "0", "n", "no", "f", "否", "无", "無"})


class BooleanForm(StrEnum):
    """How yes and no are written."""

    BOOLEAN = "boolean"
    NUMBER = "number"
    TEXT = "text"
    LETTER = "letter"
    CHINESE = "chinese"


_WRITTEN: Mapping[BooleanForm, tuple[WireValue, WireValue]] = {
    BooleanForm.BOOLEAN: (True, False),
    BooleanForm.NUMBER: (1, 0),
    BooleanForm.TEXT: ("1", "0"),
    BooleanForm.LETTER: ("Y", "N"),
    BooleanForm.CHINESE: ("是", "否"),
}


class BooleanArgs(Args):
    """How yes and no are written."""

    write_as: BooleanForm = BooleanForm.BOOLEAN


def _read_boolean(_args: BooleanArgs, _setting: Setting) -> Read:
    def read(value: Any, _item: Any, _root: Any) -> bool | None:
        if type(value) is bool:
            return value
        text = as_text(value).casefold()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        if text:
            raise BadValue("is neither yes nor no")
        return None

    return read


def _write_boolean(args: BooleanArgs, _setting: Setting) -> Write:
    yes, no = _WRITTEN[args.write_as]
    return lambda value, _item, _root: yes if value else no


class LookupArgs(Args):
    """`key`: under which name the object holds the id."""

    key: Annotated[StrictStr, Field(min_length=1)] = "id"


def _read_lookup(args: LookupArgs, _setting: Setting) -> Read:
    key = args.key

    def read(value: Any, _item: Any, _root: Any) -> str | None:
        if isinstance(value, dict):
            value = value.get(key)
            if value is None:
                return None
        return one_line(as_text(value), tab=False) or None

    return read


def _write_lookup(args: LookupArgs, _setting: Setting) -> Write:
    key = args.key
    return lambda value, _item, _root: {key: value}


def _read_list_of_one(_args: Args, _setting: Setting) -> Read:
    def read(value: Any, _item: Any, _root: Any) -> str | None:
        if isinstance(value, list):
            if len(value) > 1:
                raise BadValue(f"holds {len(value)} values where one belongs")
            value = value[0] if value else None
        return None if value is None else one_line(as_text(value), tab=True) or None

    return read


def _write_list_of_one(_args: Args, _setting: Setting) -> Write:
    return lambda value, _item, _root: [value]


class JoinArgs(Args):
    """`separator` between the parts; `paths`: the parts' wire paths, in place of one wire path that is a list."""

    separator: Annotated[StrictStr, Field(max_length=10)] = ", "
    sources: Annotated[tuple[StrictStr, ...], Field(alias="paths")] = ()

    def paths(self) -> tuple[str, ...]:
        """The parts."""
        return self.sources

    def reversible(self) -> bool:
        """A list can be split again where the separator is known; fields cannot be told apart."""
        return not self.sources and bool(self.separator)

    def needs_wire(self) -> bool:
        """Only without `paths`."""
        return not self.sources


def _read_join(args: JoinArgs, setting: Setting) -> Read:
    getters = [setting.path(path) for path in args.sources]
    separator = args.separator

    def read(value: Any, item: Any, _root: Any) -> str | None:
        parts = [get(item) for get in getters] if getters else value if isinstance(value, list) else [value]
        texts = [as_text(part) for part in parts if isinstance(part, str | int | Decimal | list | dict)]
        return one_line(separator.join(text for text in texts if text), tab=True) or None

    return read


def _write_join(args: JoinArgs, _setting: Setting) -> Write:
    separator = args.separator

    def write(value: Any, _item: Any, _root: Any) -> Any:
        parts = [part.strip(BLANKS) for part in value.split(separator)]
        # a text that reading would not put together again in the same way is one element of the list
        return parts if separator.join(part for part in parts if part) == value else [value]

    return write


def _read_custom(_args: Args, _setting: Setting) -> Read:
    def read(value: Any, _item: Any, _root: Any) -> str | int | bool:
        if isinstance(value, float):
            raise BadValue("is a binary float: the connector has to read numbers as decimals")
        if isinstance(value, bool | int):
            return value
        text = dumps(value) if isinstance(value, dict | list) else str(value).strip(BLANKS)
        if "\x00" in text:
            raise BadValue("holds the control character U+0000; remove it at the source")
        return text

    return read


def _write_custom(_args: Args, _setting: Setting) -> Write:
    def write(value: Any, _item: Any, _root: Any) -> WireValue:
        if isinstance(value, str) and value[:1] in ("{", "["):
            try:
                return loads(value.encode())
            except WireError:
                return value
        return value  # type: ignore[no-any-return]

    return write


TEXT: Mapping[str, Converter] = {
    "key": Converter(str, KeyArgs, _read_key, _write_key),
    "line": Converter(str, LineArgs, _read_line, _write_as_is),
    "text": Converter(str, Args, _read_text, _write_as_is),
    "enum": Converter(str, Args, _read_enum, _write_enum),
    "boolean": Converter(bool, BooleanArgs, _read_boolean, _write_boolean),
    "lookup": Converter(str, LookupArgs, _read_lookup, _write_lookup),
    "list_of_one": Converter(str, Args, _read_list_of_one, _write_list_of_one),
    "join": Converter(str, JoinArgs, _read_join, _write_join, whole=True),
    "custom": Converter(object, Args, _read_custom, _write_custom),
}
