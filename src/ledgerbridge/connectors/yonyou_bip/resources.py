"""The vendor's objects as data: where they are listed and detailed, how their lists are bounded (B5, B6). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ledgerbridge.connectors._http.call import Call
from ledgerbridge.model.base import Kind
from ledgerbridge.model.wirejson import WireValue

_FOREVER: Final = "2099-12-31 23:59:59"
_LONG_AGO: Final = "1970-01-01 00:00:00"


class Bound(StrEnum):
    """How a list takes a range (B5). All but `MERCHANT` and `DATE` take an upper end as well, and both ends belong to it."""

    SIMPLE = "simple"  # simple.open_pubts_begin / _end
    TOP = "top"  # open_pubts_begin / _end
    VOS = "vos"  # simpleVOs, a flat list of conditions
    VOS_GROUP = "vos_group"  # simpleVOs, a group of conditions
    MERCHANT = "merchant"  # pubts, from then on
    DATE = "date"  # no change filter: simple.open_vouchdate_begin


@dataclass(frozen=True, slots=True)
class Span:
    """What of a list is wanted: changes from `begin` to `end`, both inclusive; ``""`` is no bound. `first_day` bounds the
    document date where there is no change filter. `match`: fields that must have a value.
    """

    begin: str = ""
    end: str = ""
    first_day: str = ""
    match: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resource:
    """One object of the vendor. `by_line`: its list has several rows a record, and no detail. `events`: the list with the open
    balances of its records.
    """

    wire_type: str
    kind: Kind
    path: str
    bound: Bound
    list_name: str = "list"
    page_size_max: int = 500
    by_line: bool = False
    bare: bool = False
    events: str | None = None
    events_key: str = ""
    summed: bool = True

    @property
    def listing(self) -> str:
        """The path of its list."""
        return f"{self.path}/{self.list_name}"

    @property
    def divisible(self) -> bool:
        """Whether its list takes both ends of a range of changes."""
        return self.bound not in (Bound.MERCHANT, Bound.DATE)


# Lists without a documented maximum take pages of 200 here [inferred].
MERCHANT: Final = Resource(
    "merchant", Kind.CUSTOMER, "/yonbip/digitalModel/merchant", Bound.MERCHANT, "newlist", 5000, bare=True, summed=False
)
RECEIVABLE: Final = Resource(
    "receivable",
    Kind.INVOICE,
    "/yonbip/EFI/receivable",
    Bound.SIMPLE,
    events="/yonbip/EFI/arPublicEvent/list",
    events_key="_arPublicEvent",
)
COLLECTION: Final = Resource(
    "collection",
    Kind.PAYMENT,
    "/yonbip/EFI/collection",
    Bound.SIMPLE,
    events="/yonbip/EFI/collectionPublicEvent/list",
    events_key="_collectionPublicEvent",
)
ARVERIFYEVENT: Final = Resource(
    "arverifyevent", Kind.ALLOCATION, "/yonbip/EFI/arverifyevent", Bound.SIMPLE, by_line=True, summed=False
)
OAR: Final = Resource("oar", Kind.INVOICE, "/yonbip/fi/oar", Bound.DATE, page_size_max=200)
RECEIVEBILL: Final = Resource(
    "receivebill", Kind.PAYMENT, "/yonbip/fi/receivebill", Bound.VOS_GROUP, "list/v2", page_size_max=200
)
ARVERIFY: Final = Resource(
    "arverify", Kind.ALLOCATION, "/yonbip/fi/arverify", Bound.TOP, page_size_max=200, by_line=True, summed=False
)
SALE_INVOICE: Final = Resource(
    "vouchersaleinvoice", Kind.INVOICE, "/yonbip/sd/vouchersaleinvoice", Bound.VOS, page_size_max=200
)

FAMILIES: Final[Mapping[str, Mapping[Kind, Resource]]] = {
    "efi": {Kind.INVOICE: RECEIVABLE, Kind.PAYMENT: COLLECTION, Kind.ALLOCATION: ARVERIFYEVENT},
    "fi": {Kind.INVOICE: OAR, Kind.PAYMENT: RECEIVEBILL, Kind.ALLOCATION: ARVERIFY},
}


def list_call(resource: Resource, span: Span, page: int, size: int) -> Call:
    """One page of a list, counted from 1."""
    body: dict[str, WireValue] = {"pageIndex": page, "pageSize": size}
    if resource.summed:
        body["isSum"] = True  # one row a document, without its lines
    elif resource is ARVERIFYEVENT:
        body["isSum"] = False  # one row for each document of a write-off
    body |= _bounds(resource.bound, span)
    if resource.bound is Bound.VOS:
        body["queryOrders"] = [{"field": "id", "order": "asc"}]  # sd lists only (B5 [1])
    return Call("POST", resource.listing, json=body, interface=resource.listing)


def _bounds(bound: Bound, span: Span) -> dict[str, WireValue]:
    match: dict[str, WireValue] = dict(span.match)
    if bound is Bound.MERCHANT:
        return match | ({"pubts": span.begin} if span.begin else {})
    if bound is Bound.DATE:
        return match | ({"simple": {"open_vouchdate_begin": f"{span.first_day} 00:00:00"}} if span.first_day else {})
    if bound in (Bound.VOS, Bound.VOS_GROUP):
        return _conditions(bound, span)
    ends: dict[str, WireValue] = {}
    if span.begin:
        ends["open_pubts_begin"] = span.begin
    if span.end:
        ends["open_pubts_end"] = span.end
    if bound is Bound.SIMPLE:
        return match | ({"simple": ends} if ends else {})
    return match | ends


def _conditions(bound: Bound, span: Span) -> dict[str, WireValue]:
    found: list[WireValue] = [{"field": name, "op": "eq", "value1": value} for name, value in span.match.items()]
    if span.begin or span.end:
        low, high = span.begin or _LONG_AGO, span.end or _FOREVER
        found.append({"field": "pubts", "op": "between", "value1": low, "value2": high})
    if not found:
        return {}
    return {"simpleVOs": found if bound is Bound.VOS else [{"logicOp": "and", "conditions": found}]}


def detail_call(resource: Resource, record_id: str) -> Call:
    """One document with its lines."""
    path = f"{resource.path}/detail"
    return Call("GET", path, query={"id": record_id}, interface=path)


def customers_call(named: Sequence[Mapping[str, str]]) -> Call:
    """Several customers with all their parts; each is named by `id` or `code`, and by `belongOrgId` if that is known (B7)."""
    path = f"{MERCHANT.path}/newBatchDetail"
    body: list[WireValue] = [{name: _long(name, value) for name, value in one.items()} for one in named]
    return Call("POST", path, json=body, interface=path)


def _long(name: str, value: str) -> WireValue:
    """A customer's id is a long there (B7)."""
    return int(value) if name == "id" and value.isascii() and value.isdigit() else value


def credit_call(ids: Sequence[str], currency_id: str) -> Call:
    """The credit lines of several customers in one currency (B7)."""
    path = "/yonbip/sd/credit/query"
    items: list[WireValue] = [
        {"targetObjId": one, "currencyId": currency_id, "creditQueryType": 0, "targetType": 0} for one in ids
    ]
    return Call("POST", path, json={"data": items}, interface=path)


def events_call(path: str, first_day: str, last_day: str, page: int, size: int) -> Call:
    """The open balances of all documents of some days.

    The list can be asked for dates only, not for documents or changes (B5). That the event's source date is the document's own
    date is [inferred]: where a tenant differs, balances stay unset rather than wrong.
    """
    body: dict[str, WireValue] = {
        "pageIndex": page,
        "pageSize": size,
        "isSum": True,
        "open_srcBillDate_begin": f"{first_day} 00:00:00",
        "open_srcBillDate_end": f"{last_day} 23:59:59",
    }
    return Call("POST", path, json=body, interface=path)
