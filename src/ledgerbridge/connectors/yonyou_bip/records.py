"""Make records of what was read: details as sent, with what belongs to them from other lists under a key of its own. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from ledgerbridge.model.raw import Raw, Unreadable, digest_of

from .codec_lists import (
    CreditHead,
    CurrencyHead,
    DocumentHead,
    EventCurrency,
    EventHead,
    KeyHead,
    moment,
    plain,
    stamp_of,
)
from .resources import Resource

CREDIT: Final = "_credit"
CURRENCY: Final = "_currencyCode"

_DOCUMENT: Final = msgspec.json.Decoder(DocumentHead)
_EVENT: Final = msgspec.json.Decoder(EventHead)
_KEY: Final = msgspec.json.Decoder(KeyHead)
_LEARNED: Final = msgspec.json.Decoder(CurrencyHead)
_ASKED: Final = msgspec.json.Decoder(EventCurrency)
_TARGET: Final = msgspec.json.Decoder(CreditHead)
T = TypeVar("T")


def decoded(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw) -> T | None:
    """The head of a body; None if it has another form."""
    try:
        return decoder.decode(body)
    except msgspec.DecodeError:
        return None


def document_head(body: bytes | msgspec.Raw) -> DocumentHead | None:
    """What of a document is needed besides its content; None for a body of another form."""
    return decoded(_DOCUMENT, body)


def with_key(body: bytes, key: str, rows: Sequence[bytes]) -> bytes:
    """`body` with a list of rows under `key` behind its own fields; not a byte of either is changed."""
    inner = body.strip()[:-1].rstrip()
    comma = b"" if inner == b"{" else b","
    return b"%s%s%s:[%s]}" % (inner, comma, msgspec.json.encode(key), b",".join(rows))


def with_text(body: bytes, key: str, text: str) -> bytes:
    """`body` with a text under `key` behind its own fields."""
    inner = body.strip()[:-1].rstrip()
    comma = b"" if inner == b"{" else b","
    return b"%s%s%s:%s}" % (inner, comma, msgspec.json.encode(key), msgspec.json.encode(text))


def write_off_body(rows: Sequence[bytes], currency: str | None) -> bytes:
    """One write-off of all its rows. EFI rows name their currency by its id alone: its code is added if it is known."""
    body = with_key(b"{}", "rows", rows)
    return with_text(body, CURRENCY, currency) if currency else body


def raw_record(resource: Resource, record_id: str, body: bytes, listed_stamp: str, now: datetime) -> Raw:
    """A record as read. `listed_stamp` is what the list said of it: some details have no change stamp of their own.

    The stamps of details have a resolution of a second, so that `order` says no more than that.
    """
    head = document_head(body)
    own = moment(stamp_of(head.pubts)) if head is not None and head.pubts else None
    return Raw(
        resource.kind,
        resource.wire_type,
        record_id,
        body,
        digest_of(body),
        now,
        order=None if own is None else int(own.timestamp()),
        modified_at=own or moment(listed_stamp),
    )


def not_shown(resource: Resource, record_id: str, answer: bytes | None) -> Unreadable:
    """A record that is listed and cannot be read: refused, or answered by something else."""
    why = "asked for, it is answered by another record or by none" if answer is not None else _NOT_SHOWN
    where = f"{resource.wire_type} {record_id}"
    return Unreadable(resource.kind, resource.wire_type, where, NOTHING if answer is None else answer, why)


NOTHING: Final = b"{}"
_NOT_SHOWN: Final = (
    "it is in the list, but asking for it is answered by 'deleted or not visible', twice; the next full pull asks again"
)


class Balances:
    """The rows of open balances about some documents."""

    def __init__(self, heads: Iterable[DocumentHead]) -> None:
        self._by_id: dict[str, dict[str, bytes]] = {}
        self._by_code: dict[str, str] = {}
        for head in heads:
            document = plain(head.id)
            self._by_id[document] = {}
            if head.code is not None:
                self._by_code[plain(head.code)] = document

    def take(self, row: msgspec.Raw) -> None:
        """Keep a row if it is about one of the documents: by id, or by number where it names no id.

        A row names its source document (`srcBill…`) and a business document (`bizBill…`). The source is taken for the
        receivable itself, as in write-offs [inferred]; the other counts only where there is no source, since it may be a
        document of the same list that another one arose from.
        """
        head = decoded(_EVENT, row)
        if head is None:
            return
        number = head.src_bill_id if head.src_bill_id is not None else head.biz_bill_id
        code = head.src_bill_code if head.src_bill_code is not None else head.biz_bill_code
        document = plain(number) if number is not None else self._by_code.get(code or "", "")
        if document in self._by_id:
            self._by_id[document][plain(head.id)] = bytes(row)

    def of(self, document: str) -> list[bytes]:
        """The rows about one document, in an order that does not depend on the pages."""
        return [row for _, row in sorted(self._by_id.get(document, {}).items())]


def carrier(row: msgspec.Raw, key: str, ext_system: str) -> str:
    """The id of a row that has `key` as its number, or as the key that we wrote: `extVouchCode` of our `extSystemCode` (B4).

    ``""`` if it has neither.
    """
    head = decoded(_KEY, row)
    if head is None:
        return ""
    ours = head.ext_vouch_code == key and head.ext_system_code in (None, "", ext_system)
    return plain(head.id) if ours or plain(head.code) == key else ""


def learned(row: msgspec.Raw) -> tuple[str, str] | None:
    """Id and code of a currency, as a document's row names them."""
    head = decoded(_LEARNED, row)
    if head is None or head.ori_currency is None or not head.ori_currency_code:
        return None
    return plain(head.ori_currency), head.ori_currency_code


def currency_id(rows: Sequence[bytes]) -> str:
    """The id of a write-off's currency; ``""`` if its rows name none."""
    heads = (decoded(_ASKED, row) for row in rows)
    return next(
        (plain(head.ori_d_currency) for head in heads if head is not None and head.ori_d_currency is not None), ""
    )


def credit_line(row: msgspec.Raw) -> tuple[str, bytes]:
    """Whom an answer of the credit query is about (``""`` if it does not say), and its lasting part with every digit as sent.

    What is left of the line and days overdue are left out: they change by the day, and would make each customer look changed.
    """
    head = decoded(_TARGET, row)
    if head is None:
        return "", b""
    lasting = (
        (b"currencyId", head.currency_id),
        (b"creditLine", head.credit_line),
        (b"settingOverdueDays", head.setting_overdue_days),
    )
    parts = (b'"%s":%s' % (name, bytes(value)) for name, value in lasting if bytes(value))
    return plain(head.target_obj_id), b"{%s}" % b",".join(parts)
