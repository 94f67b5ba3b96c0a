"""The four AR documents of both families, described as data: where their amounts, lines and balances stand (B7)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ledgerbridge.sandbox.books import Row

from .ledger import ORG, Ledger
from .wire import CURRENCIES, currency_code, presentable

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of document. `slots` carry the open balance: instalments, or lines where there are no instalments."""

    name: str
    table: str
    family: str
    role: str
    lines: str
    net: str
    tax: str
    total: str
    local_net: str
    local_tax: str
    local_total: str
    date: str
    currency: str
    rate: str
    open: str
    local_open: str
    instalments: bool
    code_prefix: str
    type_name: str


def _efi(name: str, role: str, prefix: str, type_name: str, *, instalments: bool) -> Kind:
    return Kind(
        name=f"EFI/{name}", table=f"efi_{name}", family="efi", role=role, lines="bodyItem",
        net="oriTaxExcludedAmount", tax="oriTaxAmount", total="oriTaxIncludedAmount",
        local_net="localTaxExcludedAmount", local_tax="localTaxAmount", local_total="localTaxIncludedAmount",
        date="billDate", currency="oriCurrency", rate="exchangeRate", open="_balance", local_open="_localBalance",
        instalments=instalments, code_prefix=prefix, type_name=type_name,
    )  # fmt: skip


def _fi(name: str, role: str, lines: str, prefix: str, type_name: str) -> Kind:
    return Kind(
        name=f"fi/{name}", table=f"fi_{name}", family="fi", role=role, lines=lines,
        net="oriMoney", tax="oriTax", total="oriSum", local_net="natMoney", local_tax="natTax", local_total="natSum",
        date="vouchdate", currency="currency", rate="exchRate", open="balance", local_open="localbalance",
        instalments=False, code_prefix=prefix, type_name=type_name,
    )  # fmt: skip


RECEIVABLE = _efi("receivable", "invoice", "AR", "应收单", instalments=True)
COLLECTION = _efi("collection", "payment", "COL", "收款单", instalments=False)
OAR = _fi("oar", "invoice", "oarDetail", "OAR", "应收事项")
RECEIVEBILL = _fi("receivebill", "payment", "ReceiveBill_b", "REC", "收款单")
KINDS = (RECEIVABLE, COLLECTION, OAR, RECEIVEBILL)
BY_TABLE = {kind.table: kind for kind in KINDS}

# What a line of a receipt is for (quickType): the names are the vendor's words, the codes are [inferred].
QUICK_TYPES = {
    "receivable": ("1", "应收款"),
    "advance": ("2", "预收款"),
    "fee": ("3", "手续费"),
    "other": ("4", "其他"),
}

# What every document of a kind says unless its row says otherwise; kept out of the books to keep them small.
_EFI_HEADER: Row = {
    "financeOrg": ORG["id"], "financeOrgCode": ORG["code"], "financeOrgName": ORG["name"],
    "org": ORG["id"], "orgCode": ORG["code"], "orgName": ORG["name"], "objectType": 1, "direction": "1",
    "orgCurrency": CURRENCIES["CNY"][0], "orgCurrencyCode": "CNY", "exchangeRateType": "01", "effectState": 0,
    "postStatus": 0, "writeOffState": "0",
}  # fmt: skip
_FI_HEADER: Row = {
    "accentity": ORG["id"], "accentity_code": ORG["code"], "accentity_name": ORG["name"],
    "natCurrency": CURRENCIES["CNY"][0], "status": 0, "voucherstatus": 2, "srcitem": 1, "initflag": False,
    "redflag": False,
}  # fmt: skip
HEADERS: dict[str, Row] = {
    "efi_receivable": {**_EFI_HEADER, "bustype": "AR01", "bustypeCode": "AR01", "bustypeName": "应收"},
    "efi_collection": {
        **_EFI_HEADER, "bustype": "COL01", "bustypeCode": "COL01", "bustypeName": "销售收款", "settleState": 0,
    },
    "fi_oar": {**_FI_HEADER, "billtype": 1, "billdirection": 2},
    "fi_receivebill": {**_FI_HEADER, "caobject": 1, "tradetype": "REC01", "tradetype_code": "REC01"},
}  # fmt: skip


def slots(kind: Kind, row: Row) -> list[tuple[Row, Row]]:
    """(line, slot) for each part of the document that has a balance of its own."""
    if not kind.instalments:
        return [(line, line) for line in row[kind.lines]]
    return [(line, part) for line in row[kind.lines] for part in line["grandsonItem"]]


def total_of(kind: Kind, row: Row) -> Decimal:
    """The gross amount in document currency, signed."""
    return Decimal(row[kind.total])


def balance_of(kind: Kind, row: Row) -> tuple[Decimal, Decimal]:
    """What is open in document and base currency: the sum over the slots."""
    parts = [slot for _, slot in slots(kind, row)]
    return (
        sum((Decimal(part[kind.open]) for part in parts), ZERO),
        sum((Decimal(part[kind.local_open]) for part in parts), ZERO),
    )


def is_red(kind: Kind, row: Row) -> bool:
    """Whether a document is red: EFI direction -1, fi billdirection 1 (B7); a fi receipt is red by its amount."""
    if kind.family == "efi":
        return row.get("direction") == "-1"
    return row.get("billdirection") == 1 if kind is OAR else Decimal(row[kind.total]) < 0


def is_approved(kind: Kind, row: Row) -> bool:
    """EFI verifyState 2, fi auditstatus 1."""
    return bool(row["verifyState"] == 2 if kind.family == "efi" else row["auditstatus"] == 1)


def is_reversed(kind: Kind, row: Row) -> bool:
    """Whether a document was reversed (冲销, not written off)."""
    return row.get("writeOffState", "0") != "0" if kind.family == "efi" else bool(row.get("redflag"))


def iso_of(kind: Kind, row: Row) -> str:
    """The ISO code of the document's currency."""
    code = currency_code(row[kind.currency])
    if code is None:
        raise KeyError(f"document {row['id']} has the unknown currency {row[kind.currency]!r}")
    return code


def shown(ledger: Ledger, kind: Kind, row: Row, endpoint: str, *, lines: bool) -> Row:
    """A document as it goes on the wire: defaults and names filled in, with or without its lines."""
    header = {**HEADERS[kind.table], **row}
    if not lines:
        del header[kind.lines]
    header.update(_joined(ledger, kind, row))
    negate = (
        ledger.switches["red_amounts"] == "positive" and is_red(kind, row) and (kind.family == "efi" or kind is OAR)
    )  # a fi receipt has no direction code: its sign is all that tells a refund
    return presentable(header, numeric_ids=endpoint in ledger.switches["numeric_id_endpoints"], negate=negate)


def _joined(ledger: Ledger, kind: Kind, row: Row) -> Row:
    """What the vendor joins in from archives when it shows a document."""
    currency_id, currency_name, _ = CURRENCIES[iso_of(kind, row)]
    customer = ledger.merchant(row.get("customer", ""))
    named: Row = {}
    if kind.family == "efi":
        named["oriCurrencyCode"] = iso_of(kind, row)
        named["oriCurrencyName"] = currency_name
        if customer:
            named["customerCode"], named["customerName"] = customer["code"], customer["name"]["simplifiedName"]
        return named
    named["currency"], named["currency_name"] = currency_id, currency_name
    if customer:
        named["customer_code"], named["customer_name"] = customer["code"], customer["name"]["simplifiedName"]
    named["balance"], named["localbalance"] = (format(value, "f") for value in balance_of(kind, row))
    return named
