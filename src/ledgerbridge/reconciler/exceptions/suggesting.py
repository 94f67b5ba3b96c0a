"""What can be done about a finding, and which of it is suggested."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from ledgerbridge.model.exception import Code, Finding, Remedy

_ALWAYS: Final = (Remedy.ASK_CUSTOMER, Remedy.ASK_SALES, Remedy.CORRECT_IN_ERP, Remedy.INVESTIGATE, Remedy.WAIT)

_FITTING: Final = MappingProxyType(
    {
        Code.MISSING: (Remedy.CREATE_IN_CRM, Remedy.CREATE_IN_ERP, Remedy.LINK, Remedy.VOID_IN_CRM, Remedy.VOID_IN_ERP),
        Code.AMOUNT_DIFFERS: (Remedy.TAKE_ERP_AMOUNT, Remedy.TAKE_CRM_VALUE),
        Code.TAX_DIFFERS: (Remedy.TAKE_ERP_AMOUNT, Remedy.TAKE_CRM_VALUE),
        Code.CURRENCY_DIFFERS: (Remedy.INVESTIGATE, Remedy.TAKE_ERP_VALUE),
        Code.CUSTOMER_DIFFERS: (Remedy.TAKE_ERP_VALUE, Remedy.TAKE_CRM_VALUE, Remedy.LINK),
        Code.DATE_DIFFERS: (Remedy.TAKE_ERP_VALUE, Remedy.TAKE_CRM_VALUE),
        Code.STATUS_DIFFERS: (Remedy.TAKE_ERP_VALUE, Remedy.TAKE_CRM_VALUE),
        Code.FIELD_DIFFERS: (Remedy.TAKE_ERP_VALUE, Remedy.TAKE_CRM_VALUE),
        Code.DUPLICATE: (Remedy.SPLIT_DUPLICATE, Remedy.VOID_IN_CRM, Remedy.VOID_IN_ERP),
        Code.VOID_ON_ONE_SIDE: (Remedy.VOID_IN_CRM, Remedy.VOID_IN_ERP),
        Code.TIMING: (Remedy.WAIT,),
        Code.BALANCE_UNEXPLAINED: (Remedy.INVESTIGATE,),
        Code.AMBIGUOUS_LINK: (Remedy.LINK,),
        Code.AMBIGUOUS_ALLOCATION: (Remedy.ALLOCATE,),
        Code.UNAPPLIED_CASH: (Remedy.ALLOCATE,),
        Code.UNKNOWN_PAYER: (Remedy.LINK, Remedy.ALLOCATE),
        Code.ALLOCATION_FAULTY: (Remedy.CORRECT_IN_ERP,),
        Code.CREDIT_EXCEEDED: (Remedy.REVIEW_CREDIT,),
        Code.OVERDUE: (Remedy.REMIND,),
        Code.BOTH_SIDES_CHANGED: (Remedy.TAKE_ERP_VALUE, Remedy.TAKE_CRM_VALUE),
        Code.REFUSED_BY_SYSTEM: (Remedy.INVESTIGATE,),
        Code.OUTCOME_UNKNOWN: (Remedy.READ_BACK,),
        Code.WRITES_FROZEN: (Remedy.INVESTIGATE,),
    }
)


def remedies(code: Code) -> tuple[Remedy, ...]:
    """What may be decided about a finding of a code, the most fitting first."""
    fitting = _FITTING[code]
    return fitting + tuple(remedy for remedy in _ALWAYS if remedy not in fitting)


def suggested(finding: Finding) -> str:
    """The finding's own suggestion, or the one that fits its code best. A record that is missing is made where it is not; a
    document that is void on one side is voided on the other.
    """
    if finding.action:
        return finding.action
    leads = bool(finding.refs and finding.systems and finding.refs[0].system == finding.systems[0])
    if finding.code is Code.MISSING:
        return Remedy.CREATE_IN_CRM if leads else Remedy.INVESTIGATE
    if finding.code is Code.UNKNOWN_PAYER:
        return Remedy.ASK_CUSTOMER
    return remedies(finding.code)[0]
