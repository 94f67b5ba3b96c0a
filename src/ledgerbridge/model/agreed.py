"""What both sides of a flow last agreed on: the base of the three-way merge.

A base has two values, one per side. They are the same where the sides say the same. They differ where a side cannot hold what
the other says (a text cut short, a rate with fewer decimals), or where a person let a difference stand: it then counts as
unchanged until one side really changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from pydantic import JsonValue


class Unset(Enum):
    """The type of :data:`UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""A side says nothing about a field. Not the same as saying that it is empty, which is None."""

Value: TypeAlias = "JsonValue | Unset"


class Base(NamedTuple):
    """A field's last agreed value, as each side said it."""

    left: Value
    right: Value


Bases: TypeAlias = Mapping[str, Base]


def bases_to_json(bases: Bases) -> str:
    """The stored form: values on which both sides are one are kept once. The same bases give the same text."""
    both: dict[str, JsonValue] = {}
    apart: dict[str, JsonValue] = {}
    for path, (left, right) in bases.items():
        if left == right and not isinstance(left, Unset):
            both[path] = left
        else:
            apart[path] = [[] if isinstance(side, Unset) else [side] for side in (left, right)]
    stored: dict[str, JsonValue] = {"both": both}
    if apart:
        stored["apart"] = apart
    return json.dumps(stored, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def bases_from_json(text: str) -> dict[str, Base]:
    """What :func:`bases_to_json` wrote."""
    stored = json.loads(text)
    bases = {path: Base(value, value) for path, value in stored["both"].items()}
    for path, (left, right) in stored.get("apart", {}).items():
        bases[path] = Base(left[0] if left else UNSET, right[0] if right else UNSET)
    return bases
