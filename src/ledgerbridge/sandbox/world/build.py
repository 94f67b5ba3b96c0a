"""Put a world together: the truth first, then what each system holds of it."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Collection, Iterator
from datetime import date
from typing import Final

from .amounts import Rates
from .bank import make_bank_rows
from .codes import checked_organisation, credit_code
from .facts import Holding, Planted, SystemName, World
from .holdings import CRMS, ERPS, bank_findings, crm_holding, erp_holding, sheet_holding
from .ledger import make_ledger, stream
from .moments import first_day as first_of_months

OWN_NAME: Final = "苏州恒远传动科技有限公司"
OWN_ACCOUNTS: Final = (  # account, bank, currency
    ("1102021009000123456", "中国工商银行苏州工业园区支行", "CNY"),
    ("512902345610801", "招商银行苏州分行", "CNY"),
    ("1102021014000123457", "中国工商银行苏州工业园区支行", "USD"),
    ("1102021038000123458", "中国工商银行苏州工业园区支行", "EUR"),
    ("1102021027000123459", "中国工商银行苏州工业园区支行", "JPY"),
    ("1102021013000123460", "中国工商银行苏州工业园区支行", "HKD"),
)
DEFAULT_PLANTED_SHARE: Final = 0.02


@contextlib.contextmanager
def _no_cycle_search() -> Iterator[None]:
    """Do not look for garbage cycles among millions of records that are all kept: a third of the time of a big world."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def make_world(
    *,
    seed: int,
    customers: int,
    months: int,
    last_day: date = date(2026, 10, 31),
    systems: Collection[SystemName] = tuple(SystemName),
    planted_share: float | None = None,
) -> World:
    """A company's customers, documents and money over `months` calendar months that end with `last_day`.

    The same arguments give the same world in every process; the truth does not depend on `systems` or `planted_share`.
    `planted_share` is the share of a CRM's or the sheet's documents that something is planted in (None: 2 %); above 0
    there is at least one of every kind from 40 customers on, with 0 nothing at all is planted, no name variant either.
    ValueError for arguments that make no world.
    """
    share = DEFAULT_PLANTED_SHARE if planted_share is None else planted_share
    if customers < 1 or months < 1 or not 0 <= share <= 0.3:
        raise ValueError(
            f"a world needs at least 1 customer and 1 month and a planted share from 0 to 0.3, "
            f"not {customers}, {months} and {share}"
        )
    with _no_cycle_search():
        return _world(seed, customers, months, last_day, [one for one in SystemName if one in systems], share)


def _world(seed: int, customers: int, months: int, last_day: date, asked: list[SystemName], share: float) -> World:
    first_day = first_of_months(last_day, months)
    ledger = make_ledger(
        seed=seed, customers=customers, months=months, first_day=first_day, last_day=last_day, accounts=OWN_ACCOUNTS
    )
    rates = Rates(stream(seed, "rates"), last_day, months)
    erp = next((system for system in asked if system in ERPS), SystemName.YONYOU_U8)
    crm = next((system for system in asked if system in CRMS), SystemName.FXIAOKE)
    holdings: dict[SystemName, Holding] = {}
    planted: list[Planted] = []
    for system in asked:
        rng = stream(seed, f"holding/{system}")
        found: list[Planted] = []
        if system in ERPS:
            holding, found = erp_holding(rng, system, crm, ledger, last_day, share)
        elif system in CRMS:
            holding, found = crm_holding(rng, system, erp, ledger, first_day, last_day, share, rates)
        elif system is SystemName.SHEET:
            holding, found = sheet_holding(rng, erp, ledger, last_day, share, rates)
        else:
            rows = make_bank_rows(rng, ledger.truth.receipts, OWN_NAME, OWN_ACCOUNTS, last_day, months)
            holding, found = Holding(system, bank_rows=rows), bank_findings(ledger, erp)
        holdings[system] = holding
        planted += found
    return World(
        seed=seed,
        own_name=OWN_NAME,
        own_credit_code=credit_code("91", "320594", checked_organisation("MA1N0000")),
        own_accounts=OWN_ACCOUNTS,
        first_day=first_day,
        last_day=last_day,
        truth=ledger.truth,
        holdings=holdings,
        planted=tuple(planted),
    )
