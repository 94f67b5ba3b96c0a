"""Complete the bodies of writes with what the vendor wants and no mapping knows, and read their answers (B4, B6, B7). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from ledgerbridge.connectors._http.call import Reply
from ledgerbridge.errors import ConnectorError, OutcomeUnknown, Refused
from ledgerbridge.model.money import exponent
from ledgerbridge.model.wirejson import WireValue, loads

from .codec import SUCCESS, elements, said, text_of
from .resources import COLLECTION, OAR, RECEIVABLE, RECEIVEBILL, Resource
from .settings import YonyouBipSettings

Body = dict[str, Any]

DUE: Final = "_due"
FEE: Final = "_fee"
"""What mappings hand over to this module and what is never sent under these names: the due date, the bank's fee."""


class CannotWrite(ValueError):
    """A record that these settings cannot write; the message says what to set."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a document of one object has its amounts and lines."""

    lines: str
    total: str
    local_total: str
    currency: str
    currency_code: str
    rate: str
    date: str
    organisations: tuple[tuple[str, str], ...]


_EFI: Final = Shape(
    "bodyItem", "oriTaxIncludedAmount", "localTaxIncludedAmount", "oriCurrency", "oriCurrencyCode", "exchangeRate",
    "billDate", (("financeOrg", "financeOrgCode"), ("org", "orgCode")),
)  # fmt: skip
_OAR: Final = Shape(
    "oarDetail", "oriSum", "natSum", "currency", "currency_code", "exchRate", "vouchdate",
    (("accentity", "accentity_code"),),
)  # fmt: skip
SHAPES: Final[Mapping[str, Shape]] = {
    RECEIVABLE.wire_type: _EFI,
    COLLECTION.wire_type: _EFI,
    OAR.wire_type: _OAR,
    RECEIVEBILL.wire_type: Shape(
        "ReceiveBill_b", "oriSum", "natSum", "currency", "currency_code", "exchRate", "vouchdate",
        (("accentity", "accentity_code"),),
    ),
}  # fmt: skip


def customer_body(settings: YonyouBipSettings, body: Mapping[str, WireValue], key: str) -> Body:
    """The `data` of ``merchant/idempotent/newinsert`` (B4, B7)."""
    made: Body = dict(body)
    if settings.org_code and not (made.get("createOrgCode") or made.get("createOrgId")):
        made["createOrgCode"] = settings.org_code
    if made.get("creditCode"):
        made.setdefault("licenseType", 0)  # a unified social credit code (B7)
    return {**made, "resubmitCheckKey": key}


def document_body(
    settings: YonyouBipSettings, resource: Resource, body: Mapping[str, WireValue], key: str, base_currency: str
) -> Body:
    """The `data` of a save that creates a document; CannotWrite if a setting is missing.

    Amounts go as they are signed: negative for red documents [inferred]. Base amounts follow from the rate; what rounding
    leaves goes to the last line, so that the lines add up to the header.
    """
    shape = SHAPES[resource.wire_type]
    made: Body = dict(body)
    due, fee = made.pop(DUE, None), made.pop(FEE, None)
    # of a receipt's lines mappings say no more than that they are an advance
    advance = resource in (COLLECTION, RECEIVEBILL) and bool(made.pop(shape.lines, None))
    for by_id, by_code in shape.organisations:
        if settings.org_code and not (made.get(by_id) or made.get(by_code)):
            made[by_code] = settings.org_code
    currency = str(made.get(shape.currency_code) or "")
    if not made.get(shape.rate) and currency == base_currency:
        made[shape.rate] = 1
    if fee:
        made[shape.total] = _number(made[shape.total]) + _number(fee)
    _lines(settings, resource, shape, made, fee, advance=advance)
    _local_amounts(shape, made, base_currency)
    if shape is _EFI:
        _efi(settings, resource, made, due, key)
    else:
        _fi(settings, resource, made, currency)
    return {**made, "_status": "Insert", "resubmitCheckKey": key}


def _lines(
    settings: YonyouBipSettings, resource: Resource, shape: Shape, made: Body, fee: WireValue, *, advance: bool
) -> None:
    """A document has at least one line; a receipt one for what settles and one for what the bank kept."""
    if resource not in (COLLECTION, RECEIVEBILL):
        if not made.get(shape.lines):
            kept = [name for name in made if name.startswith(("ori", "local", "nat")) and name != shape.currency_code]
            made[shape.lines] = [{name: made[name] for name in kept if name not in ("oriCurrency", "natCurrency")}]
        return
    whole = _number(made[shape.total])
    kept_by_bank = _number(fee) if fee else Decimal(0)
    wanted = settings.quick_type_advance if advance else settings.quick_type_receivable
    if advance and wanted is None:
        raise CannotWrite("the receipt is an advance: set quick_type_advance to the code of its purpose (款项类型)")
    lines = [_receipt_line(resource, shape, whole - kept_by_bank, wanted)]
    if kept_by_bank:
        if settings.quick_type_fee is None:
            raise CannotWrite("the receipt has a bank fee: set quick_type_fee to the code of its purpose (款项类型)")
        lines.append(_receipt_line(resource, shape, kept_by_bank, settings.quick_type_fee))
    made[shape.lines] = lines


def _receipt_line(resource: Resource, shape: Shape, amount: Decimal, quick_type: str | None) -> Body:
    line: Body = {shape.total: amount}
    if resource is RECEIVEBILL:
        line["_status"] = "Insert"
    if quick_type is not None:
        line["quickTypeCode" if resource is COLLECTION else "quickType_code"] = quick_type
        if resource is RECEIVEBILL:
            line["quickType"] = quick_type
    return line


def _local_amounts(shape: Shape, made: Body, base_currency: str) -> None:
    """The gross amounts in base currency, on the header and on each line."""
    rate = made.get(shape.rate)
    if rate in (None, ""):
        return  # the vendor will name the rate as missing
    whole = made.get(shape.local_total)
    left = _to_base(_number(made[shape.total]), rate, base_currency) if whole in (None, "") else _number(whole)
    made[shape.local_total] = left
    lines = made[shape.lines]
    for number, line in enumerate(lines, 1):
        if line.get(shape.total) in (None, ""):
            return
        part = left if number == len(lines) else _to_base(_number(line[shape.total]), rate, base_currency)
        line[shape.local_total] = part
        left -= part


def _efi(settings: YonyouBipSettings, resource: Resource, made: Body, due: WireValue, key: str) -> None:
    made.setdefault("objectType", 1)  # a customer
    made.setdefault("direction", "-1" if _number(made["oriTaxIncludedAmount"]) < 0 else "1")
    made.setdefault("exchangeRateDate", made.get("billDate"))
    bustype = settings.receivable_bustype if resource is RECEIVABLE else settings.collection_bustype
    if bustype and not (made.get("bustype") or made.get("bustypeCode")):
        made["bustypeCode"] = bustype
    made["extSystemCode"], made["extVouchCode"] = settings.ext_system_code, key
    if due and resource is RECEIVABLE:
        for line in made["bodyItem"]:
            instalment = {
                name: line[name] for name in ("oriTaxIncludedAmount", "localTaxIncludedAmount") if name in line
            }
            line["grandsonItem"] = [{"issueNo": 1, "expireDate": due, "ratio": 100, **instalment}]


_REQUIRED: Final = (
    "accentity_code", "vouchdate", "tradetype", "currency", "exchangeRateType", "exchangeRateType_code",
    "exchangeRateType_digit", "exchRate", "oriSum", "natSum", "customer",
)  # fmt: skip


def carried(settings: YonyouBipSettings, held: Mapping[str, WireValue]) -> Body:
    """What fi's save asks for whatever is changed (B7), as the document has it."""
    made: Body = {name: held[name] for name in _REQUIRED if held.get(name) is not None}
    if "tradetype" in made:  # receipts; the list of what a receivable needs is not documented
        _rate_type(settings, made)
    return made


def _rate_type(settings: YonyouBipSettings, made: Body) -> None:
    if settings.exchange_rate_type:
        made.setdefault("exchangeRateType", settings.exchange_rate_type)
        made.setdefault("exchangeRateType_code", settings.exchange_rate_type)
        made.setdefault("exchangeRateType_digit", settings.exchange_rate_digits)


def _fi(settings: YonyouBipSettings, resource: Resource, made: Body, currency: str) -> None:
    made.setdefault("currency", settings.currency_ids.get(currency, currency))
    _rate_type(settings, made)
    if resource is RECEIVEBILL:
        if settings.receipt_tradetype:
            made.setdefault("tradetype", settings.receipt_tradetype)
        made.setdefault("caobject", 1)  # a customer
    else:
        red = _number(made["oriSum"]) < 0
        made.setdefault("billdirection", 1 if red else 2)
        made.setdefault("billtype", 3 if red else 1)
        for line in made["oarDetail"]:
            line.setdefault("_status", "Insert")


def _number(value: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise CannotWrite("an amount of the document is no number") from None


def _to_base(amount: Decimal, rate: Any, base_currency: str) -> Decimal:
    return (amount * _number(rate)).quantize(Decimal(1).scaleb(-exponent(base_currency)), ROUND_HALF_UP)


# -- answers


class _Answer(msgspec.Struct, rename="camel"):
    id: msgspec.Raw = msgspec.Raw()
    fail_count: msgspec.Raw = msgspec.Raw()
    messages: msgspec.Raw = msgspec.Raw()
    infos: msgspec.Raw = msgspec.Raw()


class _Root(msgspec.Struct, rename="camel"):
    code: msgspec.Raw = msgspec.Raw()
    data: msgspec.Raw = msgspec.Raw()


def written_id(reply: Reply, system: str) -> str:
    """The id of what one write made or changed.

    Success may hide a failure (B3): `failCount` is Refused with the vendor's words. An answer without an id is OutcomeUnknown.
    """
    answer = _answer(reply, system)
    found = text_of(answer.id)
    if not found and bytes(answer.infos).strip().startswith((b"[", b"{")):
        first = next(iter(elements(answer.infos, reply, system)), None)
        found = "" if first is None else text_of(msgspec.json.decode(first, type=_Answer).id)
    if not found:
        raise _unclear("said to be done, but without the record's id", reply, system)
    return found


def done(reply: Reply, system: str) -> None:
    """Nothing, if one write was carried out; Refused if the answer counts a failure."""
    _answer(reply, system)


def _answer(reply: Reply, system: str) -> _Answer:
    try:
        root = msgspec.json.decode(reply.body, type=_Root)
        data = bytes(root.data).strip()
        if data in (b"", b"null"):
            return _Answer()
        if data.startswith(b"["):
            first = next(iter(msgspec.json.decode(data, type=list[msgspec.Raw])), None)
            answer = _Answer() if first is None else msgspec.json.decode(first, type=_Answer)
        else:
            answer = msgspec.json.decode(data, type=_Answer)
    except msgspec.DecodeError:
        raise _unclear("answered in an unknown shape", reply, system) from None
    if text_of(root.code) in SUCCESS and text_of(answer.fail_count) not in ("", "0"):
        raise Refused(f"refused: {said(_messages(answer))}", system=system, request_id=reply.request_id)
    return answer


def _messages(answer: _Answer) -> str:
    """`messages` is an array or one text (B3 [2+])."""
    held = bytes(answer.messages).strip()
    value = loads(held) if held else ""
    texts: Sequence[WireValue] = value if isinstance(value, list) else [value]
    return "; ".join(text if isinstance(text, str) else "" for text in texts)


def _unclear(words: str, reply: Reply, system: str) -> ConnectorError:
    return OutcomeUnknown(words, system=system, request_id=reply.request_id)
