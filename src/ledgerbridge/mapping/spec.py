"""What a mapping file says, as values: data, no closures and no behaviour. The language is told in docs/write-a-mapping.md.

Short forms of the language (a bare path for a rule, a bare list for a list of items, a bare value in a condition) are
spelled out here, so that every later step sees one form only.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, StrictBool, StrictStr, model_validator

from ledgerbridge.model.base import Frozen, Kind

Scalar: TypeAlias = "StrictStr | StrictBool | int | None"
"""A value written in a mapping file. Decimals are text there (``"0.13"``), so that no digit is lost."""

OPTION_BASE_CURRENCY = "base_currency"
"""The option that every mapping has without declaring it: the currency of the company's books."""


class Part(Frozen):
    """A piece of a mapping: frozen, nothing undeclared; lists become tuples and words become enum members."""

    model_config = ConfigDict(strict=False)


class Write(StrEnum):
    """When a rule writes."""

    ALWAYS = "always"
    CREATE = "create"
    NEVER = "never"


class OnProblem(StrEnum):
    """What becomes of a record with a value that cannot be read."""

    QUARANTINE = "quarantine"
    OMIT = "omit"


class Keys(StrEnum):
    """How wire keys are compared."""

    EXACT = "exact"
    IGNORE_CASE = "ignore_case"


class Absent(StrEnum):
    """What an absent wire field means."""

    UNKNOWN = "unknown"
    EMPTY = "empty"


class Clear(StrEnum):
    """What is written for a field that shall be empty."""

    NULL = "null"
    TEXT = "text"
    OMIT = "omit"


class Numbers(StrEnum):
    """How numbers are written."""

    NUMBER = "number"
    TEXT = "text"


class Pick(StrEnum):
    """Which of several values a path with ``[*]`` stands for."""

    SAME = "same"
    FIRST = "first"
    LAST = "last"
    MIN = "min"
    MAX = "max"


class Is(StrEnum):
    """What a condition can ask of a wire value besides equality."""

    EMPTY = "empty"
    FILLED = "filled"
    ZERO = "zero"
    NEGATIVE = "negative"
    POSITIVE = "positive"


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


class Test(Part):
    """One test of a condition: exactly one of the three."""

    __test__ = False  # pytest: this is no test class

    one_of: Annotated[tuple[Scalar, ...], Field(min_length=1)] | None = None
    none_of: Annotated[tuple[Scalar, ...], Field(min_length=1)] | None = None
    quality: Is | None = None

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, value: Any) -> Any:
        if isinstance(value, Test):
            return value
        if not isinstance(value, dict):
            return {"one_of": _listed(value)}
        if set(value) == {"not"}:
            return {"none_of": _listed(value["not"])}
        if set(value) == {"is"}:
            return {"quality": value["is"]}
        return value

    @model_validator(mode="after")
    def _one_thing(self) -> Test:
        if sum(part is not None for part in (self.one_of, self.none_of, self.quality)) != 1:
            raise ValueError(
                "a test is a value, a list of values, {not: values} or {is: empty|filled|zero|negative|positive}"
            )
        return self


def _no_old_form(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"wire", "in"}:
        raise ValueError(f"write the path as the key: {{{value['wire']}: {value['in']}}}")
    return value


Condition = Annotated[dict[str, Test], Field(min_length=1), BeforeValidator(_no_old_form)]
"""Wire path → test; all must hold."""


class Case(Part):
    """One branch of ``cases``."""

    when: Condition
    then: Scalar


Paths = Annotated[tuple[StrictStr, ...], BeforeValidator(_listed)]
"""One wire path, or several tried in order."""


def _pairs(value: Any) -> Any:
    return list(value.items()) if isinstance(value, dict) else value


class Rule(Part):
    """One canonical field: where it lives on the wire, or how else it is found.

    Exactly one source: `wire` (with `convert` or `values`), `const`, `cases`, `first_of`, or a converter that names
    its paths in `args`.
    """

    wire: Paths = ()
    convert: StrictStr | None = None
    args: dict[str, JsonValue] = {}
    values: Annotated[tuple[tuple[Scalar, Scalar], ...] | None, BeforeValidator(_pairs)] = None
    const: Scalar = None
    cases: tuple[Case, ...] = ()
    otherwise: Scalar = Field(default=None, alias="else")
    first_of: tuple[Rule, ...] = ()
    when: Condition | None = None
    pick: Pick = Pick.SAME
    empty: tuple[Scalar, ...] = ()
    required: StrictBool = False
    default: Scalar = None
    write: Write | None = None
    on_problem: OnProblem = OnProblem.QUARANTINE
    absent: Absent | None = None
    clear_with: Clear | None = None

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, value: Any) -> Any:
        return {"wire": value} if isinstance(value, str | list | tuple) else value

    @model_validator(mode="after")
    def _one_source(self) -> Rule:
        sources = [
            name
            for name, given in (
                ("wire", bool(self.wire or self.convert)),
                ("const", self.is_const),
                ("cases", bool(self.cases)),
                ("first_of", bool(self.first_of)),
            )
            if given
        ]
        if len(sources) != 1:
            raise ValueError(
                f"a rule needs one of wire, const, cases, first_of; found {' and '.join(sources) or 'none'}"
            )
        if sources != ["wire"] and (self.convert or self.args or self.values):
            raise ValueError(f"convert, args and values go with wire, not with {sources[0]}")
        if self.values is not None and (self.convert or self.args):
            raise ValueError("a rule has either a converter or a table of values")
        return self

    @property
    def is_const(self) -> bool:
        """Whether `const` was given, be it null."""
        return "const" in self.model_fields_set


class Source(Part):
    """Where items of a list come from: every element of a wire list, or, without `wire`, one item made of header fields.

    `split`: the wire value is one text that holds several items, parted by any of these characters. `where`: elements
    that fail it are not items.
    """

    wire: Paths = ()
    split: Annotated[StrictStr, Field(min_length=1)] | None = None
    where: Condition | None = None
    fields: Annotated[dict[str, Rule], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, value: Any) -> Any:
        return value if not isinstance(value, dict) or "fields" in value else {"fields": value}

    @model_validator(mode="after")
    def _wire_for_elements(self) -> Source:
        if not self.wire and (self.split or self.where):
            raise ValueError("split and where need a wire list")
        return self


class ListRule(Part):
    """A canonical list. `distinct`: an item equal to an earlier one is dropped."""

    items: Annotated[tuple[Source, ...], Field(min_length=1)]
    distinct: StrictBool = False
    required: StrictBool = False
    write: Write | None = None
    on_problem: OnProblem = OnProblem.QUARANTINE
    absent: Absent | None = None
    clear_with: Clear | None = None

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return {"items": value}
        if isinstance(value, dict) and "items" not in value:
            source = {key: value[key] for key in ("wire", "split", "where", "fields") if key in value}
            rest = {key: part for key, part in value.items() if key not in source}
            return {"items": [source], **rest} if source else value
        return value


class Custom(Part):
    """Unknown wire fields that become custom fields under their own names. Patterns as in ``fnmatch``: ``define*``."""

    match: Annotated[tuple[StrictStr, ...], Field(min_length=1), BeforeValidator(_listed)]
    skip: tuple[StrictStr, ...] = ()
    write: Write = Write.NEVER


class Skip(Part):
    """Rows that are no business of ours, and why."""

    when: Condition
    because: Annotated[StrictStr, Field(min_length=1)]


class Sent(Part):
    """A wire field that every write carries, whatever the record says."""

    value: JsonValue
    write: Write = Write.ALWAYS

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, value: Any) -> Any:
        return value if isinstance(value, Sent | dict) else {"value": value}


class Head(Part):
    """A mapping without its fields."""

    name: Annotated[StrictStr, Field(min_length=1, max_length=120)]
    revision: Annotated[int, Field(ge=1)]
    connector: Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    kind: Kind
    wire_type: Annotated[StrictStr, Field(min_length=1, max_length=120)]
    keys: Keys = Keys.EXACT
    absent: Absent = Absent.UNKNOWN
    clear_with: Clear = Clear.NULL
    numbers: Numbers = Numbers.NUMBER
    options: dict[str, JsonValue] = {}
    skip: tuple[Skip, ...] = ()
    send: dict[str, Sent] = {}
    custom: Custom | None = None
    ignore: tuple[StrictStr, ...] = ()


class MappingSpec(Head):
    """One mapping: one kind of canonical record ↔ one object of one vendor. `fields` by canonical path, ``x[]`` for lists."""

    fields: Annotated[dict[str, Rule], Field(min_length=1)]
    lists: dict[str, ListRule] = {}

    @property
    def fingerprint(self) -> str:
        """Changes with the content, in any respect: a record read under another fingerprint has to be mapped anew."""
        text = self.model_dump_json(by_alias=True, exclude_unset=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
