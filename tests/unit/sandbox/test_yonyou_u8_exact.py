"""A whole world through the wire: every document of the holding comes back exactly, nothing more, nothing less."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from u8_asking import Asker

from ledgerbridge.sandbox.world import Holding, SystemName, make_world
from ledgerbridge.sandbox.world.facts import InvoiceKind

ISO = {"人民币": "CNY", "美元": "USD", "日元": "JPY", "欧元": "EUR", "港币": "HKD"}
STATES = {"approved": "审核", "draft": "新增", "void": "作废"}


@pytest.fixture(scope="module")
def holding() -> Holding:
    return make_world(seed=11, customers=60, months=4, systems=[SystemName.YONYOU_U8]).holdings[SystemName.YONYOU_U8]


@pytest.fixture(scope="module")
def asker(holding: Holding) -> Asker:
    asker = Asker(
        entries_in_lists=["saleinvoicelist", "oughtreceivelist", "acceptlist"],
        accept_currency_field="define9",
        status_field="define11",
        void_documents="shown",
    )
    asker.u8.load(holding)
    return asker


def _minor(value: object, currency: str) -> int:
    amount = Decimal(str(value)).scaleb(0 if currency == "JPY" else 2)
    assert amount == int(amount)
    return int(amount)


def _rows(asker: Asker, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = asker.get(f"/api/{name}/batch_get", rows_per_page=5000)[name]
    return rows


def _codes(holding: Holding) -> dict[str, str]:
    codes: dict[str, str] = {}
    for company in holding.companies:
        codes.setdefault(company.key, company.code)
    return codes


def test_customers(asker: Asker, holding: Holding) -> None:
    found = {row["code"]: (row["name"], row.get("tax_reg_code")) for row in _rows(asker, "customer")}
    assert found == {company.code: (company.name, company.credit_code) for company in holding.companies}


def test_sale_invoices(asker: Asker, holding: Holding) -> None:
    def read(row: dict[str, Any]) -> tuple[Any, ...]:
        currency = ISO[row["foreigncurrency"]]
        sums = [
            sum((Decimal(line[name]) for line in row["entry"]), Decimal(0))
            for name in ("originalmoney", "originaltax", "originalsum")
        ]
        base = sum((Decimal(line["sum"]) for line in row["entry"]), Decimal(0))
        amounts = (*(_minor(each, currency) for each in sums), _minor(base, "CNY"))
        return (
            row["customercode"],
            row["date"],
            row.get("dgatheringdate"),
            currency,
            amounts,
            row["define11"],
            row["isfirst"],
        )

    found = {row["invoiceno"]: read(row) for row in _rows(asker, "saleinvoicelist")}
    codes = _codes(holding)
    assert found == {
        each.number: (
            codes[each.company],
            each.issued_on.isoformat(),
            each.due_on.isoformat() if each.due_on else None,
            each.currency,
            (each.net, each.tax, each.gross, each.base_gross),
            STATES[each.status.value],
            int(each.kind is InvoiceKind.OPENING_BALANCE),
        )
        for each in holding.invoices
        if each.kind is not InvoiceKind.OTHER_RECEIVABLE
    }


def test_other_receivables(asker: Asker, holding: Holding) -> None:
    def read(row: dict[str, Any]) -> tuple[Any, ...]:
        currency = ISO[row["entry"][0]["currency_name"]]
        sign = 1 if row["bdebitcredit"] else -1
        return currency, sign * _minor(row["amount"], currency), sign * _minor(row["natamount"], "CNY"), row["define11"]

    others = [each for each in holding.invoices if each.kind is InvoiceKind.OTHER_RECEIVABLE]
    found = {row["code"]: read(row) for row in _rows(asker, "oughtreceivelist")}
    assert others
    assert found == {
        each.number: (each.currency, each.gross, each.base_gross, STATES[each.status.value]) for each in others
    }


def test_receipts(asker: Asker, holding: Holding) -> None:
    def read(row: dict[str, Any]) -> tuple[Any, ...]:
        currency = ISO[row["define9"]]
        sign = -1 if row["vouchtype"] == "49" else 1
        amount, base = _minor(row["originalamount"], currency), _minor(row["amount"], "CNY")
        fee = -sum(_minor(line["originalamount"], currency) for line in row["entry"] if line["type"] == 2)
        settled = sum(_minor(line["originalamount"], currency) for line in row["entry"] if line["type"] != 2)
        assert settled == amount + fee
        digest = row.get("digest", "")
        return row["customercode"], row["vouchdate"], currency, sign * amount, sign * base, fee, digest, row["define11"]

    found = {row["vouchcode"]: read(row) for row in _rows(asker, "acceptlist")}
    codes = _codes(holding)
    assert any(each.fee for each in holding.receipts)
    assert found == {
        each.number: (
            codes[str(each.company)],
            each.received_on.isoformat(),
            each.currency,
            each.amount,
            each.base_amount,
            each.fee,
            each.remittance,
            STATES[each.status.value],
        )
        for each in holding.receipts
    }
