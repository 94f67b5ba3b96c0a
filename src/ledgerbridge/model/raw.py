"""One record as a far side spelled it, and what comes back when one is written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from .base import Kind, Ref, Version
from .wirejson import WireError, WireValue, loads


def digest_of(body: bytes) -> bytes:
    """The hash by which an unchanged record is recognised: 16 bytes of BLAKE2b."""
    return hashlib.blake2b(body, digest_size=16).digest()


class Raw(msgspec.Struct, frozen=True):
    """One record as read, kept for evidence and replay. `body` is its JSON text in UTF-8, exactly as sent.

    `wire_type` names the vendor's object (`saleinvoice`, `AccountObj`, …) and picks the mapping. `digest` is
    :func:`digest_of` of whatever the connector holds to be the content (the body, unless a part of it is volatile).
    `deleted`: the far side says that the record is gone; the body may then be ``b"{}"``. A struct, because making a frozen
    dataclass costs seven times as much, and a pull makes one for every record it reads.
    """

    kind: Kind
    wire_type: str
    external_id: str
    body: bytes
    digest: bytes
    fetched_at: datetime
    order: int | None = None
    modified_at: datetime | None = None
    deleted: bool = False

    def payload(self) -> Mapping[str, WireValue]:
        """The body decoded; WireError if it is no JSON object."""
        value = loads(self.body)
        if not isinstance(value, dict):
            raise WireError(f"a record must be a JSON object, not {type(value).__name__}")
        return value


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something in a page that is no record: no id, or no object. `where` says its place; `body` is its text as sent."""

    kind: Kind
    wire_type: str
    where: str
    body: bytes
    why: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a far side gave back for one write."""

    ref: Ref
    version: Version | None
    request_id: str | None
