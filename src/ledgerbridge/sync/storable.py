"""Which records both databases can keep under their id and version."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw, Unreadable

_ID_MAX: Final = 400
_ORDER_MAX: Final = 2**63 - 1


def all_storable(records: Iterable[Raw]) -> bool:
    """Whether every id can be a key in both databases; a cheap look at all of them at once."""
    ids = [raw.external_id for raw in records]
    try:
        text = "\n".join(ids).encode()
    except UnicodeEncodeError:
        return False
    if b"\x00" in text or "" in ids or (ids and max(map(len, ids)) > _ID_MAX):
        return False
    return all(raw.order is None or -_ORDER_MAX <= raw.order <= _ORDER_MAX for raw in records)


def unstorable(raw: Raw) -> str | None:
    """Why a record cannot be stored, None if it can."""
    if not raw.external_id:
        return "the record has an empty id"
    if len(raw.external_id) > _ID_MAX:
        return f"the record's id has {len(raw.external_id)} characters, {_ID_MAX} are the most there can be"
    if not all_storable((raw,)):
        return "the record's id or version holds what no database can keep (a NUL, half a character, a number beyond 64 bits)"
    return None


def as_unreadable(raw: Raw, kind: Kind, why: str) -> Unreadable:
    """A record as what cannot be one of its stream."""
    return Unreadable(kind, raw.wire_type, f"record {ascii(raw.external_id)[:120]}", raw.body, why)
