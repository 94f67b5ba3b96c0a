"""Numbers, stamps and JSON as they stand on the wire. Amounts are decimals in text inside the books, never floats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from json.encoder import encode_basestring
from typing import Any

from ledgerbridge.sandbox.books import Row

from .refusal import wrong_type

ZONE = timezone(timedelta(hours=8))  # stamps carry no zone; UTC+8 (yonyou.md B5 [inferred])
BASE_CURRENCY = "CNY"

# ISO code -> (id of the currency archive, Chinese name, decimal digits)
CURRENCIES: dict[str, tuple[str, str, int]] = {
    "CNY": ("1600000000000000001", "人民币", 2),
    "USD": ("1600000000000000002", "美元", 2),
    "EUR": ("1600000000000000003", "欧元", 2),
    "HKD": ("1600000000000000004", "港币", 2),
    "JPY": ("1600000000000000005", "日元", 0),
    "GBP": ("1600000000000000006", "英镑", 2),
    "AUD": ("1600000000000000007", "澳大利亚元", 2),
    "CAD": ("1600000000000000008", "加拿大元", 2),
    "SGD": ("1600000000000000009", "新加坡元", 2),
    "KRW": ("1600000000000000010", "韩元", 0),
    "TWD": ("1600000000000000011", "新台币", 2),
    "CHF": ("1600000000000000012", "瑞士法郎", 2),
    "THB": ("1600000000000000013", "泰铢", 2),
    "KWD": ("1600000000000000014", "科威特第纳尔", 3),
    "VND": ("1600000000000000015", "越南盾", 0),
}
_CURRENCY_BY_ID = {facts[0]: iso for iso, facts in CURRENCIES.items()}

_AMOUNT_NAMES = """
    oriMoney oriTax oriSum natMoney natTax natSum balance localbalance bookAmount accOrigReceiveMoney natAccReceiveMoney
    oriTaxExcludedAmount oriTaxAmount oriTaxIncludedAmount localTaxExcludedAmount localTaxAmount localTaxIncludedAmount
    oriOccupyAmount oriOcupyAmount oriAmount oriBalance orgAmount orgBalance verifyAmount oriDAmount orgDAmount oriCAmount
    orgCAmount billamount bill_localamount
"""
_NUMBER_NAMES = """
    qty priceQty quantity oriUnitPrice oriTaxUnitPrice oriTaxIncludedPrice oriTaxExcludedPrice taxRate taxRateNtaxRate
    exchRate exchangeRate ratio creditLine creditBalance preBalance
"""
_ID_NAMES = """
    id mainid headerId customer customerClassId parent agentId invAgentId blueInvId accentity financeOrg org orgId
    createOrgId belongOrgId currency natCurrency oriCurrency orgCurrency oriDCurrency oriCCurrency billid bizBillId
    srcBillId
"""
# Money: its sign turns with the document's direction when a tenant shows red documents unsigned.
AMOUNTS = frozenset(_AMOUNT_NAMES.split())
# Money and other numbers: quantities, unit prices, rates.
NUMBERS = AMOUNTS | frozenset(_NUMBER_NAMES.split())
# Keys of records; JSON numbers on some endpoints, strings on others (yonyou.md B5).
IDS = frozenset(_ID_NAMES.split())


def stamp(moment: datetime) -> str:
    """An aware moment as ``yyyy-MM-dd HH:mm:ss`` in UTC+8, second resolution (yonyou.md B5)."""
    return moment.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")


def moment(text: str) -> datetime:
    """The aware UTC moment of a :func:`stamp`."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZONE).astimezone(UTC)


def day(value: date) -> str:
    """A business date as the documents carry it: midnight, no zone (yonyou.md B7 sample)."""
    return f"{value.isoformat()} 00:00:00"


def currency_facts(iso: str) -> tuple[str, str, int]:
    """Id, name and digits of a currency; ValueError for one the archive lacks."""
    if iso not in CURRENCIES:
        raise ValueError(f"currency {iso!r} is not in the sandbox's currency archive; known: {', '.join(CURRENCIES)}")
    return CURRENCIES[iso]


def currency_code(value: object) -> str | None:
    """The ISO code meant by a currency id or code as a caller writes it; None if it means none."""
    text = str(value)
    return text if text in CURRENCIES else _CURRENCY_BY_ID.get(text)


def major(minor: int, iso: str) -> Decimal:
    """`minor` units of a currency as a decimal amount with the currency's digits."""
    return Decimal(minor).scaleb(-currency_facts(iso)[2])


def rounded(value: Decimal, iso: str) -> Decimal:
    """`value` rounded half up to the currency's digits."""
    return value.quantize(Decimal(1).scaleb(-currency_facts(iso)[2]), rounding=ROUND_HALF_UP)


def to_base(value: Decimal, rate: Decimal) -> Decimal:
    """An amount in the document's currency in base currency (the rate is document -> base, yonyou.md B7)."""
    return rounded(value * rate, BASE_CURRENCY)


def decimal_of(value: object) -> Decimal | None:
    """A JSON number or numeric string as a finite decimal; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def text_of(value: Decimal) -> str:
    """A decimal without exponent: how the books keep it."""
    return format(value, "f")


def storable(value: Any) -> Any:
    """`value` from the wire with numbers as text, so that the books can keep it; Refusal 310023 for a bad number."""
    if isinstance(value, Decimal):
        return text_of(value)
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {key: _number_text(key, item) if key in NUMBERS else storable(item) for key, item in value.items()}
    return value


def _number_text(key: str, value: object) -> str | None:
    if value in (None, ""):
        return None
    number = decimal_of(value)
    if number is None:
        raise wrong_type(key, "a number")
    return text_of(number)


def presentable(row: Mapping[str, Any], *, numeric_ids: bool, negate: bool = False) -> Row:
    """A row of the books as it goes on the wire: private keys (``_…``) left out, amounts as JSON numbers."""
    shown: Row = {}
    for key, value in row.items():
        if key[0] == "_":
            continue
        if isinstance(value, str):
            if key in NUMBERS:
                number = Decimal(value)
                shown[key] = -number if negate and number and key in AMOUNTS else number
            elif numeric_ids and key in IDS and value.isdigit():
                shown[key] = int(value)
            else:
                shown[key] = value
        elif isinstance(value, list):
            shown[key] = [
                presentable(item, numeric_ids=numeric_ids, negate=negate) if isinstance(item, dict) else item
                for item in value
            ]
        elif isinstance(value, dict):
            shown[key] = presentable(value, numeric_ids=numeric_ids, negate=negate)
        else:
            shown[key] = value
    return shown


def parse(body: bytes) -> Any:
    """JSON with decimals exact; ValueError (also for NaN and Infinity) if it is none."""
    return json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def dump(value: Any) -> bytes:
    """UTF-8 JSON in which a :class:`~decimal.Decimal` is a number with exactly its digits."""
    parts: list[str] = []
    _dump(value, parts)
    return "".join(parts).encode()


def _dump(value: Any, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(encode_basestring(value))
    elif value is None or value is True or value is False:
        parts.append("null" if value is None else "true" if value else "false")
    elif isinstance(value, int):
        parts.append(int.__repr__(value))
    elif isinstance(value, Decimal):
        parts.append(text_of(value))
    elif isinstance(value, dict):
        parts.append("{")
        for number, (key, item) in enumerate(value.items()):
            parts.append(f",{encode_basestring(key)}:" if number else f"{encode_basestring(key)}:")
            _dump(item, parts)
        parts.append("}")
    elif isinstance(value, (list, tuple)):
        parts.append("[")
        for number, item in enumerate(value):
            if number:
                parts.append(",")
            _dump(item, parts)
        parts.append("]")
    else:
        raise TypeError(f"{type(value).__name__} cannot go on the wire")
