"""Turns the body of a save into a document of the books, with the checks of the business side (yonyou.md B7, B8)."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.books import Row

from .documents import COLLECTION, OAR, RECEIVABLE, RECEIVEBILL, ZERO, Kind
from .ledger import ORG, Ledger
from .refusal import check_failed, missing, no_data, wrong_format, wrong_type
from .wire import CURRENCIES, currency_code, day, decimal_of, rounded, storable, text_of, to_base

# Alternatives stand side by side; an id wins over a code.
REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    RECEIVABLE.table: (
        ("financeOrg", "financeOrgCode"), ("billDate",), ("bustype", "bustypeCode"), ("org", "orgCode"),
        ("oriCurrency", "oriCurrencyCode"), ("objectType",), ("customer", "customerCode"), ("exchangeRate",),
        ("exchangeRateDate",), ("direction",), ("bodyItem",), ("_status",),
    ),
    RECEIVEBILL.table: (
        ("accentity_code", "accentity"), ("vouchdate",), ("tradetype", "tradetype_code"), ("currency", "currency_code"),
        ("exchangeRateType", "exchangeRateType_code"), ("exchRate",), ("oriSum",), ("natSum",),
        ("customer", "customer_code"), ("_status",),
    ),
    OAR.table: (  # not listed by the sheet: the receipt's without its trade type [inferred]
        ("accentity_code", "accentity"), ("vouchdate",), ("currency", "currency_code"), ("exchRate",), ("oriSum",),
        ("natSum",), ("customer", "customer_code"), ("oarDetail",), ("_status",),
    ),
}  # fmt: skip
REQUIRED[COLLECTION.table] = REQUIRED[RECEIVABLE.table]  # "same header grammar" (B7)

_DATE = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?")
_NOT_KEPT = frozenset({"_status", "resubmitCheckKey", "pubts", "createTime", "modifyTime", "auditTime"})
_ORG_FIELDS = (("financeOrg", "financeOrgCode"), ("org", "orgCode"), ("accentity", "accentity_code"))


def check_required(kind_table: str, body: Row) -> None:
    """Refusal 310008 naming the first required field that is missing; null and blank count as missing."""
    for names in REQUIRED[kind_table]:
        if all(body.get(name) in (None, "", []) for name in names):
            raise missing("/".join(names))


def built(ledger: Ledger, kind: Kind, body: Row, old: Row | None = None, said: Row | None = None) -> Row:
    """A draft document from a save's body, not yet on record. `old` is the document that an update changes, `said` what
    the caller himself sent of it (default: all of `body`), whose totals must agree with the lines.

    Raises Refusal: 310008 for what is missing, 310015/310023 for malformed values, 1001 and 1002 for business checks.
    """
    check_required(kind.table, body)
    _check_organisation(body)
    iso = _currency(kind, body)
    rate = decimal_of(body[kind.rate])
    if rate is None or rate <= 0:
        raise check_failed(f"{kind.rate} must be a positive number")
    row_id = old["id"] if old else ledger.new_id("document")
    row = _kept(body, kind.lines)
    row.update({"id": row_id, kind.date: business_date(kind.date, body[kind.date]), kind.currency: CURRENCIES[iso][0]})
    row[kind.rate] = text_of(rate)
    row["customer"] = _customer(ledger, kind, body)
    for name in ("customerCode", "customerName", "customer_code", "customer_name", "oriCurrencyCode", "currency_code"):
        row.pop(name, None)  # joined in when shown
    _external_key(ledger, kind, row, old)
    _direction(kind, row)
    lines = body.get(kind.lines) or [{kind.total: body[kind.total], kind.local_total: body[kind.local_total]}]
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise wrong_type(kind.lines, "an array of objects")
    row[kind.lines] = [_line(ledger, kind, row, line, number, iso, rate) for number, line in enumerate(lines, 1)]
    _totals(ledger, kind, row, body if said is None else said, iso)
    _code(ledger, kind, row, old)
    now = ledger.now()
    row.update({"createTime": old["createTime"] if old else now, "modifyTime": now, "pubts": now})
    row.update({"verifyState": 0} if kind.family == "efi" else {"auditstatus": 2, "writeoffstatus": 2})
    return row


def _kept(given: Row, *but: str) -> Row:
    """What the books keep of an object as sent: all but what the far side sets itself."""
    refused = _NOT_KEPT.union(but)
    kept: Row = storable({key: value for key, value in given.items() if key not in refused and value is not None})
    return kept


def _check_organisation(body: Row) -> None:
    for id_name, code_name in _ORG_FIELDS:
        if body.get(id_name) not in (None, "", ORG["id"], int(ORG["id"])):
            raise no_data(f"organisation {body[id_name]} does not exist")
        if body.get(id_name) in (None, "") and body.get(code_name) not in (None, "", ORG["code"]):
            raise no_data(f"organisation {body[code_name]} does not exist")


def _currency(kind: Kind, body: Row) -> str:
    value = body.get(kind.currency) or body.get("oriCurrencyCode") or body.get("currency_code")
    iso = currency_code(value)
    if iso is None:
        raise no_data(f"currency {value} does not exist")
    return iso


def business_date(name: str, value: object) -> str:
    """A date from the wire, with or without a time, as documents carry it; Refusal 310015."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise wrong_format(name, "yyyy-MM-dd HH:mm:ss")
    try:
        return day(date.fromisoformat(value[:10]))
    except ValueError as error:
        raise wrong_format(name, "yyyy-MM-dd HH:mm:ss") from error


def _customer(ledger: Ledger, kind: Kind, body: Row) -> str:
    if kind.family == "efi" and str(body["objectType"]) != "1":
        raise check_failed("the sandbox keeps documents of customers only: objectType must be 1")
    code_name = "customerCode" if kind.family == "efi" else "customer_code"
    by_id = body.get("customer") not in (None, "")
    named = body["customer"] if by_id else body[code_name]
    customer = ledger.merchant(named, by="id" if by_id else "code")
    if customer is None:
        raise no_data(f"customer {named} unknown")
    if customer.get("stopStatus"):
        raise check_failed(f"customer {customer['code']} is disabled")
    return str(customer["id"])


def _external_key(ledger: Ledger, kind: Kind, row: Row, old: Row | None) -> None:
    """EFI's business key: the system without the voucher is refused, the voucher without the system not checked (B4)."""
    system, voucher = row.get("extSystemCode"), row.get("extVouchCode")
    if kind.family != "efi" or not system:
        return
    if not voucher:
        raise check_failed("extVouchCode is required when extSystemCode is given")
    row["_ext"] = f"{system}|{voucher}"
    held_by = ledger.books.find(kind.table, "_ext", row["_ext"])
    if held_by is not None and (old is None or held_by != old["id"]):
        raise check_failed(f"extSystemCode {system} with extVouchCode {voucher} already exists")


def _direction(kind: Kind, row: Row) -> None:
    if kind.family == "efi":
        row["direction"] = str(row["direction"])
        if row["direction"] not in ("1", "-1"):
            raise check_failed("direction must be 1 (blue) or -1 (red)")
    elif kind is OAR:
        row.setdefault("billdirection", 2)
        if row["billdirection"] not in (1, 2):
            raise check_failed("billdirection must be 1 (red) or 2 (blue)")


def _unsigned_red(ledger: Ledger, kind: Kind, row: Row) -> bool:
    red = row.get("direction") == "-1" or (kind is OAR and row.get("billdirection") == 1)
    return red and ledger.switches["red_amounts"] == "positive"


def _amount(ledger: Ledger, kind: Kind, row: Row, name: str, value: object, iso: str) -> Decimal:
    number = decimal_of(value)
    if number is None:
        raise wrong_type(name, "a number")
    if rounded(number, iso) != number:
        raise check_failed(f"{name} {number} has more decimals than {iso}")
    return rounded(-number if _unsigned_red(ledger, kind, row) else number, iso)


def _line(ledger: Ledger, kind: Kind, row: Row, line: Row, number: int, iso: str, rate: Decimal) -> Row:
    if line.get(kind.total) in (None, ""):
        raise missing(f"{kind.lines}[{number}].{kind.total}")

    def amount(name: str, currency: str, default: Decimal) -> Decimal:
        value = line.get(name)
        return default if value in (None, "") else _amount(ledger, kind, row, name, value, currency)

    total = _amount(ledger, kind, row, kind.total, line[kind.total], iso)
    tax = amount(kind.tax, iso, total - amount(kind.net, iso, total))
    net = amount(kind.net, iso, total - tax)
    if net + tax != total:
        raise check_failed(
            f"line {number}: {kind.net} {net} and {kind.tax} {tax} do not add up to {kind.total} {total}"
        )
    local_total = amount(kind.local_total, "CNY", to_base(total, rate))
    if abs(local_total - to_base(total, rate)) > Decimal("0.01"):
        raise check_failed(f"line {number}: {kind.local_total} {local_total} does not follow from the exchange rate")
    local_tax = amount(kind.local_tax, "CNY", to_base(tax, rate))
    kept = _kept(line, "grandsonItem")
    amounts = {
        kind.net: net, kind.tax: tax, kind.total: total,
        kind.local_net: local_total - local_tax, kind.local_tax: local_tax, kind.local_total: local_total,
    }  # fmt: skip
    header_key = "headerId" if kind.family == "efi" else "mainid"
    kept.update({"id": kept.get("id") or ledger.new_id("line"), header_key: row["id"]})
    if kind.family == "efi":
        kept["rowNo"] = number
    kept.update({name: text_of(value) for name, value in amounts.items()})
    if not kind.instalments:
        kept.update({kind.open: kept[kind.total], kind.local_open: kept[kind.local_total]})
        return kept
    kept["grandsonItem"] = _instalments(ledger, kind, row, line, kept, iso, rate)
    return kept


def _instalments(ledger: Ledger, kind: Kind, row: Row, line: Row, kept: Row, iso: str, rate: Decimal) -> list[Row]:
    """The instalments of a line; without any, one that falls due never (9999-12-31, B7)."""
    given: Any = line.get("grandsonItem") or [{kind.total: line[kind.total], "ratio": 100}]
    if not isinstance(given, list):
        raise wrong_type("grandsonItem", "an array of objects")
    made: list[Row] = []
    for number, item in enumerate(given, 1):
        if not isinstance(item, dict) or item.get(kind.total) in (None, ""):
            raise missing(f"grandsonItem[{number}].{kind.total}")
        total = _amount(ledger, kind, row, kind.total, item[kind.total], iso)
        part = _kept(item)
        part.setdefault("issueNo", number)
        part["expireDate"] = str(part.get("expireDate") or "9999-12-31")[:10] + " 00:00:00"
        part.setdefault("startDate", row[kind.date])
        part.setdefault("accountDate", row[kind.date])
        part.update({kind.total: text_of(total), kind.local_total: text_of(to_base(total, rate))})
        made.append(part)
    whole, base = Decimal(kept[kind.total]), Decimal(kept[kind.local_total])
    if sum((Decimal(part[kind.total]) for part in made), ZERO) != whole:
        raise check_failed(f"the instalments of line {kept['rowNo']} do not add up to {kind.total} {whole}")
    others = sum((Decimal(part[kind.local_total]) for part in made[:-1]), ZERO)
    made[-1][kind.local_total] = text_of(base - others)  # rounding stays in the last one
    for part in made:
        part.update({kind.open: part[kind.total], kind.local_open: part[kind.local_total]})
    return made


def _totals(ledger: Ledger, kind: Kind, row: Row, said: Row, iso: str) -> None:
    """Header amounts are the sums of the lines; a header that says otherwise is refused [inferred]."""
    for name in (kind.net, kind.tax, kind.total, kind.local_net, kind.local_tax, kind.local_total):
        total = sum((Decimal(line[name]) for line in row[kind.lines]), ZERO)
        currency = "CNY" if name.startswith(("local", "nat")) else iso
        value = said.get(name)
        if value not in (None, "") and _amount(ledger, kind, row, name, value, currency) != total:
            raise check_failed(f"{name} {value} differs from the sum of the lines {total}")
        row[name] = text_of(total)
    red = row.get("direction") == "-1" or (kind is OAR and row["billdirection"] == 1)
    directed = kind.family == "efi" or kind is OAR
    if directed and (Decimal(row[kind.total]) > 0 if red else Decimal(row[kind.total]) < 0):
        wanted = str(ledger.switches["red_amounts"])
        raise check_failed(f"{kind.total} {row[kind.total]}: red documents are {wanted}, blue ones not below zero")


def _code(ledger: Ledger, kind: Kind, row: Row, old: Row | None) -> None:
    if not row.get("code"):
        number = ledger.books.next_serial(f"{kind.table}_code")
        row["code"] = f"{kind.code_prefix}{row[kind.date][:7].replace('-', '')}{number:06d}"
    row["code"] = str(row["code"])
    held_by = ledger.books.find(kind.table, "code", row["code"])
    if held_by is not None and (old is None or held_by != old["id"]):
        raise check_failed(f"code {row['code']} already exists")
