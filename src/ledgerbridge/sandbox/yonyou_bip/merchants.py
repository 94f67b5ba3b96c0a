"""The customer archive: digitalModel/merchant (yonyou.md B5, B6, B7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ledgerbridge.sandbox.books import Row

from . import later
from .archives import archive_shown, dotted, found, names_in, save_failed
from .batches import data_of, items_of, object_of, summary
from .call import Call, Handler, Route
from .documents import KINDS
from .filters import Bound
from .ledger import ORG, Ledger
from .lists import ListRule, answer, page_of
from .refusal import Refusal, generic, missing, wrong_type
from .wire import storable

TABLE = "merchant"
_DETAILS = (
    "merchantAgentInvoiceInfos",
    "merchantAgentFinancialInfos",
    "merchantContactInfos",
    "merchantAddressInfos",
    "merchantAppliedDetail",
    "principals",
)
_PAGE_DEFAULT, _PAGE_MAX = 500, 5000  # [1]
_SET_HERE = frozenset({"_status", "resubmitCheckKey", "createTime", "modifyTime", "pubts", "id"})
# What an update of `merchantAppliedDetail` and the names merges instead of replacing.
_MERGED = ("merchantAppliedDetail", "name", "shortname", "address")


def bounds(ledger: Ledger) -> tuple[Bound, ...]:
    """``pubts`` and ``beganTime`` are lower bounds, ``endTime`` an upper one, exclusive by default (B5)."""
    end = "elt" if ledger.switches["merchant_end_inclusive"] else "lt"
    return (
        Bound("pubts", "pubts", "egt", stamp=True),
        Bound("beganTime", "pubts", "egt", stamp=True),
        Bound("endTime", "pubts", end, stamp=True),
    )


def shown(ledger: Ledger, row: Row, endpoint: str, *, details: bool) -> Row:
    """A customer as an endpoint shows it, with or without what only the detail has."""
    return archive_shown(ledger, row, endpoint, without=() if details else _DETAILS)


def _rule(endpoint: str, *, bare: bool) -> ListRule:
    return ListRule(
        endpoint=endpoint,
        table=TABLE,
        show=lambda ledger, row, _: shown(ledger, row, endpoint, details=False),
        default_size=_PAGE_DEFAULT,
        size_max=_PAGE_MAX,
        equal=frozenset({"id", "code"}),
        spoiled="name",
        bare=bare,
    )


_NEWLIST = _rule("digitalModel/merchant/newlist", bare=True)
_NEWLISTRANGE = _rule("digitalModel/merchant/newlistrange", bare=False)


def _newlist(ledger: Ledger, call: Call) -> Any:
    """A bare array without totals: a page shorter than pageSize is the last one (B7)."""
    return answer(ledger, replace(_NEWLIST, bounds=bounds(ledger)), call.body)


def _newlistrange(ledger: Ledger, call: Call) -> Row:
    """The paged form, with the organisations each customer applies to."""
    page = page_of(ledger, replace(_NEWLISTRANGE, bounds=bounds(ledger)), call.body)
    numbers: Row = {
        "pageIndex": page.index,
        "pageSize": page.size,
        "pageCount": page.count,
        "recordCount": page.total,
    }
    if call.endpoint in ledger.switches["text_paging_endpoints"]:
        numbers = {name: str(number) for name, number in numbers.items()}
    ranges = [{"orgId": ORG["id"], "orgCode": ORG["code"], "isCreator": True}]
    return {**numbers, "recordList": [{**row, "merchantApplyRanges": ranges} for row in page.rows]}


def _batch_detail(ledger: Ledger, call: Call) -> list[Row]:
    """Body: an array of ``{id|code, belongOrgId|belongOrgCode}``. Unknown ones are left out; 999 if all are [inferred]."""
    asked = call.body if isinstance(call.body, list) else items_of(call.body)
    if not asked:
        raise missing("id/code")
    rows = []
    for item in asked:
        if not isinstance(item, dict):
            raise wrong_type("body", "an array of objects")
        try:
            rows.append(shown(ledger, found(ledger, TABLE, item), call.endpoint, details=True))
        except Refusal as refusal:
            if refusal.code != "1002":
                raise
    if not rows:
        raise generic("none of the customers exists or is visible")
    return rows


def _insert(ledger: Ledger, call: Call) -> list[Row]:
    """Create one customer; answers ``[{"id","code"}]``. A failed check is code 0 as a number."""
    item = names_in(object_of(call.body))
    for name in ledger.switches["merchant_required"]:
        if dotted(item, name) in (None, "") and dotted(item, name.replace("Code", "Id")) in (None, ""):
            raise save_failed(f"{name} is required")
    _check(ledger, item)
    code = str(item["code"])
    if ledger.taken(TABLE, "code", code):
        raise save_failed(f"customer code {code} already exists")
    now = ledger.now()
    row_id = ledger.new_id("merchant")
    row = {
        **new_customer(row_id, now),
        **storable({key: value for key, value in item.items() if key not in _SET_HERE and value is not None}),
        "code": code,
    }
    ledger.books.put(TABLE, row_id, row)
    return [shown(ledger, {"id": row_id, "code": code}, call.endpoint, details=True)]


def new_customer(row_id: str, now: str) -> Row:
    """What every customer has unless told otherwise."""
    return {
        "id": row_id,
        "createOrgId": ORG["id"],
        "createOrgCode": ORG["code"],
        "belongOrgId": ORG["id"],
        "belongOrgCode": ORG["code"],
        "enterpriseNature": 0,
        "taxPayingCategories": 0,
        "internalOrg": False,
        "retailInvestors": False,
        "stopStatus": False,
        "createTime": now,
        "modifyTime": now,
        "pubts": now,
    }


def _check(ledger: Ledger, item: Row) -> None:
    organisation = item.get("createOrgCode") or item.get("createOrgId") or ORG["code"]
    if str(organisation) not in (ORG["code"], ORG["id"]):
        raise save_failed(f"organisation {organisation} does not exist")
    class_code = item.get("customerClassCode")
    if class_code and not item.get("customerClassId"):
        class_id = ledger.books.find("category", "code", str(class_code))
        if class_id is None:
            raise save_failed(f"customer class {class_code} does not exist")
        item["customerClassId"] = class_id
    elif item.get("customerClassId") not in (None, ""):
        category = ledger.books.look("category", str(item["customerClassId"]))
        if category is None:
            raise save_failed(f"customer class {item['customerClassId']} does not exist")
        item["customerClassId"], item["customerClassCode"] = category["id"], category["code"]
    for name in _DETAILS:
        wanted = dict if name == "merchantAppliedDetail" else list
        if item.get(name) is not None and not isinstance(item[name], wanted):
            raise save_failed(f"{name} must be an {'object' if wanted is dict else 'array'}")


def _update(ledger: Ledger, call: Call) -> list[Row]:
    """Change one customer; what is not sent stays as it is [inferred]. Answers ``[{"id","code"}]``."""
    item = names_in(object_of(call.body))
    row = found(ledger, TABLE, item)
    _check(ledger, item)
    code = str(item.get("code") or row["code"])
    held_by = ledger.books.find(TABLE, "code", code)
    if held_by is not None and held_by != row["id"]:
        raise save_failed(f"customer code {code} already exists")
    changes = storable({key: value for key, value in item.items() if key not in _SET_HERE and value is not None})
    for name in _MERGED:
        if isinstance(changes.get(name), dict) and isinstance(row.get(name), dict):
            changes[name] = {**row[name], **changes[name]}
    ledger.changed(TABLE, row["id"], {**changes, "code": code})
    return [shown(ledger, {"id": row["id"], "code": code}, call.endpoint, details=True)]


def _switch_off(*, stopped: bool) -> Handler:
    def handler(ledger: Ledger, call: Call) -> Row:
        def one(item: Row) -> Row:
            row = found(ledger, TABLE, item)
            if bool(row.get("stopStatus")) is stopped:
                raise generic(f"customer {row['code']} is {'already' if stopped else 'not'} disabled")
            ledger.changed(TABLE, row["id"], {"stopStatus": stopped})
            return {"id": row["id"], "code": row["code"]}

        items = items_of(call.body)
        if isinstance(data_of(call.body), dict):
            return one(items[0])
        return summary(ledger, call.endpoint, items, one)

    return handler


def _batch_delete(ledger: Ledger, call: Call) -> Row:
    """Only answers a key: the deletions take place later, and fail silently for customers with documents (B7)."""
    items = items_of(call.body)
    delay_s = float(ledger.switches["async_delete_seconds"])
    for item in items:
        if item.get("id") in (None, ""):
            raise missing("id")
        later.wait(ledger, later.MERCHANT_DELETION, str(item["id"]), delay_s)
    return {"asyncKey": f"async-{ledger.books.next_serial('async'):06d}"}


def delete_if_free(ledger: Ledger, row_id: str) -> None:
    """Carry out one deletion of :func:`_batch_delete`."""
    if ledger.books.look(TABLE, row_id) is None:
        return
    for kind in KINDS:
        if any(row.get("customer") == row_id for _, row in ledger.books.peek(kind.table)):
            return
    if any(row.get("agentId") == row_id for _, row in ledger.books.peek("sd_invoice")):
        return
    ledger.books.remove(TABLE, row_id)


def routes() -> dict[str, Route]:
    """Everything under digitalModel/merchant."""
    at = "digitalModel/merchant"
    return {
        f"{at}/newlist": Route("POST", _newlist),
        f"{at}/newlistrange": Route("POST", _newlistrange),
        f"{at}/newBatchDetail": Route("POST", _batch_detail),
        f"{at}/idempotent/newinsert": Route("POST", _insert, write=True, idempotent=True),
        f"{at}/newupdate": Route("POST", _update, write=True),
        f"{at}/batchdelete": Route("POST", _batch_delete, write=True),
        f"{at}/stop": Route("POST", _switch_off(stopped=True), write=True),
        f"{at}/unstop": Route("POST", _switch_off(stopped=False), write=True),
    }
