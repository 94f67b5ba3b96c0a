"""How U8 completes the three AR vouchers: names, defaults, base amounts, totals that must agree (yonyou.md A6).

Arguments of every function: the cleaned row (red documents as the books keep them), the customer's row, today's date.
All raise :class:`~.wire.Refusal` with 20005 where the parts do not agree [inferred].
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.books import Row

from .currencies import BASE, NAMES, cents
from .wire import REFUSED, Refusal, decimal_text

_ZERO = Decimal(0)


def _amount(row: Row, name: str, where: str) -> Decimal | None:
    """An amount of the row; refused when it has more than two decimals [inferred]."""
    if row.get(name, "") == "":
        return None
    value = Decimal(row[name])
    if value != cents(value):
        raise Refusal(REFUSED, f"{where}.{name} 的值非法: {row[name]} 的小数超过两位")
    return value


def _rate(currency: str, text: str, where: str) -> Decimal:
    if currency not in NAMES.values():
        raise Refusal(REFUSED, f"{where}: 币种 {currency} 不存在")
    if currency == BASE:
        if text not in ("", "1"):
            raise Refusal(REFUSED, f"{where}: 本位币的汇率必须为 1")
        return Decimal(1)
    if not text or Decimal(text) <= 0:
        raise Refusal(REFUSED, f"{where}: 外币 {currency} 必须有大于零的汇率")
    return Decimal(text)


def sale_invoice(row: Row, customer: Row, today: str) -> Row:
    """A sale invoice: every line gets net, tax and gross in both currencies; the header has no totals (A6)."""
    currency = row.get("foreigncurrency", BASE)
    rate = _rate(currency, row.get("currencyrate", ""), "saleinvoice")
    tax_rate = Decimal(row.get("taxrate", "0"))
    lines = [_invoice_line(line, index, rate, tax_rate) for index, line in enumerate(row["entry"], 1)]
    if row.get("isnegative", 0) != 1 and sum(Decimal(line["originalsum"]) for line in lines) < 0:
        raise Refusal(REFUSED, "saleinvoice: 蓝字发票的金额不能为负，红字发票请传 isnegative=1")
    names = {"ccusabbname": customer.get("abbrname", ""), "customername": customer["name"]}
    defaults = {"vouchertype": "26", "saletypecode": "01", "cstname": "普通销售", "businesstype": "普通销售"}
    fixed = {"foreigncurrency": currency, "currencyrate": decimal_text(rate), "entry": lines}
    flags = {"isnegative": 0, "isfirst": 0, "maker": "EAI", "date": today}
    return {**defaults, **names, **flags, **row, **fixed}


def _invoice_line(line: Row, index: int, rate: Decimal, tax_rate: Decimal) -> Row:
    where = f"saleinvoice.entry[{index}]"
    gross, net, tax = (_amount(line, name, where) for name in ("originalsum", "originalmoney", "originaltax"))
    if gross is None:
        gross = _gross(line, net, tax, where)
    if net is None:
        net = gross - tax if tax is not None else cents(gross / (1 + tax_rate / 100))
    if tax is None:
        tax = gross - net
    if net + tax != gross:
        raise Refusal(REFUSED, f"{where}: originalmoney {net} + originaltax {tax} 不等于 originalsum {gross}")
    base_gross, base_net, base_tax = (_amount(line, name, where) for name in ("sum", "money", "tax"))
    base_gross = cents(gross * rate) if base_gross is None else base_gross
    if base_tax is None:
        base_tax = cents(tax * rate) if base_net is None else base_gross - base_net
    if base_net is None:
        base_net = base_gross - base_tax
    if base_net + base_tax != base_gross:
        raise Refusal(REFUSED, f"{where}: money {base_net} + tax {base_tax} 不等于 sum {base_gross}")
    amounts = {"originalmoney": net, "originaltax": tax, "originalsum": gross}
    amounts |= {"money": base_net, "tax": base_tax, "sum": base_gross}
    return {"irowno": str(index), **line, **{name: decimal_text(value) for name, value in amounts.items()}}


def _gross(line: Row, net: Decimal | None, tax: Decimal | None, where: str) -> Decimal:
    if net is not None:
        return net + (tax or _ZERO)
    price = line.get("originaltaxedprice", "")
    if price == "":
        raise Refusal(REFUSED, f"{where}: originalsum、originalmoney、originaltaxedprice 必须至少传一个")
    return cents(Decimal(price) * Decimal(line.get("quantity", "0") or "0"))


def ought_receive(row: Row, customer: Row, today: str) -> Row:
    """An 应收单: `amount` in document currency, `natamount` in base currency; the lines add up to the head (A6)."""
    amount = _amount(row, "amount", "oughtreceive")
    if amount is None or amount < 0:
        raise Refusal(REFUSED, "oughtreceive.amount 的值非法: 蓝字单据的金额不能为负，红字单据请传 bdebitcredit=0")
    names = {"cusname": customer["name"], "cusabbname": customer.get("abbrname", "")}
    lines = []
    total, base_total = _ZERO, _ZERO
    for index, line in enumerate(row["entry"], 1):
        where = f"oughtreceive.entry[{index}]"
        currency = line.get("currency_name", BASE)
        rate = _rate(currency, line.get("currency_rate", ""), where)
        part, base_part = _amount(line, "amount", where), _amount(line, "natamount", where)
        if part is None:
            part = base_part if currency == BASE else (amount if len(row["entry"]) == 1 else None)
        if part is None:
            raise Refusal(REFUSED, f"{where}: 外币分录必须有 amount")
        base_part = cents(part * rate) if base_part is None else base_part
        total, base_total = total + part, base_total + base_part
        fixed = {"currency_name": currency, "currency_rate": decimal_text(rate)}
        fixed |= {"amount": decimal_text(part), "natamount": decimal_text(base_part)}
        lines.append({"cusabbname": names["cusabbname"], "bdebitcredit": 0, **line, **fixed})
    base = _amount(row, "natamount", "oughtreceive")
    base = base_total if base is None else base
    if total != amount or base_total != base:
        raise Refusal(
            REFUSED, f"oughtreceive: 表头金额 {amount}/{base} 与表体合计 {total}/{base_total} 不一致 (原币/本币)"
        )
    fixed_head: Row = {"amount": decimal_text(amount), "natamount": decimal_text(base), "entry": lines}
    return {"date": today, "bdebitcredit": 1, **names, **row, **fixed_head}


def accept(row: Row, customer: Row, today: str) -> Row:
    """A receipt (48) or refund (49): `amount` in *base* currency, `originalamount` in document currency (A6)."""
    if row.get("vouchtype") not in ("48", "49"):
        raise Refusal(REFUSED, f"accept.vouchtype 的值非法: {row.get('vouchtype')}，只能为 48 或 49")
    amount = _amount(row, "amount", "accept")
    if amount is None or amount < 0:
        raise Refusal(REFUSED, "accept.amount 的值非法: 金额不能为负，退款请用 vouchtype=49")
    original = _amount(row, "originalamount", "accept")
    original = amount if original is None else original
    lines = []
    total, base_total = _ZERO, _ZERO
    for index, line in enumerate(row["entry"], 1):
        where = f"accept.entry[{index}]"
        base_part, part = _amount(line, "amount", where), _amount(line, "originalamount", where)
        if base_part is None:
            raise Refusal(REFUSED, f"{where}.amount 不能为空")
        if part is None:
            part = base_part if original == amount else (original if len(row["entry"]) == 1 else None)
        if part is None:
            raise Refusal(REFUSED, f"{where}: 外币分录必须有 originalamount")
        if line.get("type", "0") not in ("0", "1", "2"):
            raise Refusal(REFUSED, f"{where}.type 的值非法: {line['type']}")
        total, base_total = total + part, base_total + base_part
        fixed: dict[str, Any] = {"amount": decimal_text(base_part), "originalamount": decimal_text(part)}
        lines.append({"type": "0", "customercode": row["customercode"], **line, **fixed})
    if total != original or base_total != amount:
        raise Refusal(
            REFUSED, f"accept: 表头金额 {original}/{amount} 与表体合计 {total}/{base_total} 不一致 (原币/本币)"
        )
    names = {"customername": customer["name"], "customerabbname": customer.get("abbrname", "")}
    head: Row = {"amount": decimal_text(amount), "originalamount": decimal_text(original), "entry": lines}
    return {"vouchdate": today, **names, **row, **head}


COMPLETE: dict[str, Callable[[Row, Row, str], Row]] = {
    "saleinvoice": sale_invoice,
    "oughtreceive": ought_receive,
    "accept": accept,
}
"""Table → how a new voucher of it is completed."""
