"""From a record as sent to a canonical one: what a pull asks of a mapping, and nothing more of it than that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

from ledgerbridge.mapping.apply import from_canonical
from ledgerbridge.model.base import Frozen, Kind
from ledgerbridge.model.problem import Problem
from ledgerbridge.model.raw import Raw
from ledgerbridge.model.wirejson import WireError

from .columns import Columns, columns_of

TOGETHER_MIN: Final = 4
"""Fewer records are mapped sooner one by one."""


class Accepted:
    """A canonical record, its canonical bytes, its columns, and what was left out or is worth knowing."""

    __slots__ = ("_columns", "_record", "canonical", "notices")

    def __init__(
        self,
        record: Frozen | Callable[[], Frozen],
        canonical: bytes,
        notices: tuple[Problem, ...] = (),
        *,
        columns: Columns | None = None,
    ) -> None:
        """`record` may be what makes it: storing needs its bytes and columns alone."""
        self._record, self._columns = record, columns
        self.canonical, self.notices = canonical, notices

    @property
    def record(self) -> Frozen:
        """The record."""
        if not isinstance(self._record, Frozen):
            self._record = self._record()
        return self._record

    @property
    def columns(self) -> Columns:
        """What of it is stored in columns."""
        return columns_of(self.record) if self._columns is None else self._columns

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Accepted):
            return NotImplemented
        mine, others = (self.canonical, self.notices), (other.canonical, other.notices)
        return mine == others and self.record == other.record

    __hash__ = None  # type: ignore[assignment]  # equal ones are found by looking, never by a hash

    def __repr__(self) -> str:
        return f"Accepted({self.record!r}, {self.canonical!r}, {self.notices!r})"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that cannot be mapped, with everything that is wrong with it."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A record that is not wanted, and why."""

    reason: str


Decoded: TypeAlias = "Accepted | Rejected | LeftOut"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Records that were mapped together. `at`: the places of those without problems or notices among all that were given.

    `canonical`: their canonical bytes; `columns`: what of them is stored in columns, in the order of
    :class:`~ledgerbridge.sync.columns.Columns`, one sequence for each. `others`: what became of each of the rest, by place.
    """

    kind: Kind
    at: Sequence[int]
    canonical: Sequence[bytes]
    columns: Sequence[Sequence[Any]]
    others: Mapping[int, Decoded]

    def each(self) -> list[Decoded]:
        """What became of every record, in order."""
        found = dict(self.others)
        for at, canonical, row in zip(self.at, self.canonical, zip(*self.columns, strict=True), strict=True):
            record = partial(from_canonical, self.kind, canonical)
            found[at] = Accepted(record, canonical, columns=Columns._make(row))
        return [found[at] for at in range(len(found))]


class Decode(Protocol):
    """How the records of one stream are mapped. Pure: the same record always gives the same answer.

    `fingerprint` changes whenever the answer may: by it a pull notices that a mapping was edited and maps the stored
    records anew.
    """

    @property
    def fingerprint(self) -> str:
        """Of the mappings and filters."""
        ...

    def __call__(self, raw: Raw) -> Decoded:
        """Map one record; never raises for what is in it."""
        ...


@runtime_checkable
class DecodesTogether(Protocol):
    """A Decode that maps many records for less than one by one."""

    def together(self, kind: Kind, raws: Sequence[Raw]) -> Stretch:
        """Map records of one kind and wire type; the answers are those for each by itself."""
        ...


def decoded_together(decode: Decode, kind: Kind, raws: Sequence[Raw]) -> Stretch:
    """Map records of one kind and wire type."""
    if isinstance(decode, DecodesTogether):
        return decode.together(kind, raws)
    return Stretch(kind, (), (), (), {at: decode(raw) for at, raw in enumerate(raws)})


@dataclass(frozen=True, slots=True)
class DecodeWith:
    """A Decode of one function per wire type, with an optional filter over canonical records (its reason, or None to keep).

    `quickly`: per wire type a function that maps, of many records, those in which nothing is unusual.

    A wire type without a function is rejected, a text that is no JSON object likewise, and so is a record over which a
    function fails: one record stops nothing but itself.
    """

    by_wire_type: Mapping[str, Callable[[Raw], Decoded]]
    fingerprint: str
    leave_out: Callable[[Frozen], str | None] | None = None
    quickly: Mapping[str, Callable[[Sequence[Raw]], Stretch]] = field(default_factory=dict)

    def together(self, kind: Kind, raws: Sequence[Raw]) -> Stretch:
        """Map records of one wire type."""
        quick = self.quickly.get(raws[0].wire_type) if self.leave_out is None and len(raws) >= TOGETHER_MIN else None
        if quick is None:
            return Stretch(kind, (), (), (), {at: self(raw) for at, raw in enumerate(raws)})
        try:
            found = quick(raws)
        except Exception:  # noqa: BLE001 (a defect in a converter: one record stops nothing but itself)
            return Stretch(kind, (), (), (), {at: self(raw) for at, raw in enumerate(raws)})
        taken = set(found.at)
        others = {at: self(raw) for at, raw in enumerate(raws) if at not in taken} if len(taken) < len(raws) else {}
        return replace(found, others=others)

    def __call__(self, raw: Raw) -> Decoded:
        """Map one record."""
        found = self.by_wire_type.get(raw.wire_type)
        if found is None:
            known = ", ".join(sorted(self.by_wire_type)) or "none"
            return _rejected(raw, "wire_type", f"there is no mapping for {raw.wire_type!r} (mapped: {known}); add one")
        try:
            decoded = found(raw)
        except WireError as error:
            return _rejected(raw, "json", f"the record is no JSON object that can be read: {error}")
        except Exception as error:  # noqa: BLE001 (a defect in a converter must not stop the other records)
            return _rejected(
                raw, "mapping", f"the mapping failed with {type(error).__name__}; this is a defect to report"
            )
        if self.leave_out is not None and isinstance(decoded, Accepted):
            reason = self.leave_out(decoded.record)
            if reason is not None:
                return LeftOut(reason)
        return decoded


def _rejected(raw: Raw, rule: str, why: str) -> Rejected:
    return Rejected((Problem(field="record", wire=raw.wire_type[:200], value="", rule=rule, why=why),))
