"""What U8 accepts in `add` and `edit`, and the row it makes of it (yonyou.md A5, A6).

Amounts are kept in the books as decimal text: of a red sale invoice negative, of a red 应收单 positive, of receipts and
refunds positive (`vouchtype` 48 and 49 tell them apart). A caller may send a red document with either sign [inferred].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.clock import SandboxClock

from .currencies import BASE, NAMES
from .ledger import Ledger
from .shapes import CUSTOMER, CUSTOMER_CHILDREN, CUSTOMER_CLASS, CUSTOMER_EXTENSIONS, Resource
from .vouchers import COMPLETE
from .wire import REFUSED, SHANGHAI, Refusal, archive_day, day, decimal_text, is_red, negated, read_body, to_decimal

_STAMPS = frozenset({"ModifyDate", "timestamp"})  # U8's own, whatever a caller sends
_DATES_OF_ARCHIVES = frozenset({"seed_date", "end_date"})
_PREFIXES = {"saleinvoice": "XSFP", "oughtreceive": "YSD", "accept": "SKD"}
_TRUE = {"1": 1, "true": 1, "0": 0, "false": 0}


@dataclass(frozen=True, slots=True)
class Checks:
    """Carries out the writes of bodies. Every method raises Refusal and has changed nothing then."""

    ledger: Ledger
    clock: SandboxClock
    switches: Mapping[str, Any]

    def unwrap(self, resource_name: str, body: str) -> Row:
        """The object under the resource's name in a JSON body."""
        try:
            content = read_body(body.encode())
        except ValueError as error:
            raise self._parameter(f"请求体不是有效的JSON: {error}") from None
        inner = content.get(resource_name) if isinstance(content, dict) else None
        if not isinstance(inner, dict):
            raise self._parameter(f"请求体缺少对象 {resource_name}")
        return inner

    def add(self, resource: Resource, body: str) -> str:
        """Insert one record; returns its key."""
        sent = self.unwrap(resource.table, body)
        self._need(resource.table, sent)
        row = self._clean(resource, sent)
        if resource is CUSTOMER:
            return self._add_customer(row)
        if resource is CUSTOMER_CLASS:
            code = str(row["code"])
            self._refuse_duplicate(resource, code)
            self.ledger.put_class(code, str(row["name"]))
            return code
        return self._add_voucher(resource, row)

    def edit_customer(self, body: str) -> str:
        """Change the sent fields of a customer matched by `code`; fields not sent stay, `""` empties [inferred]."""
        sent = self.unwrap("customer", body)
        if not sent.get("code"):
            raise self._parameter("缺少必填参数 customer.code")
        row = self._clean(CUSTOMER, sent)
        code = str(row["code"])
        if self.ledger.books.get("customer", code) is None:
            raise Refusal(REFUSED, f"客户编码 {code} 不存在")
        if "name" in row and not row["name"]:
            raise Refusal(REFUSED, f"客户 {code}: 客户名称不能为空")
        if "sort_code" in row:
            self._check_class(row)
        self.ledger.edit_customer(code, _with_children(row), self.clock.now())
        return code

    def _parameter(self, text: str) -> Refusal:
        return Refusal(self.switches["errcode_parameter"], text)

    def _need(self, shape: str, sent: Mapping[str, Any]) -> None:
        for name in self.switches["required"].get(shape, []):
            if sent.get(name) in (None, "", []):
                raise self._parameter(f"缺少必填参数 {shape}.{name}")

    def _clean(self, resource: Resource, sent: Mapping[str, Any]) -> Row:
        """The fields U8 knows, spelled as the books keep them; null counts as not sent."""
        row: Row = {}
        extra = self.switches["accept_currency_field"] if resource.table == "accept" else ""
        for name, value in sent.items():
            if name not in resource.fields and not (extra and name == extra):
                if self.switches["unknown_fields"] == "refuse":
                    raise Refusal(REFUSED, f"{resource.table}.{name} 不是有效的字段")
                continue
            if value is None or (resource in (CUSTOMER, CUSTOMER_CLASS) and name in _STAMPS):
                continue
            if name == "entry":
                row["entry"] = self._clean_entries(resource, value)
            elif name in CUSTOMER_CHILDREN:
                if not isinstance(value, list) or not all(isinstance(child, dict) for child in value):
                    raise Refusal(REFUSED, f"{resource.table}.{name} 必须是对象数组")
                row[name] = value
            else:
                row[name] = clean_value(resource, name, value)
        if resource is CUSTOMER:
            kept = frozenset(self.switches["customer_extensions"])
            row = {name: value for name, value in row.items() if name in kept or name not in CUSTOMER_EXTENSIONS}
        return row

    def _clean_entries(self, resource: Resource, value: object) -> list[Row]:
        if not isinstance(value, list) or not value or not all(isinstance(line, dict) for line in value):
            raise Refusal(REFUSED, f"{resource.table}.entry 必须是非空的对象数组")
        lines = []
        for line in value:
            self._need(f"{resource.table}.entry", line)
            cleaned: Row = {}
            for name, content in line.items():
                if content is None:
                    continue
                if name in resource.entry_fields:
                    cleaned[name] = clean_value(resource, name, content)
                elif self.switches["unknown_fields"] == "refuse":
                    raise Refusal(REFUSED, f"{resource.table}.entry.{name} 不是有效的字段")
            lines.append(cleaned)
        return lines

    def _refuse_duplicate(self, resource: Resource, key: str) -> None:
        if self.ledger.books.get(resource.table, key) is not None:
            raise Refusal(REFUSED, f"{resource.table}.{resource.key} {key} 已存在，不能重复")

    def _check_class(self, row: Row) -> None:
        code = str(row.get("sort_code") or "")
        if not code:
            if self.switches["customer_class_required"]:
                raise Refusal(REFUSED, f"客户 {row['code']}: 客户分类编码 sort_code 不能为空")
            return
        known = self.ledger.books.get("customerclass", code)
        if known is None or known["end_rank_flag"] != 1:
            raise Refusal(REFUSED, f"客户 {row['code']}: 客户分类编码 {code} 不存在或不是末级")

    def _add_customer(self, row: Row) -> str:
        code = str(row["code"])
        self._refuse_duplicate(CUSTOMER, code)
        self._check_class(row)
        today = archive_day(self.clock.now().astimezone(SHANGHAI).date())
        defaults = {"abbrname": row.get("name", ""), "ccusexch_name": BASE, "bcusdomestic": "1", "bcusoverseas": "0"}
        defaults |= {"bserviceattribute": "0", "ccusmngtypecode": "999", "ccusmngtypename": "普通", "seed_date": today}
        given = {name: value for name, value in row.items() if value != ""}
        if given.get("ccusexch_name", BASE) not in NAMES.values():
            raise Refusal(REFUSED, f"客户 {code}: 币种 {given['ccusexch_name']} 不存在")
        self.ledger.put_customer({**defaults, **_with_children(given)}, self.clock.now())
        return code

    def _add_voucher(self, resource: Resource, row: Row) -> str:
        number = str(row.get(resource.key, ""))
        if number and not self.switches["assign_numbers"]:
            self._refuse_duplicate(resource, number)
        person = str(row.get("personcode", ""))
        if person and self.switches["check_persons"] and self.ledger.books.get("person", person) is None:
            raise Refusal(REFUSED, f"{resource.table}.personcode: 业务员 {person} 不存在")
        owner_field = "cust_vendor_code" if resource.table == "oughtreceive" else "customercode"
        owner = self.ledger.books.get("customer", str(row.get(owner_field, "")))
        if owner is None:
            raise Refusal(REFUSED, f"{resource.table}.{owner_field}: 客户 {row.get(owner_field, '')} 不存在")
        row = {name: value for name, value in row.items() if value != ""}
        if not row.get("entry"):
            raise Refusal(REFUSED, f"{resource.table}.entry 必须是非空的对象数组")
        today = self.clock.now().astimezone(SHANGHAI).date().isoformat()
        complete = COMPLETE[resource.table](self._unsigned(resource, row), owner, today)
        if not number or self.switches["assign_numbers"]:
            number = self._next_number(resource)
        complete[resource.key] = number
        complete["_status"] = "draft"
        if resource.table == "oughtreceive":
            complete["state"] = self.switches["state_open"]
        self.ledger.books.put(resource.table, number, complete)
        return number

    def _unsigned(self, resource: Resource, row: Row) -> Row:
        """A red document as the books keep it, whichever sign the caller chose."""
        if not resource.signed or not is_red(row):
            return row
        if resource.table == "saleinvoice":
            amounts = [Decimal(line.get("originalsum") or line.get("quantity") or "0") for line in row["entry"]]
            return negated(resource, row) if sum(amounts) > 0 else row
        return negated(resource, row) if Decimal(row.get("amount", "0")) < 0 else row

    def _next_number(self, resource: Resource) -> str:
        while True:
            number = f"{_PREFIXES[resource.table]}{self.ledger.books.next_serial(resource.table):08d}"
            if self.ledger.books.get(resource.table, number) is None:
                return number


def clean_value(resource: Resource, name: str, value: object) -> Any:
    """One field as the books keep it: decimals as text, flags as 0/1, dates as text. Refusal 20005 for a bad one."""
    if value == "":
        return ""
    try:
        if name in resource.numeric:
            return decimal_text(to_decimal(value))
        if name in resource.flags:
            flag = _TRUE[str(value).lower()]
            return flag if resource is not CUSTOMER else str(flag)
        if name in resource.dates:
            return day(value)
        if resource is CUSTOMER and name in _DATES_OF_ARCHIVES:
            return day(str(value)[:10]) + " 00:00:00.0"
    except (ValueError, KeyError) as error:
        raise Refusal(REFUSED, f"{resource.table}.{name} 的值非法: {error}") from None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Refusal(REFUSED, f"{resource.table}.{name} 的值非法: {type(value).__name__} 不是文本")
    return str(value)


def _with_children(row: Row) -> Row:
    """What the default bank and address of the newer body's child lists mean for the main record [inferred]."""
    row = dict(row)
    for child in row.get("banks", []):
        if str(child.get("bdefault")).lower() in ("1", "true"):
            row["bank_open"] = str(child.get("cbranch") or child.get("cbank") or "")
            row["bank_acc_number"] = str(child.get("caccountnum") or "")
    for child in row.get("addresses", []):
        if str(child.get("bdefault")).lower() in ("1", "true"):
            row["devliver_site"] = str(child.get("cdeliveradd") or "")
    return row
