"""What a converter is: a named pair of functions, wire → canonical and back, made once per rule from checked arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from ledgerbridge.model.wirejson import WireValue

from .condition import Holds, compile_condition
from .path import Getter, getter, parse
from .spec import Condition, Numbers, Part, Test

Root: TypeAlias = Mapping[str, Any]
"""The canonical record as far as it is known: amounts look up their currency in it."""

Read: TypeAlias = Callable[[Any, Any, Root], Any]
"""(wire value, the payload or element it is from, root) → canonical value, None if there is none. Raises BadValue."""

Write: TypeAlias = Callable[[Any, Any, Root], WireValue]
"""(canonical value, the wire fields as other rules write them, root) → wire value. Raises BadValue."""


class Args(Part):
    """Arguments of a converter. The three methods tell the checks what a converter does beyond its own wire path."""

    def paths(self) -> tuple[str, ...]:
        """Further wire paths that are read."""
        return ()

    def conditions(self) -> tuple[Mapping[str, Test], ...]:
        """Conditions that decide about the value."""
        return ()

    def reversible(self) -> bool:
        """Whether these arguments leave a way back."""
        return True

    def needs_wire(self) -> bool:
        """Whether the rule must have a wire path of its own."""
        return True


@dataclass(frozen=True, slots=True)
class Setting:
    """What a converter is told about its rule when it is made. `blank_ok`: the canonical field tells "" from None."""

    field: str
    zone: ZoneInfo
    base_currency: str
    numbers: Numbers = Numbers.NUMBER
    ignore_case: bool = False
    blank_ok: bool = False
    enum: type[StrEnum] | None = None

    def condition(self, condition: Condition) -> Holds:
        """`condition`, compiled."""
        return compile_condition(condition, ignore_case=self.ignore_case)

    def path(self, text: str) -> Getter:
        """A reader of the wire path `text`."""
        return getter(parse(text, ignore_case=self.ignore_case))


@dataclass(frozen=True, slots=True)
class Converter:
    """`gives` is the Python type of the canonical value. `whole`: of a path with ``[*]`` it takes the list of all values."""

    gives: type
    args: type[Args]
    reader: Callable[[Any, Setting], Read]
    writer: Callable[[Any, Setting], Write] | None = None
    whole: bool = False
