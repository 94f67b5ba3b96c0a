"""Read Zoho's lists: pages of undecoded records, their heads, deletions, fields, and contacts for their customers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from ledgerbridge.connectors._http.call import Reply
from ledgerbridge.errors import BadReply
from ledgerbridge.model.raw import Raw, Unreadable, digest_of

from .catalog import UNLISTED, Module

CONTACTS_KEY: Final = "Contacts"
"""Where a customer's contacts stand in its raw record, with the setting `contacts`: our own key, Zoho has none of that name."""
_T = TypeVar("_T")


class _Info(msgspec.Struct):
    more_records: bool
    next_page_token: str | None = None


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    info: _Info


class _Records(msgspec.Struct):
    data: list[msgspec.Raw]


class _Field(msgspec.Struct):
    api_name: str
    data_type: str = "text"


class _Fields(msgspec.Struct):
    fields: list[_Field]


class _Head(msgspec.Struct):
    id: str | int
    Modified_Time: str | None = None


class _Id(msgspec.Struct):
    id: str | int


class _Deletion(msgspec.Struct):
    id: str | int
    deleted_time: str | None = None


class _Lookup(msgspec.Struct):
    id: str | int


class _ContactHead(msgspec.Struct):
    id: str | int
    Account_Name: _Lookup | None = None


_PAGE = msgspec.json.Decoder(_Page)
_RECORDS = msgspec.json.Decoder(_Records)
_FIELDS = msgspec.json.Decoder(_Fields)
_HEAD = msgspec.json.Decoder(_Head)
_ID = msgspec.json.Decoder(_Id)
_DELETION = msgspec.json.Decoder(_Deletion)
_CONTACT = msgspec.json.Decoder(_ContactHead)


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list: its rows undecoded. `more`: there is another one; `token` leads there if it is given."""

    rows: tuple[msgspec.Raw, ...] = ()
    more: bool = False
    token: str | None = None


def _decoded(decoder: msgspec.json.Decoder[_T], reply: Reply, what: str, system: str) -> _T:
    """The body in its known form; BadReply if a reply that says success lacks what it must have."""
    try:
        return decoder.decode(reply.body)
    except msgspec.DecodeError as error:
        raise BadReply(f"{what} in an unknown form: {error}", system=system, request_id=reply.request_id) from None


def listed(reply: Reply, what: str, system: str) -> Listed:
    """The page that a list call or a query brought; empty for 204 and 304 (zoho.md 3)."""
    if reply.status in (204, 304):
        return Listed()
    page = _decoded(_PAGE, reply, f"a page of {what}", system)
    return Listed(tuple(page.data), page.info.more_records, page.info.next_page_token)


def one_record(reply: Reply, what: str, system: str) -> msgspec.Raw | None:
    """The record that a read of one brought; None for 204: unknown or deleted (zoho.md 3 [inferred])."""
    if reply.status in (204, 304):
        return None
    rows = _decoded(_RECORDS, reply, what, system).data
    if len(rows) != 1:
        raise BadReply(f"{what}: {len(rows)} records where one was asked for", system=system)
    return rows[0]


def listable_fields(reply: Reply, module: str, system: str) -> frozenset[str]:
    """The API names of the fields that a list of the module can carry (zoho.md 12)."""
    if reply.status == 204:
        return frozenset()
    found = _decoded(_FIELDS, reply, f"the fields of {module}", system).fields
    return frozenset(field.api_name for field in found if field.data_type not in UNLISTED)


@dataclass(frozen=True, slots=True)
class Head:
    """A row's id and change stamp."""

    id: str
    modified_at: datetime | None


def head(row: msgspec.Raw) -> Head | None:
    """The head of a row; None if it has no usable id. A stamp that cannot be read is none: the record is still a record."""
    try:
        found = _HEAD.decode(row)
    except msgspec.DecodeError:
        try:
            bare = _ID.decode(row)
        except msgspec.DecodeError:
            return None
        return Head(str(bare.id), None) if usable_id(bare.id) else None
    return Head(str(found.id), moment(found.Modified_Time)) if usable_id(found.id) else None


def usable_id(value: str | int) -> bool:
    """Zoho's ids are decimal numbers, as text or as numbers (zoho.md 5)."""
    text = str(value)
    return text.isascii() and text.isdigit()


def moment(text: str | None) -> datetime | None:
    """A date-time of Zoho in UTC; None for none, and for one without an offset (zoho.md 12)."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def raw_record(row: msgspec.Raw | bytes, module: Module, at: Head, now: datetime) -> Raw:
    """A record as read; its order is its stamp, so that an older reading never overwrites a newer one."""
    body = bytes(row)
    order = int(at.modified_at.timestamp() * 1000) if at.modified_at is not None else None
    return Raw(
        module.kind, module.wire_type, at.id, body, digest_of(body), now, order=order, modified_at=at.modified_at
    )


def unreadable(row: msgspec.Raw, module: Module, where: str) -> Unreadable:
    """A row that is no record."""
    return Unreadable(module.kind, module.wire_type, where, bytes(row), "the row has no usable id")


def deletion(row: msgspec.Raw, module: Module, now: datetime) -> Raw | None:
    """A deleted record, whose body is the deletion's own row; None if it names no record.

    It has no order: a record that comes back keeps its id and perhaps its stamp (zoho.md 6 [inferred]) and must be taken up.
    """
    try:
        found = _DELETION.decode(row)
    except msgspec.DecodeError:
        return None
    if not usable_id(found.id):
        return None
    body = bytes(row)
    at = moment(found.deleted_time)
    return Raw(module.kind, module.wire_type, str(found.id), body, digest_of(body), now, modified_at=at, deleted=True)


def by_account(rows: Iterable[msgspec.Raw]) -> dict[str, list[tuple[int, bytes]]]:
    """Contacts by the customer that they belong to, each list in the order of the contacts' ids. Those of nobody are left out."""
    found: dict[str, dict[int, bytes]] = {}
    for row in rows:
        try:
            contact = _CONTACT.decode(row)
        except msgspec.DecodeError:
            continue  # one that is unreadable must not take its customer with it
        if contact.Account_Name is not None and usable_id(contact.id):
            found.setdefault(str(contact.Account_Name.id), {})[int(contact.id)] = bytes(row)
    return {account: sorted(contacts.items()) for account, contacts in found.items()}


def touched(rows: Iterable[msgspec.Raw]) -> tuple[str, ...]:
    """The customers of changed contacts, each once."""
    accounts: dict[str, None] = {}
    for row in rows:
        try:
            contact = _CONTACT.decode(row)
        except msgspec.DecodeError:
            continue  # its change cannot be placed; the next full pull reads it with its customer
        if contact.Account_Name is not None and usable_id(contact.Account_Name.id):
            accounts[str(contact.Account_Name.id)] = None
    return tuple(accounts)


def with_contacts(row: msgspec.Raw, contacts: Sequence[tuple[int, bytes]]) -> bytes:
    """A customer's record with its contacts under :data:`CONTACTS_KEY`; the text of both stays as sent."""
    body = bytes(row).rstrip()
    if not body.endswith(b"}"):
        return body
    joined = b",".join(text for _, text in contacts)
    return body[:-1] + b',"' + CONTACTS_KEY.encode() + b'":[' + joined + b"]}"
