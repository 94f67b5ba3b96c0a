"""Wire paths: grammar, reading and writing. ``a.b``, ``a[0].b``, ``a[*].b``, ``a[type=2].b``, ``.``; odd keys in backticks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from ledgerbridge.model.wirejson import WireValue

from .wire import ABSENT, Gap, WireDict, plain


@dataclass(frozen=True, slots=True)
class Every:
    """Every element of a list; with a key only those whose value there is `value`, compared as text."""

    key: str | None = None
    value: str = ""

    def takes(self, element: Any) -> bool:
        """Whether an element is one of them."""
        return self.key is None or (isinstance(element, dict) and plain(element.get(self.key)) == self.value)


EVERY = Every()

Step: TypeAlias = "str | int | Every"
"""A key, an index, or every element."""
Path: TypeAlias = tuple[Step, ...]
Getter: TypeAlias = Callable[[Any], "WireValue | Gap"]

_SEGMENT = re.compile(r"(?:`(?P<quoted>[^`]+)`|(?P<key>[^.\[\]`]+))(?P<indexes>(?:\[(?:\*|\d{1,4}|\w+=[^\[\]=`]+)\])*)")
_INDEX = re.compile(r"\[([^\]]+)\]")


def parse(text: str, *, ignore_case: bool = False) -> Path:
    """The steps of a path; ``.`` alone is the value itself. ValueError says what is wrong."""
    if text == ".":
        return ()
    steps: list[Step] = []
    position = 0
    while True:
        match = _SEGMENT.match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is no wire path (a key with a dot or bracket stands in backticks)")
        key = match["quoted"] or match["key"]
        steps.append(key.lower() if ignore_case else key)
        for index in _INDEX.findall(match["indexes"]):
            steps.append(_index(index, ignore_case=ignore_case))
        position = match.end()
        if position == len(text):
            return tuple(steps)
        if text[position] != "." or position + 1 == len(text):
            raise ValueError(f"{text!r} is no wire path (a key with a dot or bracket stands in backticks)")
        position += 1


def _index(text: str, *, ignore_case: bool) -> Step:
    if text == "*":
        return EVERY
    key, equals, value = text.partition("=")
    return Every(key.lower() if ignore_case else key, value.strip()) if equals else int(text)


def many(path: Path) -> bool:
    """Whether `path` may mean several values."""
    return any(isinstance(step, Every) for step in path)


def getter(path: Path) -> Getter:
    """A function that reads one value, ABSENT if it is not there. For a path that may mean several: the list of all there are."""
    if many(path):

        def read_all(value: Any) -> Any:
            return _all(value, path, 0)

        return read_all
    if len(path) == 1 and isinstance(path[0], str):
        key = path[0]

        def read_key(value: Any) -> Any:
            return value.get(key, ABSENT) if isinstance(value, dict) else ABSENT

        return read_key
    if len(path) == 2 and isinstance(path[0], str) and isinstance(path[1], str):
        outer, inner = path

        def read_inner(value: Any) -> Any:
            below = value.get(outer, ABSENT) if isinstance(value, dict) else ABSENT
            return below.get(inner, ABSENT) if isinstance(below, dict) else ABSENT

        return read_inner

    def read(value: Any) -> Any:
        for step in path:
            value = _down(value, step)
            if value is ABSENT:
                return ABSENT
        return value

    return read


def _down(value: Any, step: Step) -> Any:
    if isinstance(step, str):
        return value.get(step, ABSENT) if isinstance(value, dict) else ABSENT
    assert isinstance(step, int)
    if isinstance(value, dict) and step == 0:
        return value  # an object where a list belongs is a list of one (yonyou.md B5)
    return value[step] if isinstance(value, list) and step < len(value) else ABSENT


def _all(value: Any, path: Path, at: int) -> list[Any] | Any:
    """Every value at the end of `path`; ABSENT if the first list itself is not there."""
    for position in range(at, len(path)):
        step = path[position]
        if isinstance(step, Every):
            if value is None:
                return []
            elements = value if isinstance(value, list) else [value]
            found: list[Any] = []
            for element in elements:
                if not step.takes(element):
                    continue
                below = _all(element, path, position + 1)
                if below is ABSENT:
                    continue
                if many(path[position + 1 :]):
                    found.extend(below)
                else:
                    found.append(below)
            return found
        value = _down(value, step)
        if value is ABSENT:
            return ABSENT
    return value


def put(body: dict[str, Any], path: Path, value: WireValue) -> None:
    """Write `value` at `path`, making what is missing: ``[0]`` the first row, ``[*]`` every row (one if there is none).

    The checks of a mapping see to it that no other rule writes something else on the way.
    """
    at: list[Any] = [body]
    for position, step in enumerate(path):
        last = position == len(path) - 1
        following: list[Any] = []
        for holder in at:
            if isinstance(step, str):
                if last:
                    holder[step] = value
                    continue
                made: Any = {} if isinstance(path[position + 1], str) else []
                following.append(holder.setdefault(step, made))
                continue
            if not holder:
                holder.append({} if last or isinstance(path[position + 1], str) else [])
            if last:
                holder[:] = [value] * len(holder) if isinstance(step, Every) else [value, *holder[1:]]
            else:
                following.extend(holder if isinstance(step, Every) else holder[:1])
        at = following


def folded(payload: WireDict, clashes: list[tuple[str, str]]) -> dict[str, Any]:
    """`payload` with every key in lower case, at all depths.

    Keys that become the same go to `clashes` unless their values are equal; the one that came first stays.
    """
    result: dict[str, Any] = {}
    for key, value in payload.items():
        low = key.lower()
        if isinstance(value, dict):
            kept: Any = folded(value, clashes)
        elif isinstance(value, list):
            kept = [folded(item, clashes) if isinstance(item, dict) else item for item in value]
        else:
            kept = value
        if low in result:
            if result[low] != kept:
                clashes.append((low, key))
        else:
            result[low] = kept
    return result
