"""Saving and moving the AR documents of both families through their states (yonyou.md B6, B7, B8.4)."""

from __future__ import annotations

from ledgerbridge.sandbox.books import Row

from .batches import data_of, items_of, object_of, summary
from .building import built
from .call import Call, Handler, Route
from .documents import (
    COLLECTION,
    OAR,
    RECEIVABLE,
    RECEIVEBILL,
    Kind,
    balance_of,
    is_approved,
    is_reversed,
    shown,
    total_of,
)
from .ledger import Ledger
from .refusal import check_failed, generic, missing, wrong_type

# an id wins over a code: a code sent alone must not lose against the id on record
_CODES = (
    ("customer", "customerCode"),
    ("customer", "customer_code"),
    ("oriCurrency", "oriCurrencyCode"),
    ("currency", "currency_code"),
)


def existing(ledger: Ledger, kind: Kind, item: Row) -> Row:
    """A copy of the document an action names by id; 310008 without one, 999 for an unknown one (B8.4)."""
    if item.get("id") in (None, ""):
        raise missing("id")
    row = ledger.books.get(kind.table, str(item["id"]))
    if row is None:
        raise generic(f"document {item['id']} does not exist or is not visible")
    if item.get("pubts") and ledger.switches["check_pubts"] and str(item["pubts"]) != row["pubts"]:
        raise check_failed(f"document {row['code']} was changed by someone else at {row['pubts']}")
    return row


def detail(kind: Kind) -> Handler:
    """GET ?id: one document with its lines."""

    def handler(ledger: Ledger, call: Call) -> Row:
        if not call.query.get("id"):
            raise missing("id")
        return shown(ledger, kind, existing(ledger, kind, {"id": call.query["id"]}), call.endpoint, lines=True)

    return handler


def _inserted(ledger: Ledger, kind: Kind, item: Row, endpoint: str, *, submit: bool = False) -> Row:
    """One record of a save. EFI only inserts (B6); fi also updates drafts."""
    status = item.get("_status", "Insert")
    if status == "Update" and kind.family == "fi":
        return _updated(ledger, kind, item, endpoint)
    if status != "Insert":
        raise check_failed(f"_status {status!r} is not supported here: delete and save again")
    row = built(ledger, kind, item)
    if kind.family == "fi" and ledger.switches["fi_save_approves"]:
        row["auditstatus"] = 1
    ledger.books.put(kind.table, row["id"], row)
    if submit:
        _submit(ledger, kind, row)
    return shown(ledger, kind, ledger.books.look(kind.table, row["id"]) or row, endpoint, lines=True)


def _updated(ledger: Ledger, kind: Kind, item: Row, endpoint: str) -> Row:
    """Change a draft: what is sent is overwritten, lines with an id are merged, ``_status`` Delete removes one."""
    old = existing(ledger, kind, item)
    if kind.family == "efi" and item.get("code") in (None, ""):
        raise missing("code")
    _editable(kind, old)
    merged = shown(ledger, kind, old, endpoint, lines=True)
    for by_id, by_code in _CODES:
        if item.get(by_code) and not item.get(by_id):
            merged.pop(by_id, None)
    if kind.lines in item:
        if not isinstance(item[kind.lines], list) or not all(isinstance(line, dict) for line in item[kind.lines]):
            raise wrong_type(kind.lines, "an array of objects")
        held = {str(line["id"]): line for line in merged[kind.lines]}
        merged[kind.lines] = [
            _merged_line(kind, held.get(str(line.get("id")), {}), line)
            for line in item[kind.lines]
            if line.get("_status") != "Delete"
        ]
    merged.update({key: value for key, value in item.items() if key != kind.lines})
    row = built(ledger, kind, {**merged, "_status": "Update"}, old, item)
    ledger.books.put(kind.table, row["id"], row)
    return shown(ledger, kind, row, endpoint, lines=True)


def _merged_line(kind: Kind, held: Row, line: Row) -> Row:
    """A line as changed: a new total makes the amounts and instalments derived from the old one void."""
    if line.get(kind.total) in (None, ""):
        return {**held, **line}
    derived = {kind.net, kind.tax, kind.local_net, kind.local_tax, kind.local_total, "grandsonItem"}
    return {**{key: value for key, value in held.items() if key not in derived}, **line}


def _editable(kind: Kind, row: Row) -> None:
    """B8.4: approved documents can be neither edited nor deleted."""
    if is_approved(kind, row) or (kind.family == "efi" and row["verifyState"] == 1):
        raise generic(f"document {row['code']} is approved or in approval and cannot be changed")
    if is_reversed(kind, row):
        raise generic(f"document {row['code']} was reversed and cannot be changed")


def _submit(ledger: Ledger, kind: Kind, row: Row) -> None:
    if row["verifyState"] not in (0, 4):
        raise generic(f"document {row['code']} cannot be submitted: verifyState {row['verifyState']}")
    if ledger.switches["submit_approves"]:
        _approve(ledger, kind, row)
    else:
        ledger.changed(kind.table, row["id"], {"verifyState": 1})


def _unsubmit(ledger: Ledger, kind: Kind, row: Row) -> None:
    if row["verifyState"] != 1:
        raise generic(f"document {row['code']} is not in approval")
    ledger.changed(kind.table, row["id"], {"verifyState": 0})


def _approve(ledger: Ledger, kind: Kind, row: Row) -> None:
    if is_approved(kind, row):
        raise generic(f"document {row['code']} is already approved")
    if kind.family == "efi":
        ledger.changed(kind.table, row["id"], {"verifyState": 2, "effectState": 1, "auditTime": ledger.now()})
    else:
        ledger.changed(kind.table, row["id"], {"auditstatus": 1, "status": 1, "auditTime": ledger.now()})


def _unapprove(ledger: Ledger, kind: Kind, row: Row) -> None:
    if not is_approved(kind, row):
        raise generic(f"document {row['code']} is not approved")
    if balance_of(kind, row)[0] != total_of(kind, row):
        raise generic(f"document {row['code']} has write-offs and cannot be un-approved")
    if kind.family == "efi":
        ledger.changed(kind.table, row["id"], {"verifyState": 0, "effectState": 0, "auditTime": None})
    else:
        ledger.changed(kind.table, row["id"], {"auditstatus": 2, "status": 0, "auditTime": None})


def _delete(ledger: Ledger, kind: Kind, row: Row) -> None:
    _editable(kind, row)
    ledger.books.remove(kind.table, row["id"])


_MOVES = {"submit": _submit, "unsubmit": _unsubmit, "audit": _approve, "unaudit": _unapprove, "delete": _delete}


def move(kind: Kind, name: str) -> Handler:
    """submit, unsubmit, audit, unaudit or delete. Body ``{"data":{"id"}}`` answers the document or refuses the call,
    ``{"data":[{"id","pubts"}]}`` has an outcome for each (both bodies are documented, B6).
    """
    act = _MOVES[name]

    def one(ledger: Ledger, item: Row) -> Row:
        row = existing(ledger, kind, item)
        act(ledger, kind, row)
        now = ledger.books.look(kind.table, row["id"])
        state = "verifyState" if kind.family == "efi" else "auditstatus"
        said = {"id": row["id"], "code": row["code"]}
        return said if now is None else {**said, state: now[state], "pubts": now["pubts"]}

    def handler(ledger: Ledger, call: Call) -> Row:
        items = items_of(call.body)
        if isinstance(data_of(call.body), dict):
            return one(ledger, items[0])
        return summary(ledger, call.endpoint, items, lambda item: one(ledger, item))

    return handler


def save_one(kind: Kind, *, submit: bool = False) -> Handler:
    """Save ``{"data":{…}}``; answers the document."""

    def handler(ledger: Ledger, call: Call) -> Row:
        return _inserted(ledger, kind, object_of(call.body), call.endpoint, submit=submit)

    return handler


def save_many(kind: Kind, *, update: bool = False) -> Handler:
    """Save or update ``{"data":[…]}``; an outcome for each. fi takes one object in the place of the array too."""

    def handler(ledger: Ledger, call: Call) -> Row:
        def one(item: Row) -> Row:
            if update:
                return _updated(ledger, kind, item, call.endpoint)
            return _inserted(ledger, kind, item, call.endpoint)

        return summary(ledger, call.endpoint, items_of(call.body), one)

    return handler


def routes() -> dict[str, Route]:
    """Everything on the four documents but their lists."""
    found: dict[str, Route] = {}
    for kind in (RECEIVABLE, COLLECTION):
        found |= {
            f"{kind.name}/detail": Route("GET", detail(kind)),
            f"{kind.name}/save": Route("POST", save_one(kind), write=True, idempotent=True),
            f"{kind.name}/saveandsubmit": Route("POST", save_one(kind, submit=True), write=True),
            f"{kind.name}/batchsave": Route("POST", save_many(kind), write=True),
            f"{kind.name}/batchupdate": Route("POST", save_many(kind, update=True), write=True),
        }
        found |= {f"{kind.name}/{name}": Route("POST", move(kind, name), write=True) for name in _MOVES}
    for kind in (OAR, RECEIVEBILL):
        found |= {
            f"{kind.name}/detail": Route("GET", detail(kind)),
            f"{kind.name}/save": Route("POST", save_many(kind), write=True),
            f"{kind.name}/single/save": Route("POST", save_one(kind), write=True, idempotent=True),
        }
    return found | {
        "fi/receivebill/delete": Route("POST", move(RECEIVEBILL, "delete"), write=True),
        "fi/receivebill/batchaudit": Route("POST", move(RECEIVEBILL, "audit"), write=True),
        "fi/receivebill/batchunaudit": Route("POST", move(RECEIVEBILL, "unaudit"), write=True),
    }
