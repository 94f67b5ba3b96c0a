"""The customer-class archive: digitalModel/custcategory (yonyou.md B5, B7)."""

from __future__ import annotations

from typing import Any

from ledgerbridge.sandbox.books import Row

from . import later
from .archives import archive_shown, found, names_in, save_failed
from .batches import items_of, object_of, summary
from .call import Call, Route
from .filters import Bound
from .ledger import ORG, Ledger
from .lists import ListRule, answer
from .refusal import missing
from .wire import storable

TABLE = "category"
_TREE = "digitalModel/custcategory/newtree"
_SET_HERE = frozenset({"_status", "resubmitCheckKey", "createTime", "modifyTime", "pubts", "id", "level"})

_RULE = ListRule(
    endpoint=_TREE,
    table=TABLE,
    show=lambda ledger, row, _: archive_shown(ledger, row, _TREE),
    bounds=(
        Bound("pubts", "pubts", "egt", stamp=True),
        Bound("beganTime", "pubts", "egt", stamp=True),
        Bound("endTime", "pubts", "lt", stamp=True),
    ),
    default_size=100,
    size_max=5000,  # the default is documented, the maximum taken from the merchant list [inferred]
    equal=frozenset({"id", "code"}),
    spoiled="name",
    bare=True,
)


def _tree(ledger: Ledger, call: Call) -> Any:
    """A flat array."""
    return answer(ledger, _RULE, call.body)


def _detail(ledger: Ledger, call: Call) -> Row:
    if not call.query.get("id"):
        raise missing("id")
    return archive_shown(ledger, found(ledger, TABLE, {"id": call.query["id"]}), call.endpoint)


def new_category(ledger: Ledger, code: str, name: str, now: str, parent: Row | None = None) -> Row:
    """Put one class on record and return it."""
    row_id = ledger.new_id("category")
    row: Row = {
        "id": row_id,
        "code": code,
        "name": {"simplifiedName": name},
        "order": ledger.books.count(TABLE) + 1,
        "level": parent["level"] + 1 if parent else 1,
        "isEnabled": True,
        "orgId": ORG["id"],
        "createTime": now,
        "modifyTime": now,
        "pubts": now,
    }
    if parent:
        row["parent"] = parent["id"]
    ledger.books.put(TABLE, row_id, row)
    return row


def _inserted(ledger: Ledger, item: Row, endpoint: str) -> Row:
    item = names_in(item)
    code, name = item.get("code"), (item.get("name") or {}).get("simplifiedName")
    if not code or not name:
        raise save_failed("code and name are required")
    if ledger.taken(TABLE, "code", str(code)):
        raise save_failed(f"class code {code} already exists")
    parent = found(ledger, TABLE, {"id": item["parent"]}) if item.get("parent") else None
    row = new_category(ledger, str(code), str(name), ledger.now(), parent)
    extra = {key: value for key, value in item.items() if key not in _SET_HERE | {"code", "parent"}}
    ledger.books.update(TABLE, row["id"], storable(extra))
    return archive_shown(ledger, {"id": row["id"], "code": row["code"]}, endpoint)


def _updated(ledger: Ledger, item: Row, endpoint: str) -> Row:
    item = names_in(item)
    row = found(ledger, TABLE, item)
    changes = storable({key: value for key, value in item.items() if key not in _SET_HERE and value is not None})
    held_by = ledger.books.find(TABLE, "code", str(changes.get("code", row["code"])))
    if held_by is not None and held_by != row["id"]:
        raise save_failed(f"class code {changes['code']} already exists")
    if isinstance(changes.get("name"), dict):
        changes["name"] = {**row["name"], **changes["name"]}
    ledger.changed(TABLE, row["id"], changes)
    return archive_shown(ledger, {"id": row["id"], "code": changes.get("code", row["code"])}, endpoint)


def _insert(ledger: Ledger, call: Call) -> Row:
    return _inserted(ledger, object_of(call.body), call.endpoint)


def _update(ledger: Ledger, call: Call) -> Row:
    return _updated(ledger, object_of(call.body), call.endpoint)


def _batch_save(ledger: Ledger, call: Call) -> Row:
    def one(item: Row) -> Row:
        if item.get("_status") == "Update" or item.get("id"):
            return _updated(ledger, item, call.endpoint)
        return _inserted(ledger, item, call.endpoint)

    return summary(ledger, call.endpoint, items_of(call.body), one)


def _batch_delete(ledger: Ledger, call: Call) -> Row:
    """Asynchronous like the merchants' [inferred]."""
    for item in items_of(call.body):
        row = found(ledger, TABLE, item)
        later.wait(ledger, later.CATEGORY_DELETION, row["id"], float(ledger.switches["async_delete_seconds"]))
    return {"asyncKey": f"async-{ledger.books.next_serial('async'):06d}"}


def delete_if_free(ledger: Ledger, row_id: str) -> None:
    """Carry out one deletion; a class with customers or children stays."""
    if ledger.books.look(TABLE, row_id) is None:
        return
    if any(row.get("customerClassId") == row_id for _, row in ledger.books.peek("merchant")):
        return
    if any(row.get("parent") == row_id for _, row in ledger.books.peek(TABLE)):
        return
    ledger.books.remove(TABLE, row_id)


def routes() -> dict[str, Route]:
    """Everything under digitalModel/custcategory."""
    at = "digitalModel/custcategory"
    return {
        f"{at}/newtree": Route("POST", _tree),
        f"{at}/newdetailbyid": Route("GET", _detail),  # the method is not documented [inferred]
        f"{at}/idempotent/newinsert": Route("POST", _insert, write=True, idempotent=True),
        f"{at}/newupdate": Route("POST", _update, write=True),
        f"{at}/newbatchsave": Route("POST", _batch_save, write=True),
        f"{at}/batchdelete": Route("POST", _batch_delete, write=True),
    }
