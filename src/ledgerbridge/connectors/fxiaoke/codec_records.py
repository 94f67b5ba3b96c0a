"""Read rows: pages, heads, records with the rows that belong to them (fxiaoke.md 4, 6, 8). Pure.

A record's ``body`` is the row as it was sent. For an object with linked rows two members are added at its end:
``details`` (API name → rows as sent, in the order of their `_id`, as ``data.details`` of a create has them) and, if there are
any, ``void_details`` with those of its linked rows that are 作废.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import msgspec

from ledgerbridge.connectors._http.call import Reply
from ledgerbridge.errors import BadReply
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw, Unreadable, digest_of

from .codec import envelope
from .settings import LinkedObject

Rows: TypeAlias = Sequence[msgspec.Raw]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ID_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Resource:
    """One object that is read as a kind. `main`: its ids stand alone; others of the kind name their object (``RefundObj:…``)."""

    kind: Kind
    api_name: str
    wire_type: str
    linked: tuple[LinkedObject, ...]
    found_by: tuple[str, ...]
    main: bool = True

    def external_id(self, row_id: str) -> str:
        """The id within the kind."""
        return row_id if self.main else f"{self.api_name}:{row_id}"

    @property
    def signature(self) -> str:
        """Changes when records of the object begin to look different because other rows are read along."""
        return f"{self.api_name}({','.join(sorted(one.object for one in self.linked))})"


class _Data(msgspec.Struct, rename="camel"):
    data_list: list[msgspec.Raw] | None = None


class _Head(msgspec.Struct, rename={"row_id": "_id"}):
    row_id: str
    last_modified_time: int | None = None
    version: int | str | None = None
    life_status: str | None = None


class _LooseHead(msgspec.Struct, rename={"row_id": "_id"}):
    row_id: msgspec.Raw = msgspec.Raw(b"")
    last_modified_time: msgspec.Raw = msgspec.Raw(b"")
    version: msgspec.Raw = msgspec.Raw(b"")
    life_status: msgspec.Raw = msgspec.Raw(b"")


_DATA: Final = msgspec.json.Decoder(_Data)
_HEAD: Final = msgspec.json.Decoder(_Head)
_LOOSE: Final = msgspec.json.Decoder(_LooseHead)


@dataclass(frozen=True, slots=True)
class Head:
    """What of a row is needed before anything is mapped. `modified_ms` is the vendor's stamp, epoch milliseconds."""

    row_id: str
    modified_ms: int | None
    version: int | None
    life_status: str | None

    @property
    def is_void(self) -> bool:
        """作废."""
        return self.life_status == "invalid"


def read_rows(reply: Reply, api_name: str, system: str) -> list[msgspec.Raw]:
    """The rows of a query's answer; BadReply if it says success but has no list."""
    root = envelope(reply)
    try:
        rows = _DATA.decode(root.data).data_list if bytes(root.data) else None
    except msgspec.DecodeError:
        rows = None
    if rows is None:
        raise BadReply(f"a page of {api_name} without its dataList", system=system, request_id=root.trace_id)
    return rows


def read_row(reply: Reply, api_name: str, system: str) -> msgspec.Raw:
    """The row of a get's answer; BadReply if it says success but has none."""
    root = envelope(reply)
    if not bytes(root.data).startswith(b"{"):
        raise BadReply(f"a {api_name} was asked for, the answer has none", system=system, request_id=root.trace_id)
    return root.data


def head(row: msgspec.Raw) -> Head | None:
    """The head of a row; None if it has no usable id. Other faults of a row are for its mapping to find."""
    try:
        found = _HEAD.decode(row)
    except msgspec.DecodeError:
        return _loose(row)
    if not _usable(found.row_id):
        return None
    return Head(found.row_id, found.last_modified_time, _whole(found.version), found.life_status)


def _loose(row: msgspec.Raw) -> Head | None:
    try:
        found = _LOOSE.decode(row)
    except msgspec.DecodeError:
        return None
    row_id, status = _plain(found.row_id), _plain(found.life_status)
    if not isinstance(row_id, str) or not _usable(row_id):
        return None
    modified, version = _whole(_plain(found.last_modified_time)), _whole(_plain(found.version))
    return Head(row_id, modified, version, status if isinstance(status, str) else None)


def _plain(value: msgspec.Raw) -> Any:
    """A text or whole number; None for anything else."""
    try:
        return msgspec.json.decode(value, type=str | int) if bytes(value) else None
    except msgspec.DecodeError:
        return None


def _usable(row_id: str) -> bool:
    return 0 < len(row_id) <= _ID_MAX and row_id.isascii() and row_id.isprintable() and " " not in row_id


def _whole(value: object) -> int | None:
    """Versions are numbers or numeric texts (fxiaoke.md 6)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def moment(ms: int | None) -> datetime | None:
    """A stamp of the vendor; None if it is none."""
    try:
        return None if ms is None else _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return None


class Grouped:
    """The linked rows of a page of records, by record."""

    def __init__(self, linked: Sequence[LinkedObject]) -> None:
        self._linked = tuple(linked)
        self._rows: dict[str, dict[str, tuple[list[bytes], list[bytes]]]] = {}

    def add(self, api_name: str, parent: str, row: msgspec.Raw, at: Head) -> None:
        """One linked row of the record `parent`; rows come in the order of their `_id`."""
        live, void = self._rows.setdefault(parent, {}).setdefault(api_name, ([], []))
        (void if at.is_void else live).append(bytes(row))

    def body(self, row: msgspec.Raw, row_id: str) -> bytes:
        """The record: the row as sent with its linked rows at the end."""
        sent = bytes(row)
        if not self._linked:
            return sent
        of = self._rows.get(row_id, {})
        details = {one.object: of.get(one.object, ([], []))[0] for one in self._linked}
        voids = {one.object: of[one.object][1] for one in self._linked if one.object in of and of[one.object][1]}
        added = b',"details":' + _joined(details)
        if voids:
            added += b',"void_details":' + _joined(voids)
        return sent[:-1] + added + b"}"


def _joined(rows: Mapping[str, Sequence[bytes]]) -> bytes:
    return b"{" + b",".join(b'"%s":[%s]' % (name.encode(), b",".join(found)) for name, found in rows.items()) + b"}"


class ParentHead:
    """Reads which record a linked row belongs to."""

    def __init__(self, linked: LinkedObject) -> None:
        made = msgspec.defstruct("_Parent", [("parent", str)], rename={"parent": linked.parent_field})
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(made)

    def of(self, row: msgspec.Raw) -> str | None:
        """The id of the record; None if the row names none."""
        try:
            return self._decoder.decode(row).parent or None
        except msgspec.DecodeError:
            return None


def raw_record(resource: Resource, at: Head, body: bytes, now: datetime) -> Raw:
    """A record as read. `version` orders its states; the rolled-up fields of a row may change without it."""
    return Raw(
        resource.kind,
        resource.wire_type,
        resource.external_id(at.row_id),
        body,
        digest_of(body),
        now,
        order=at.version,
        modified_at=moment(at.modified_ms),
    )


def unreadable(resource: Resource, api_name: str, row: msgspec.Raw, where: str, why: str) -> Unreadable:
    """A row that is no record."""
    return Unreadable(resource.kind, resource.wire_type, f"{api_name} {where}", bytes(row), why)
