"""The own bank statement: every receipt that a bank saw, among transfers, charges, interest, wages and purchases."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from .facts import BankRow, Receipt, ReceiptKind
from .ledger import on_statement
from .moments import first_day as first_of_months
from .moments import month_end, office_hours

_SUPPLIERS: Final = (
    ("无锡宏远钢材有限公司", "6217002130008814532", "中国建设银行无锡分行", "钢材款"),
    ("上海申达包装材料有限公司", "1001244509000372145", "中国工商银行上海分行", "包装材料款"),
    ("苏州供电公司", "1102020409000012366", "中国工商银行苏州分行", "电费"),
    ("昆山顺通货运有限公司", "3100662710188011245", "交通银行昆山支行", "运费"),
)
_CUSHION: Final = 5_000_000


@dataclass(slots=True)
class _Row:
    account: str
    at: datetime
    currency: str
    amount: int
    name: str
    other_account: str
    other_bank: str
    summary: str
    purpose: str
    receipt: str | None = None
    serial: str = ""


def make_bank_rows(
    rng: random.Random,
    receipts: Sequence[Receipt],
    own_name: str,
    accounts: Sequence[tuple[str, str, str]],
    last_day: date,
    months: int,
) -> tuple[BankRow, ...]:
    """The rows of all `accounts` (account, bank, currency), one account after the other, each in order of time.

    `balance_after` runs exactly from an opening balance that is high enough for the account never to be overdrawn.
    """
    rows = [_of_receipt(rng, receipt) for receipt in receipts if on_statement(receipt)]
    for count in range(months, 0, -1):
        rows += _of_month(rng, first_of_months(last_day, count), last_day, own_name, accounts)
    found: list[BankRow] = []
    for account, _, _ in accounts:
        mine = sorted((row for row in rows if row.account == account), key=lambda row: row.at)
        found += _balanced(mine, len(found))
    return tuple(found)


def _of_receipt(rng: random.Random, receipt: Receipt) -> _Row:
    refund = receipt.kind is ReceiptKind.REFUND
    in_purpose = rng.random() < 0.8  # where a paying bank puts the text
    return _Row(
        receipt.own_account,
        office_hours(rng, receipt.received_on),
        receipt.currency,
        receipt.amount,
        receipt.payer_name,
        receipt.payer_account,
        receipt.payer_bank,
        ("转账支出" if refund else rng.choice(("转账收入", "跨行转入", "汇入汇款")))
        if in_purpose
        else receipt.remittance,
        receipt.remittance if in_purpose else "",
        receipt.key,
        receipt.bank_reference,
    )


def _of_month(
    rng: random.Random, first: date, last_day: date, own_name: str, accounts: Sequence[tuple[str, str, str]]
) -> list[_Row]:
    """What no customer caused; nothing after `last_day`."""
    end = min(month_end(first), last_day)
    rows: list[_Row] = []

    def add(
        account: tuple[str, str, str], day: int, amount: int, other: tuple[str, str, str], summary: str, purpose: str
    ) -> None:
        on = first + timedelta(days=day - 1)
        if on <= end:
            at = office_hours(rng, on)
            rows.append(_Row(account[0], at, account[2], amount, *other, summary, purpose))

    nobody = ("", "", "")
    for account in accounts:
        for _ in range(rng.randint(1, 2)):
            add(account, rng.randint(1, 28), -rng.randint(5, 60) * 50, nobody, "手续费", "对公汇款手续费")
        if first.month % 3 == 0:
            add(account, 21, rng.randint(800, 90_000), nobody, "结息", "活期存款利息")
    home = [account for account in accounts if account[2] == "CNY"]
    main = home[0]
    add(main, 10, -rng.randint(20_000_000, 60_000_000), ("代发工资户", "", ""), "代发工资", f"{first.month}月工资")
    add(main, 15, -rng.randint(3_000_000, 20_000_000), ("待报解预算收入", "", "国家金库"), "缴税", "增值税及附加")
    for supplier, account_no, bank, text in _SUPPLIERS:
        add(main, rng.randint(2, 27), -rng.randint(300_000, 9_000_000), (supplier, account_no, bank), "转账支出", text)
    if len(home) > 1:
        amount, day = rng.randint(10, 80) * 1_000_000, rng.randint(3, 26)
        add(home[1], day, -amount, (own_name, main[0], main[1]), "内部转账", "资金归集")
        add(main, day, amount, (own_name, home[1][0], home[1][1]), "内部转账", "资金归集")
    return rows


def _balanced(rows: list[_Row], before: int) -> list[BankRow]:
    lowest = balance = 0
    for row in rows:
        balance += row.amount
        lowest = min(lowest, balance)
    balance = _CUSHION - lowest
    found = []
    for index, row in enumerate(rows):
        balance += row.amount
        found.append(
            BankRow(
                serial=row.serial or f"{row.at + timedelta(hours=8):%Y%m%d}9{before + index + 1:07d}",
                account=row.account,
                booked_at=row.at,
                currency=row.currency,
                amount=row.amount,
                balance_after=balance,
                counterparty_name=row.name,
                counterparty_account=row.other_account,
                counterparty_bank=row.other_bank,
                summary=row.summary,
                purpose=row.purpose,
                receipt=row.receipt,
            )
        )
    return found
