"""Build Zoho's writes and read what became of each record (zoho.md 5). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors.base import Outcome, Write
from ledgerbridge.errors import ConnectorError, NotAllowed, OutcomeUnknown, Refused
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action
from ledgerbridge.model.raw import Receipt
from ledgerbridge.model.wirejson import WireValue

from .catalog import INVOICES, Module, api_name
from .codec import API, facts, said
from .codec_pages import moment, usable_id
from .settings import ZohoCrmSettings
from .walking import header

FAILURES: Final[Mapping[str, type[ConnectorError]]] = {
    "MANDATORY_NOT_FOUND": Refused,
    "INVALID_DATA": Refused,
    "DUPLICATE_DATA": Refused,
    "MULTIPLE_OR_MULTI_ERRORS": Refused,
    "DEPENDENT_FIELD_MISSING": Refused,
    "DEPENDENT_MISMATCH": Refused,
    "EXPECTED_FIELD_MISSING": Refused,
    "LIMIT_EXCEEDED": Refused,
    "RECORD_LOCKED": Refused,
    "NOT_APPROVED": Refused,
    "ALREADY_MODIFIED": Refused,
    "AUTHORIZATION_FAILED": NotAllowed,
    "NO_PERMISSION": NotAllowed,
    "INTERNAL_ERROR": OutcomeUnknown,
}
"""Codes of one record's result (zoho.md 5). What is not among them leaves the outcome unknown."""


class _Result(msgspec.Struct):
    code: str
    status: str = ""
    message: str | None = None
    details: msgspec.Raw = msgspec.Raw(b"{}")
    action: str | None = None
    duplicate_field: str | None = None


class _Results(msgspec.Struct):
    data: list[_Result]


class _Done(msgspec.Struct):
    id: str | int


class _Fault(msgspec.Struct):
    id: str | int | None = None
    Modified_Time: str | None = None
    errors: list[_Result] = []


_RESULTS = msgspec.json.Decoder(_Results)
_DONE = msgspec.json.Decoder(_Done)
_FAULT = msgspec.json.Decoder(_Fault)


def upsert_call(module: Module, settings: ZohoCrmSettings, writes: Sequence[Write]) -> Call:
    """Create records under our keys: a key that exists already makes no second record (zoho.md 5)."""
    rows = [new_record(module, settings, write) for write in writes]
    body = _envelope(settings, rows)
    body["duplicate_check_fields"] = [settings.key_field]
    path = f"{API}/{api_name(module, settings)}/upsert"
    return Call("POST", path, json=body, headers=_external(module, settings, rows), writes=True)


def update_call(module: Module, settings: ZohoCrmSettings, writes: Sequence[Write]) -> Call:
    """Change records by id; only what is given changes. Lines come on top of those that are there (zoho.md 5 [inferred]).

    An expected version goes along as If-Unmodified-Since: 412 if the record changed after it was read; whole seconds
    (zoho.md 5). One header serves the call, so such a write must be alone in it.
    """
    rows: list[dict[str, WireValue]] = []
    for write in writes:
        assert write.change.target is not None  # checked before
        body = changed_fields(module, settings, write)
        rows.append(_with_products(module, settings, {**body, "id": write.change.target.external_id}))
    headers = _external(module, settings, rows)
    since = read_at(writes[0])
    if since is not None:
        headers["If-Unmodified-Since"] = header(since)
    path = f"{API}/{api_name(module, settings)}"
    return Call("PUT", path, json=_envelope(settings, rows), headers=headers, writes=True)


def changed_fields(module: Module, settings: ZohoCrmSettings, write: Write) -> dict[str, WireValue]:
    """What an update or a void sends: the mapping's body without our key, and the status that means void."""
    body = {name: value for name, value in write.body.items() if name != settings.key_field}
    status = void_status(module, settings) if write.change.action is Action.VOID else None
    return {"Status": status, **body} if status is not None else body


def void_status(module: Module, settings: ZohoCrmSettings) -> str | None:
    """The status of a void record; None for a module that has none."""
    statuses = {Kind.INVOICE: settings.void_invoice_status, Kind.PAYMENT: settings.void_payment_status}
    return statuses.get(module.kind)


def read_at(write: Write) -> datetime | None:
    """The Modified_Time of the version that an update expects: our order is that stamp too (``codec_pages.raw_record``)."""
    expected = write.change.expected
    if expected is None:
        return None
    if expected.modified_at is None and expected.order is not None:
        return datetime.fromtimestamp(expected.order / 1000, UTC)
    return expected.modified_at


def _envelope(settings: ZohoCrmSettings, rows: Sequence[Mapping[str, WireValue]]) -> dict[str, WireValue]:
    return {"data": [dict(row) for row in rows], "trigger": list(settings.triggers)}


def new_record(module: Module, settings: ZohoCrmSettings, write: Write) -> dict[str, WireValue]:
    """The wire form of a create: the mapping's body, our key, and what Zoho insists on that no canonical field is."""
    row: dict[str, WireValue] = {**write.body, settings.key_field: write.change.key}
    if module is INVOICES:
        row.setdefault("Subject", row.get("ERP_Invoice_Number"))  # mandatory (zoho.md 12)
        if not row.get("Invoiced_Items") and settings.stand_in_product is not None:
            row["Invoiced_Items"] = [_stand_in(row)]
    return _with_products(module, settings, row)


def _stand_in(row: Mapping[str, WireValue]) -> dict[str, WireValue]:
    """The one line of an invoice without lines: Zoho wants at least one (zoho.md 12 [1])."""
    line: dict[str, WireValue] = {
        "Quantity": 1,
        "List_Price": row.get("ERP_Net", row.get("ERP_Total")),
        "ERP_Net": row.get("ERP_Net"),
        "ERP_Tax": row.get("ERP_Tax"),
        "ERP_Gross": row.get("ERP_Total"),
    }
    return {name: value for name, value in line.items() if value is not None}


def _with_products(module: Module, settings: ZohoCrmSettings, row: dict[str, WireValue]) -> dict[str, WireValue]:
    """Every new line names its product: by item code in the external field, else the stand-in."""
    lines = row.get("Invoiced_Items") if module is INVOICES else None
    if not isinstance(lines, list):
        return row
    return {**row, "Invoiced_Items": [_with_product(settings, line) for line in lines]}


def _with_product(settings: ZohoCrmSettings, line: WireValue) -> WireValue:
    if not isinstance(line, dict) or line.get("Product_Name") is not None or line.get("id") is not None:
        return line
    code = line.get("ERP_Item_Code") if settings.product_key_field else None
    product = code or settings.stand_in_product
    return {**line, "Product_Name": {"id": product}} if product else line


def _external(module: Module, settings: ZohoCrmSettings, rows: Sequence[Mapping[str, WireValue]]) -> dict[str, str]:
    """X-EXTERNAL, if lines name products by their external field (zoho.md 5 [2+])."""
    if module is not INVOICES or not settings.product_key_field or not any(row.get("Invoiced_Items") for row in rows):
        return {}
    return {"X-EXTERNAL": f"Invoices.Invoiced_Items.Product_Name.{settings.product_key_field}"}


def outcomes(
    reply: Reply, module: Module, settings: ZohoCrmSettings, writes: Sequence[Write], system: str
) -> tuple[Outcome, ...]:
    """What became of each write, in the order of the input, whatever the HTTP status was (zoho.md 5)."""
    try:
        results = _RESULTS.decode(reply.body).data
    except msgspec.DecodeError:
        results = []
    if reply.status == 412 and len(results) < len(writes):  # one header serves the call: nothing was written [inferred]
        results = [results[0]] * len(writes) if results else []
    if len(results) != len(writes):
        unclear = OutcomeUnknown(
            f"answered {len(results)} results to {len(writes)} records; they may have been written",
            system=system,
            request_id=reply.request_id,
        )
        return (unclear,) * len(writes)
    return tuple(
        _outcome(result, reply, module, settings, write, system) for result, write in zip(results, writes, strict=True)
    )


def _outcome(
    result: _Result, reply: Reply, module: Module, settings: ZohoCrmSettings, write: Write, system: str
) -> Outcome:
    if result.status != "success" or result.code != "SUCCESS":
        return _refusal(result, reply, system)
    try:
        record_id = str(_DONE.decode(result.details).id)
    except msgspec.DecodeError:
        record_id = ""
    target = write.change.target
    if not usable_id(record_id) or (target is not None and target.external_id != record_id):
        return OutcomeUnknown(
            "said to be done, but without the record's own id", system=system, request_id=reply.request_id
        )
    found_by = result.duplicate_field
    if result.action == "update" and found_by is not None and found_by != settings.key_field:
        return OutcomeUnknown(
            f"the new record was taken for {record_id}, which has the same {found_by}, and that one was changed: unique"
            f" fields besides {settings.key_field} make Zoho do so (zoho.md 5)",
            system=system,
            request_id=reply.request_id,
        )
    return Receipt(Ref(system=system, kind=module.kind, external_id=record_id), None, reply.request_id)


def _refusal(result: _Result, reply: Reply, system: str) -> ConnectorError:
    """The error of one record, with the fields at fault and what Zoho holds against them."""
    known = FAILURES.get(result.code)
    if known is None:
        return OutcomeUnknown(
            "answered with a result code that is not documented", system=system, code=result.code,
            request_id=reply.request_id,
        )  # fmt: skip
    return known(_words(result), system=system, code=result.code, request_id=reply.request_id)


def _words(result: _Result) -> str:
    try:
        fault = _FAULT.decode(result.details)
    except msgspec.DecodeError:
        fault = _Fault()
    if result.code == "ALREADY_MODIFIED":
        at = moment(fault.Modified_Time)
        when = f" at {header(at)}" if at is not None else ""
        return f"record {fault.id} was changed there{when}, after it was read; pull again and plan anew"
    parts = [said(result.message), facts(result.details)]
    if result.code == "DUPLICATE_DATA" and fault.id is not None:
        parts.append(f"record {fault.id} has this value already")
    parts += [f"{one.code} {_words(one)}" for one in fault.errors[:5]]
    return "; ".join(part for part in parts if part)
