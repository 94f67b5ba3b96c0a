"""Customers: AccountObj, AccountFinInfoObj and ContactObj."""

from __future__ import annotations

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.fxiaoke.objects import ACCOUNT_TYPES, INDUSTRIES
from ledgerbridge.sandbox.world.facts import Company

from .board import Board, midnight, option, wire


def load_customer(board: Board, company: Company) -> None:
    """One customer as this CRM holds it; a second record of the same customer is a second account."""
    owner = board.seller(company.salesperson_code, company.salesperson)
    account = board.put("AccountObj", _account(board, company), owner, company)
    board.accounts.setdefault(company.key, account["_id"])
    board.companies.setdefault(company.key, company)
    if company.credit_code or company.bank_account:
        fields: Row = {
            "name": company.name,
            "account_id": account["_id"],
            "tax_id": company.credit_code,
            "account_bank": company.bank_name or None,
            "account_bank_no": company.bank_account or None,
            "tel": company.phone or None,
            "nvoice_add": company.address or None,
        }
        board.put("AccountFinInfoObj", fields, owner, company)
    if company.contact:
        fields = {
            "name": company.contact,
            "account_id": account["_id"],
            "tel1": company.phone or None,
            "mobile1": company.mobile or None,
            "email": company.email or None,
            "company": company.name,
        }
        board.put("ContactObj", fields, owner, company)


def _account(board: Board, company: Company) -> Row:
    fields: Row = {
        "name": company.name,
        "account_no": company.code or None,
        board.tenant.switches["creditCodeField"]: company.credit_code,
        "tel": company.phone or None,
        "email": company.email or None,
        "address": company.address or None,
        "remark": company.remark or None,
        "deal_status": "2",
        "biz_status": "allocated",
        "short_name__c": company.short_name or None,
        "class_code__c": company.class_code or None,
        "credit_days__c": str(company.credit_days),
        "opened_on__c": midnight(company.opened_on),
        "disabled_on__c": midnight(company.disabled_on),
        "payer_names__c": "\n".join(company.payers) or None,
        **option("account_type", company.class_name, ACCOUNT_TYPES),
        **option("industry_level1", company.industry, INDUSTRIES),
        **_area(company),
    }
    if company.credit_limit is not None:
        fields["credit_limit__c"] = wire(company.credit_limit, company.currency)
    if board.tenant.switches["multiCurrency"]:
        fields["mc_currency"] = company.currency
    elif company.currency != "CNY" and company.credit_limit is not None:
        raise ValueError(f"fxiaoke: {company.name} has a limit in {company.currency}, the switch multiCurrency is off")
    return fields


def _area(company: Company) -> Row:
    """Area codes as strings, each with its name in ``__r``; names alone where there is no six-digit code."""
    code = company.region_code
    names = {"province": company.province, "city": company.city, "district": company.district}
    if len(code) != 6 or not code.isdigit():
        return {name: value for name, value in names.items() if value}
    codes = {"province": f"{code[:2]}0000", "city": f"{code[:4]}00", "district": code}
    fields: Row = {"country": "CN"}
    for name, value in names.items():
        if value:
            fields |= {name: codes[name], f"{name}__r": value}
    return fields
