"""The lists of AR documents, of their public events and of write-offs (yonyou.md B5, B7)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.books import Row

from .call import Call, Handler, Route
from .documents import (
    BY_TABLE,
    COLLECTION,
    OAR,
    RECEIVABLE,
    RECEIVEBILL,
    Kind,
    balance_of,
    is_approved,
    is_reversed,
    iso_of,
    shown,
    slots,
    total_of,
)
from .filters import span
from .ledger import EVENT_ID_OFFSET, Ledger
from .lists import ListRule, answer
from .refusal import Refusal
from .wire import CURRENCIES, presentable

EFI_PAGE_MAX = 500  # [1]
_AR_EVENT, _COLLECTION_EVENT = "EFI/arPublicEvent/list", "EFI/collectionPublicEvent/list"


def list_handler(rule: ListRule) -> Handler:
    """Answer one list."""

    def handler(ledger: Ledger, call: Call) -> Any:
        return answer(ledger, rule, call.body)

    return handler


def _efi_row(kind: Kind) -> Any:
    """Header, and in line mode the line flattened as ``bodyItem<Name>``, its key as ``bodyItem_id`` (B7)."""

    def show(ledger: Ledger, row: Row, n: int) -> Row:
        endpoint = f"{kind.name}/list"
        if n < 0:
            return shown(ledger, kind, row, endpoint, lines=False)
        whole = shown(ledger, kind, row, endpoint, lines=True)
        line = whole.pop(kind.lines)[n]
        whole["bodyItem_id"] = line.pop("id")
        for name, value in line.items():
            if not isinstance(value, (list, dict)):
                whole[f"bodyItem{name[0].upper()}{name[1:]}"] = value
        return {**whole, "bodyItemCustomer": whole.get("customer"), "bodyItemPubts": row["pubts"]}

    return show


def _fi_row(kind: Kind, endpoint: str) -> Any:
    """Header, and in line mode ``<lines>_id`` and ``detail_<name>`` (documented for oar, for receipts [inferred])."""

    def show(ledger: Ledger, row: Row, n: int) -> Row:
        if n < 0:
            return shown(ledger, kind, row, endpoint, lines=False)
        whole = shown(ledger, kind, row, endpoint, lines=True)
        line = whole.pop(kind.lines)[n]
        whole[f"{kind.lines}_id"] = line.pop("id")
        whole.update({f"detail_{name}": value for name, value in line.items()})
        return {**whole, "detail_customer": whole.get("customer"), "detail_pubts": row["pubts"]}

    return show


def _event_header(ledger: Ledger, kind: Kind, row: Row) -> Row:
    """The header of a public event: which document, what it is about and what of it is open."""
    open_now, local_open = balance_of(kind, row)
    customer = ledger.merchant(row.get("customer", ""))
    header: Row = {
        "id": str(int(row["id"]) + EVENT_ID_OFFSET),
        "code": f"EV{row['code']}",
        "bizBillCode": row["code"],
        "bizBillId": row["id"],
        "srcBillCode": row["code"],
        "srcBillId": row["id"],
        "srcBillDate": row[kind.date],
        "accDate": row[kind.date],
        "customer": row.get("customer"),
        "oriCurrency": row[kind.currency],
        "oriCurrencyCode": iso_of(kind, row),
        "oriAmount": total_of(kind, row),
        "orgAmount": Decimal(row[kind.local_total]),
        "oriBalance": open_now,
        "orgBalance": local_open,
        "oriOcupyAmount": Decimal(row.get("_occupied", "0")),
        "pubts": row["pubts"],
    }
    if customer:
        header |= {"customerCode": customer["code"], "customerName": customer["name"]["simplifiedName"]}
    return header


def _ar_event(ledger: Ledger, row: Row, n: int) -> Row:
    header = _event_header(ledger, RECEIVABLE, row)
    if n < 0:
        return header
    line, part = slots(RECEIVABLE, row)[n]
    prefix = "bodyItem_grandsonItem_"
    return {
        **header,
        "bodyItem_id": line["id"],
        f"{prefix}issueNo": part["issueNo"],
        f"{prefix}expireDate": part["expireDate"],
        f"{prefix}oriAmount": Decimal(part[RECEIVABLE.total]),
        f"{prefix}oriBalance": Decimal(part[RECEIVABLE.open]),
        f"{prefix}orgBalance": Decimal(part[RECEIVABLE.local_open]),
        f"{prefix}balanceState": _balance_state(part[RECEIVABLE.open]),
    }


def _collection_event(ledger: Ledger, row: Row, n: int) -> Row:
    header = _event_header(ledger, COLLECTION, row)
    if n < 0:
        return header
    line = row[COLLECTION.lines][n]
    total, open_now = Decimal(line[COLLECTION.total]), Decimal(line[COLLECTION.open])
    return {
        **header,
        "bodyItem_id": line["id"],
        "bodyItem_quickTypeCode": line.get("quickTypeCode"),
        "bodyItem_quickTypeName": line.get("quickTypeName"),
        "bodyItem_oriAmount": total,
        "bodyItem_oriBalance": open_now,
        "bodyItem_orgBalance": Decimal(line[COLLECTION.local_open]),
        "bodyItem_verifyAmount": total - open_now,
        "bodyItem_balanceState": _balance_state(open_now),
    }


def _balance_state(open_now: str | Decimal) -> str:
    return "0" if Decimal(open_now) else "1"  # "1" when fully cleared, in a sample [1]


def _expire_date(row: Row, _: str, n: int) -> str:
    parts = slots(RECEIVABLE, row)
    return str((parts[n] if n >= 0 else parts[0])[1]["expireDate"])


def _verify_side(ledger: Ledger, row: Row, n: int) -> tuple[Row, Kind, Row]:
    """The stored side of a write-off's row (0 debit, 1 credit), with its document as far as it still exists."""
    side = row["_C" if n else "_D"]
    kind = BY_TABLE[side["table"]]
    return side, kind, ledger.books.look(kind.table, side["id"]) or {}


def _efi_verify(ledger: Ledger, row: Row, n: int) -> Row:
    """One row for each document (debit, then credit) with the same id; the header's amounts stand on both [inferred]."""
    whole = presentable(row, numeric_ids=False)
    if n < 0:
        return whole
    _, kind, document = _verify_side(ledger, row, n)
    customer = ledger.merchant(document.get("customer", "")) or {}
    prefix = "bodyItem_grandsonItem_srcGrandson_event_"
    return {
        **whole,
        "bodyItem_id": f"{row['id']}",
        f"{prefix}code": f"EV{document.get('code', '')}",
        f"{prefix}srcBillCode": document.get("code"),
        f"{prefix}srcBillId": document.get("id"),
        f"{prefix}srcBillDate": document.get(kind.date),
        f"{prefix}srcBillType": kind.name.rpartition("/")[2],  # the vendor's values are not published [inferred]
        f"{prefix}customer_name": customer.get("name", {}).get("simplifiedName"),
    }


def _fi_verify(ledger: Ledger, row: Row, n: int) -> Row:
    """One row for each document with the same id and code; ``billamount`` is what this write-off took off it
    [inferred: the row has no other amount].
    """
    side, kind, document = _verify_side(ledger, row, n)
    letter = "DC"[n]
    customer = ledger.merchant(document.get("customer", "")) or {}
    type_key = "de_basebilltype_name" if letter == "D" else "cr_basebilltype_name"
    return {
        "id": row["id"],
        "code": row["code"],
        "vouchdate": row["vouchdate"],
        "customer": document.get("customer"),
        "customer_name": customer.get("name", {}).get("simplifiedName"),
        "billtype": bill_type(kind, document),
        "billid": side["id"],
        "billno": document.get("code"),
        "billdate": document.get(kind.date),
        "billamount": Decimal(row[f"ori{letter}Amount"]),
        "bill_localamount": Decimal(row[f"org{letter}Amount"]),
        "currency": row[f"ori{letter}Currency"],
        "currency_name": next(facts[1] for facts in CURRENCIES.values() if facts[0] == row[f"ori{letter}Currency"]),
        type_key: kind.type_name,
        "writeOffState": row["writeOffState"],
        "voucherstatus": 2,
        "period_code": row["vouchdate"][:7],
        "pubts": row["pubts"],
    }


def bill_type(kind: Kind, document: Row) -> int:
    """1 sales invoice, 2 other receivable, 3/4 red of those, 7 receipt, 9 customer refund (B7)."""
    if kind is RECEIVEBILL:
        return 9 if document and total_of(kind, document) < 0 else 7
    return int(document.get("billtype", 1))


def _effective(kind: Kind) -> Any:
    return lambda row: is_approved(kind, row) and not is_reversed(kind, row)


def _efi_document(kind: Kind) -> ListRule:
    return ListRule(
        endpoint=f"{kind.name}/list",
        table=kind.table,
        show=_efi_row(kind),
        bounds=(
            *span("modifyTime", "modifyTime", stamp=True),
            *span("auditTime", "auditTime", stamp=True),
            *span("billDate", kind.date),
            *span("pubts", "pubts", place="simple", stamp=True),
        ),
        size_max=EFI_PAGE_MAX,
        lined=True,
        rows_of=lambda row: len(row[kind.lines]),
        spoiled=kind.total,
    )


def _fi_document(kind: Kind, endpoint: str) -> ListRule:
    if kind is OAR:  # no change filter (B5)
        bounds = (
            *span("vouchdate", kind.date, place="simple"),
            *span("maturitydate", "maturitydate", place="simple"),
        )
    else:
        bounds = (*span("vouchdate", kind.date), *span("vouchdate", kind.date, place="simple"))
    return ListRule(
        endpoint=endpoint,
        table=kind.table,
        show=_fi_row(kind, endpoint),
        bounds=bounds,
        simple_vos=kind is RECEIVEBILL,
        lined=True,
        rows_of=lambda row: len(row[kind.lines]),
        spoiled=kind.total,
    )


RULES: tuple[ListRule, ...] = (
    _efi_document(RECEIVABLE),
    _efi_document(COLLECTION),
    ListRule(
        endpoint=_AR_EVENT, table=RECEIVABLE.table, show=_ar_event, size_max=EFI_PAGE_MAX, lined=True,
        bounds=(
            *span("accDate", "billDate"),
            *span("srcBillDate", "billDate"),
            *span("bodyItem.grandsonItem.expireDate", "expireDate", value=_expire_date),
        ),
        visible=_effective(RECEIVABLE), rows_of=lambda row: len(slots(RECEIVABLE, row)), spoiled="oriBalance",
        equal=frozenset({"customer"}),
    ),
    ListRule(
        endpoint=_COLLECTION_EVENT, table=COLLECTION.table, show=_collection_event, size_max=EFI_PAGE_MAX, lined=True,
        bounds=(*span("accDate", "billDate"), *span("srcBillDate", "billDate")),
        visible=_effective(COLLECTION), rows_of=lambda row: len(row["bodyItem"]), spoiled="oriBalance",
        equal=frozenset({"customer"}),
    ),
    ListRule(
        endpoint="EFI/arverifyevent/list", table="efi_verify", show=_efi_verify, size_max=EFI_PAGE_MAX, lined=True,
        bounds=(*span("busDate", "busDate"), *span("pubts", "pubts", place="simple", stamp=True)),
        rows_of=lambda _: 2, spoiled="oriDAmount", equal=frozenset({"id", "code"}),
    ),
    ListRule(
        endpoint="fi/arverify/list", table="fi_verify", show=_fi_verify, lined=True,
        bounds=(*span("pubts", "pubts", stamp=True), *span("vouchdate", "vouchdate")),
        rows_of=lambda _: 2, spoiled="billamount", equal=frozenset({"id", "code"}), summable=False,
    ),
    _fi_document(OAR, "fi/oar/list"),
    _fi_document(RECEIVEBILL, "fi/receivebill/list/v2"),
)  # fmt: skip


def _oar_list(ledger: Ledger, call: Call) -> Any:
    rule = _fi_document(OAR, "fi/oar/list")
    return answer(ledger, replace(rule, simple_vos=bool(ledger.switches["oar_change_filter"])), call.body)


def _old_receivebill_list(ledger: Ledger, call: Call) -> Any:
    if not ledger.switches["old_receivebill_list"]:
        raise Refusal("310404", "fi/receivebill/list was retired, use fi/receivebill/list/v2", status=404)
    return answer(ledger, _fi_document(RECEIVEBILL, "fi/receivebill/list"), call.body)


def routes() -> dict[str, Route]:
    """The lists of this module."""
    found = {rule.endpoint: Route("POST", list_handler(rule)) for rule in RULES}
    return found | {
        "fi/oar/list": Route("POST", _oar_list),
        "fi/receivebill/list": Route("POST", _old_receivebill_list),
    }
