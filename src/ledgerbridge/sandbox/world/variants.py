"""One firm's name as different people type it, and a CRM's record of a customer as life leaves it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from .facts import Company
from .names import full_width, traditional
from .places import short_city, short_province

_FORMS: Final = (
    "股份有限公司",
    "有限责任公司",
    "集团有限公司",
    "有限公司",
    " GmbH",
    " AG",
    " Limited",
    " Ltd",
    " Inc.",
)


def _brackets(_: random.Random, company: Company) -> str:
    if "（" in company.name:
        return company.name.replace("（", "(").replace("）", ")")
    return company.name.replace("(", "（").replace(")", "）")


def _without_form(_: random.Random, company: Company) -> str:
    for form in _FORMS:
        if company.name.endswith(form):
            return company.name.removesuffix(form)
    return company.name


def _other_form(_: random.Random, company: Company) -> str:
    if company.name.endswith("有限责任公司"):
        return company.name.removesuffix("有限责任公司") + "有限公司"
    if company.name.endswith(("股份有限公司", "集团有限公司")) or not company.name.endswith("有限公司"):
        return company.name
    return company.name.removesuffix("有限公司") + "有限责任公司"


def _without_city(_: random.Random, company: Company) -> str:
    for prefix in (company.city, short_city(company.city), short_province(company.province)):
        rest = company.name.removeprefix(prefix)
        if prefix and rest != company.name and len(rest) > 6:
            return rest
    return company.name


def _with_city(_: random.Random, company: Company) -> str:
    city = short_city(company.city)
    if company.name.startswith(city) and not company.name.startswith(company.city):
        return company.city + company.name.removeprefix(city)
    return company.name


def _blanks(rng: random.Random, company: Company) -> str:
    position = rng.randrange(1, len(company.name))
    return rng.choice(
        (f" {company.name}", f"{company.name} ", f"{company.name[:position]} {company.name[position:]}", f"{company.name}　")
    )  # fmt: skip


def _wide(_: random.Random, company: Company) -> str:
    return full_width(company.name)


def _old_characters(_: random.Random, company: Company) -> str:
    return traditional(company.name)


def _short(_: random.Random, company: Company) -> str:
    return company.short_name


_VARIANTS: Final[tuple[tuple[Callable[[random.Random, Company], str], int], ...]] = (
    (_brackets, 6),
    (_without_form, 5),
    (_other_form, 5),
    (_without_city, 3),
    (_with_city, 4),
    (_blanks, 4),
    (_wide, 2),
    (_old_characters, 1),
    (_short, 1),
)
_CALLS: Final = [call for call, _ in _VARIANTS]
_WEIGHTS: Final = [weight for _, weight in _VARIANTS]


def name_variant(rng: random.Random, company: Company, taken: frozenset[str]) -> str:
    """Another spelling of a company's name that is nobody else's registered name (`taken` holds all of those)."""
    while True:
        name = rng.choices(_CALLS, _WEIGHTS)[0](rng, company)
        if name != company.name and name not in taken:
            return name


def crm_record(rng: random.Random, company: Company, code: str) -> Company:
    """A company as a CRM keeps it: own `code`, contact data sometimes missing or newer, no bank data for most.

    Name, credit code, terms and everything about money are the truth's.
    """
    created_at = company.created_at + timedelta(days=rng.randint(-20, 20), seconds=rng.randrange(3600))
    with_bank = rng.random() < 0.35
    return replace(
        company,
        code=code,
        phone=company.phone if rng.random() < 0.8 else "",
        mobile=company.mobile if rng.random() < 0.9 else "",
        email=company.email if rng.random() < 0.8 else "",
        address=company.address if rng.random() < 0.75 else "",
        contact=company.contact if rng.random() < 0.9 else "",
        bank_name=company.bank_name if with_bank else "",
        bank_account=company.bank_account if with_bank else "",
        remark=company.remark if rng.random() < 0.5 else "",
        created_at=created_at,
        modified_at=max(created_at, company.modified_at + timedelta(seconds=rng.randrange(86_400 * 3))),
        payers=(),
    )
