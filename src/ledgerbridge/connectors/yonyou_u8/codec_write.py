"""Build U8's writes and read what became of them (A5, A6). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.model.wirejson import WireValue

from . import codec
from .codec import Resource, common
from .settings import YonyouU8Settings

_COPIED: Final[Mapping[str, tuple[str, ...]]] = {
    "oughtreceive": ("cust_vendor_code", "amount", "natamount", "digest", "deptcode", "personcode"),
    "accept": ("customercode", "amount", "originalamount", "digest", "departmentcode", "personcode"),
}
"""What U8 wants in the only entry of a voucher as well as in its head (A6: required, or names found in both)."""
_AMOUNTS: Final[Mapping[str, tuple[str, str]]] = {
    "oughtreceive": ("natamount", "amount"),
    "accept": ("amount", "originalamount"),
}
"""Base and document amount: the two vouchers call them the opposite way (A6)."""
CURRENCY: Final = "currency_name"
_LABELS: Final[Mapping[str, str]] = {"48": "收款", "49": "退款"}


def add_call(settings: YonyouU8Settings, resource: Resource, key: str, body: Mapping[str, WireValue]) -> Call:
    """Create a record under our own id: a repeat of the same `biz_id` makes no second one (A5 [1])."""
    query = {**common(settings), "biz_id": key, "sync": "0" if settings.asynchronous else "1"}
    whole = completed(resource, body, settings.base_currency_name)
    field = settings.key_field(customer=resource.name == "customer")
    if field is not None:
        whole[field] = key
    return Call(
        "POST",
        f"/api/{resource.name}/add",
        query=query,
        json={resource.name: whole},
        writes=True,
        interface=resource.name,
    )


def edit_call(settings: YonyouU8Settings, code: str, body: Mapping[str, WireValue]) -> Call:
    """Change a customer, matched by its code; fields that are not sent stay (A5 [1], [inferred])."""
    whole: WireValue = {**body, "code": code}
    return Call(
        "POST",
        "/api/customer/edit",
        query=common(settings),
        json={"customer": whole},
        writes=True,
        interface="customer",
    )


def completed(resource: Resource, body: Mapping[str, WireValue], base_currency_name: str) -> dict[str, WireValue]:
    """`body` with what U8 wants twice: a voucher gets one entry that repeats its head.

    In the base currency an amount that the record does not tell equals the other one, and a receipt needs no currency: the
    standard record has no field for it. A receipt's digest is required (A6): one without gets 收款 or 退款.
    """
    whole: dict[str, Any] = dict(body)
    if resource.name not in _COPIED:
        return whole
    base, document = _AMOUNTS[resource.name]
    entry: dict[str, Any] = dict(_first_entry(whole))
    if base_currency_name in (whole.get(CURRENCY), entry.get(CURRENCY)):
        if base not in whole and document in whole:
            whole[base] = whole[document]
        whole.pop(CURRENCY, None)
    if resource.name == "accept":
        whole["digest"] = whole.get("digest") or _LABELS.get(str(whole.get("vouchtype")), "收款")
        entry.setdefault("type", "0")
    for name in _COPIED[resource.name]:
        if name in whole and name not in entry:
            entry[name] = whole[name]
    whole["entry"] = [entry]
    return whole


def _first_entry(body: Mapping[str, Any]) -> Mapping[str, Any]:
    entries = body.get("entry")
    return entries[0] if isinstance(entries, list) and entries and isinstance(entries[0], Mapping) else {}


@dataclass(frozen=True, slots=True)
class Written:
    """The answer to a create, or to asking about one: `url` to ask at while it is not done, else the record's number."""

    url: str
    ping_after_s: float
    number: str
    trade_id: str
    running: bool


def read_written(reply: Reply) -> Written:
    """What an answer says of a create."""
    root = codec.envelope(reply)
    url = codec.text_of(root.get("url"))
    running = bool(url) or codec.text_of(root.get("errcode")) == codec.RUNNING
    try:
        wait_s = float(codec.text_of(root.get("ping_after")) or 1)
    except ValueError:
        wait_s = 1.0
    number = codec.text_of(root.get("id")).strip()
    return Written(url, min(max(wait_s, 0.1), 30.0), number, codec.text_of(root.get("tradeid")), running)


def poll_call(url: str) -> Call:
    """Ask what became of an accepted create (A5)."""
    return Call("GET", url, interface=codec.POLL)
