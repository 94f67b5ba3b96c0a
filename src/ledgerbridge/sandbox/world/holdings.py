"""What each system holds: the ERPs the truth, the CRMs and the sheet the truth the way life does, the bank its rows."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from .amounts import Rates, to_text
from .codes import is_valid_credit_code, spoilt_credit_code
from .companies import Customers
from .discrepancies import Bench, plant_documents
from .facts import Company, Holding, Invoice, Planted, PlantedKind, Receipt, Status, SystemName
from .ledger import Ledger, known_receipts
from .names import Names
from .planting import ABSENT, Desk
from .variants import crm_record, name_variant

ERPS: Final = (SystemName.YONYOU_U8, SystemName.YONYOU_BIP)
CRMS: Final = (SystemName.FXIAOKE, SystemName.ZOHO_CRM)
_CODE_PREFIX: Final = {SystemName.FXIAOKE: "KH", SystemName.ZOHO_CRM: "ZC-"}
_VARIANT_SHARE: Final = 0.30
_NO_CREDIT_CODE_SHARE: Final = 0.22
_SHEET_SHARE: Final = 0.3
_PROSPECT_SHARE: Final = 0.03


def _good_code(company: Company) -> bool:
    return company.credit_code is not None and is_valid_credit_code(company.credit_code)


def _desk(
    rng: random.Random, system: SystemName, against: SystemName, last_day: date, invoices: tuple[Invoice, ...],
    receipts: tuple[Receipt, ...],
) -> Desk:  # fmt: skip
    untouchable = {one.reverses for one in invoices if one.reverses} | {one.key for one in invoices if one.reverses}
    return Desk(
        rng, system, against, last_day, [], {one.key: one for one in invoices}, {one.key: one for one in receipts},
        untouchable,
    )  # fmt: skip


def _spoil_codes(desk: Desk, count: int) -> None:
    """Mistype the credit codes of `count` customers."""
    candidates = [index for index, company in enumerate(desk.companies) if _good_code(company)]
    for index in sorted(desk.rng.sample(candidates, min(count, len(candidates)))):
        company = desk.companies[index]
        code = company.credit_code or ""
        typed = spoilt_credit_code(desk.rng, code)
        desk.companies[index] = replace(company, credit_code=typed)
        desk.note_customer(PlantedKind.BAD_CREDIT_CODE, company, code, typed, finding=True)


def _double_customers(desk: Desk, count: int, taken: frozenset[str], new_code: str) -> None:
    """Enter `count` customers a second time, under another name and code, at random places of the list."""
    keys = [index for index, company in enumerate(desk.companies) if company.disabled_on is None]
    twins = []
    for number, index in enumerate(sorted(desk.rng.sample(keys, min(count, len(keys))))):
        company = desk.companies[index]
        twin = replace(
            company,
            code=f"{new_code}{number + 1:04d}",
            name=name_variant(desk.rng, company, taken),
            credit_code=company.credit_code if desk.rng.random() < 0.5 else None,
            contact="",
            created_at=company.created_at + timedelta(days=desk.rng.randint(1, 20)),
            modified_at=company.modified_at + timedelta(days=20),
        )
        twins.append(twin)
        held = f"{company.code or '-'} {company.name} | {twin.code} {twin.name}"
        desk.note_customer(PlantedKind.DUPLICATE_CUSTOMER, company, "once", held, finding=True)
    desk.companies += twins


def erp_holding(
    rng: random.Random, system: SystemName, against: SystemName, ledger: Ledger, last_day: date, share: float
) -> tuple[Holding, list[Planted]]:
    """The whole truth, with some customers entered twice and some credit codes mistyped; money is never wrong."""
    truth = ledger.truth
    desk = _desk(rng, system, against, last_day, (), ())
    desk.companies = list(truth.companies)
    if share > 0 and truth.companies:
        taken = frozenset(company.name for company in truth.companies)
        count = max(1, round(len(truth.companies) * share / 4))
        _double_customers(desk, count, taken, "09")
        _spoil_codes(desk, count)
    return Holding(system, tuple(desk.companies), truth.invoices, known_receipts(truth)), desk.planted


def crm_holding(
    rng: random.Random,
    system: SystemName,
    against: SystemName,
    ledger: Ledger,
    first_day: date,
    last_day: date,
    share: float,
    rates: Rates,
) -> tuple[Holding, list[Planted]]:
    """Every customer and document as a CRM holds them; with `share` 0 names, codes and money are all as in the truth."""
    truth = ledger.truth
    desk = _desk(rng, system, against, last_day, truth.invoices, known_receipts(truth))
    _crm_companies(desk, ledger, first_day, share)
    if share > 0 and truth.companies:
        active = tuple(company.key for company in truth.companies if company.key not in ledger.idle)
        plant_documents(Bench(desk, rates, active), round(share * (len(truth.invoices) + len(truth.receipts))))
    return desk.holding(), desk.planted


def _crm_companies(desk: Desk, ledger: Ledger, first_day: date, share: float) -> None:
    rng, truth = desk.rng, ledger.truth
    taken = frozenset(company.name for company in truth.companies)
    prefix = _CODE_PREFIX[desk.system]
    absent = _absent(rng, ledger) if share > 0 else frozenset()
    numbers = list(range(1, len(truth.companies) + 1))
    rng.shuffle(numbers)
    for company, number in zip(truth.companies, numbers, strict=True):
        code = f"{prefix}{number:06d}" if rng.random() < 0.92 else ""
        held = crm_record(rng, company, code)
        if company.key in absent:
            desk.note_customer(PlantedKind.MISSING, held, company.name, ABSENT, finding=True)
            continue
        desk.companies.append(_as_typed(desk, held, taken) if share > 0 else held)
    if share > 0 and truth.companies:
        count = max(1, round(len(truth.companies) * share / 2))
        _double_customers(desk, count, taken, f"{prefix}9")
        _spoil_codes(desk, count)
        _ensure_variants(desk, taken)
        _prospects(desk, ledger, first_day)


def _as_typed(desk: Desk, held: Company, taken: frozenset[str]) -> Company:
    """A customer's record with, perhaps, another spelling of the name and no credit code."""
    rng = desk.rng
    if rng.random() < _VARIANT_SHARE:
        name = name_variant(rng, held, taken)
        desk.note_customer(PlantedKind.NAME_VARIANT, held, held.name, name, finding=False)
        held = replace(held, name=name)
    if held.credit_code is not None and rng.random() < _NO_CREDIT_CODE_SHARE:
        desk.note_customer(PlantedKind.CREDIT_CODE_MISSING, held, held.credit_code, "", finding=False)
        held = replace(held, credit_code=None)
    return held


def _ensure_variants(desk: Desk, taken: frozenset[str]) -> None:
    """A small world may have drawn no variant or no missing code: make one of each then."""
    present = {one.planted for one in desk.planted}
    if PlantedKind.NAME_VARIANT not in present:
        index = desk.rng.randrange(len(desk.companies))
        company = desk.companies[index]
        name = name_variant(desk.rng, company, taken)
        desk.companies[index] = replace(company, name=name)
        desk.note_customer(PlantedKind.NAME_VARIANT, company, company.name, name, finding=False)
    if PlantedKind.CREDIT_CODE_MISSING not in present:
        for index, company in enumerate(desk.companies):
            if _good_code(company):
                desk.companies[index] = replace(company, credit_code=None)
                code = company.credit_code or ""
                desk.note_customer(PlantedKind.CREDIT_CODE_MISSING, company, code, "", finding=False)
                break


def _absent(rng: random.Random, ledger: Ledger) -> frozenset[str]:
    """Customers that a CRM does not have: some of those that nothing was ever sold to."""
    idle = sorted(ledger.idle)
    return frozenset(rng.sample(idle, -(-len(idle) // 3)))


def _prospects(desk: Desk, ledger: Ledger, first_day: date) -> None:
    """Firms that only the CRM knows, because nothing was sold to them yet: no finding."""
    count = max(1, round(len(ledger.truth.companies) * _PROSPECT_SHARE))
    names = Names(desk.rng, (company.name for company in ledger.truth.companies))
    maker = Customers(desk.rng, names, first_day, desk.last_day, count)
    for index in range(count):
        company = maker.make(index)
        key = f"P{desk.system[0].upper()}{index + 1:05d}"
        code = f"{_CODE_PREFIX[desk.system]}8{index + 1:05d}"
        held = crm_record(desk.rng, replace(company, key=key, disabled_on=None, remark="潜在客户"), code)
        desk.companies.append(held)
        desk.note_customer(PlantedKind.MISSING, held, ABSENT, held.name, finding=False)


def sheet_holding(
    rng: random.Random, against: SystemName, ledger: Ledger, last_day: date, share: float, rates: Rates
) -> tuple[Holding, list[Planted]]:
    """A list kept by some salespersons of their own customers and of what was invoiced to them; no receipts.

    Its balances are those of its customers' invoices alone. `open_amount` is what the salesperson noted as unpaid.
    """
    truth = ledger.truth
    people = sorted({company.salesperson_code for company in truth.companies})
    chosen = frozenset(rng.sample(people, max(1, round(len(people) * _SHEET_SHARE)))) if people else frozenset()
    mine = {company.key: company for company in truth.companies if company.salesperson_code in chosen}
    invoices = tuple(one for one in truth.invoices if one.company in mine and one.status is Status.APPROVED)
    desk = _desk(rng, SystemName.SHEET, against, last_day, invoices, ())
    taken = frozenset(company.name for company in truth.companies)
    for company in mine.values():
        held = replace(company, payers=(), bank_account="", bank_name="", remark="")
        desk.companies.append(_as_typed(desk, held, taken) if share > 0 else held)
    if share > 0 and mine:
        active = tuple(key for key in mine if key not in ledger.idle)
        if active:
            plant_documents(Bench(desk, rates, active), round(share * len(invoices)))
    return desk.holding(), desk.planted


def bank_findings(ledger: Ledger, against: SystemName) -> list[Planted]:
    """The money that the bank shows and nobody has entered: no customer's balance moves by it."""
    found = []
    for one in ledger.truth.receipts:
        if one.company is None:
            said = f"{to_text(one.amount, one.currency)} {one.currency} from {one.payer_name}"
            row = Planted(
                PlantedKind.MISSING, against, SystemName.BANK, "payment", one.key, one.number, None, one.currency, 0,
                said, ABSENT,
            )  # fmt: skip
            found.append(row)
    return found
