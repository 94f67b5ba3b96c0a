"""What a tenant says about its own objects: fields, options, which are unique (fxiaoke.md 6). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from ledgerbridge.connectors._http.call import Reply
from ledgerbridge.errors import BadReply

from .codec import envelope


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """One field. `options` are value → label of a picklist."""

    api_name: str
    label: str
    type: str
    required: bool
    unique: bool
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """One object with its active fields by API name."""

    api_name: str
    label: str
    fields: Mapping[str, FieldFacts]

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that are no active field."""
        return sorted(set(names) - set(self.fields))


class _Option(msgspec.Struct):
    value: str | int | bool | None = None
    label: str | None = None


class _Field(msgspec.Struct):
    label: str | None = None
    type: str | None = None
    is_required: bool | None = None
    is_unique: bool | None = None
    is_active: bool | None = None
    options: list[_Option] | None = None


class _Describe(msgspec.Struct):
    fields: dict[str, _Field]
    label: str | None = None
    display_name: str | None = None


class _Data(msgspec.Struct):
    describe: _Describe


def read_describe(reply: Reply, api_name: str, system: str) -> ObjectFacts:
    """The facts of an object; BadReply if the answer says success but describes nothing."""
    root = envelope(reply)
    try:
        found = msgspec.json.decode(root.data, type=_Data).describe
    except msgspec.DecodeError:
        raise BadReply(f"the description of {api_name} is none", system=system, request_id=root.trace_id) from None
    fields = {name: _facts(name, field) for name, field in found.fields.items() if field.is_active is not False}
    return ObjectFacts(api_name, found.display_name or found.label or api_name, fields)


def _facts(name: str, field: _Field) -> FieldFacts:
    options = {str(one.value): one.label or "" for one in field.options or () if one.value is not None}
    return FieldFacts(
        name, field.label or name, field.type or "", bool(field.is_required), bool(field.is_unique), options
    )
