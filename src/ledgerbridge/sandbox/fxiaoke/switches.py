"""Every behaviour in which one tenant or one gateway may differ from another, with the value the sandbox starts with.

Marks as in ``fxiaoke.md``: [2+] two sources, [1] one source, [inferred] the sources are silent or contradict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DEFAULTS: dict[str, Any] = {
    # signing in
    "tokenTtl": 7200,  # s [2+]
    "tokenRenewBefore": 600,  # s before the end from which a token call makes a new token [2+]
    "authStyle": "both",  # both | legacy | header [1]
    "tokenCallsPerMinute": 10,  # [2+]; 0 = unlimited
    # limits
    "ratePerPath": "100/20s",  # calls per window and path [2+]; one integrator noted 60/20s [1]; "" = unlimited
    "rateLimitCode": 30004,  # perhaps 14001 [1]
    "dailyQuota": 100_000,  # resets at 00:00 UTC+8 [inferred]; 0 = nothing purchased (30003)
    "maxLimit": 100,  # rows per page [2+]; old manuals say 200 or 1000
    "maxOffset": 10_000,  # [2+]
    "defaultLimit": 20,  # rows when a query names no limit [inferred]
    # reading
    "hideInvalid": False,  # queries leave 作废 rows out unless a filter names life_status [1] against [1]
    "lastModifiedLagMs": 0,  # a change becomes visible to queries this much later than its stamp [inferred]
    "lateStampMs": 20_000,  # how late the one row of the fault late_stamp becomes visible [inferred]
    "versionForm": "string",  # string | number [2+]
    "personnelVisible": "own_department",  # own_department | all: whom an administrator sees of PersonnelObj [2+]
    # writing
    "bumpParent": False,  # a roll-up that moves bumps its parent's last_modified_time and version [inferred]
    "approvalObjects": [],  # api names with an approval flow, which triggerApprovalFlow sets off [2+]
    "unknownFields": "reject",  # reject | ignore: a field that describe does not have [inferred]
    "emptyText": "keep",  # keep | null: whether an empty string in a text field stays apart from null [inferred]
    "ownerOnUpdate": "reject",  # reject | ignore: an update with another owner [inferred]
    "updateDetails": "replace",  # replace | ignore: what a supplied detail list of an update does [1]
    "replacedDetails": "invalid",  # invalid | delete: what becomes of a detail row left out of that list [inferred]
    "uniqueCountsInvalid": True,  # a 作废 row still occupies its unique values [inferred]
    "duplicateRules": {"AccountObj": ["name"]},  # 查重: fields compared when the caller asks for it [inferred]
    "paymentNeedsLines": False,  # PaymentObj cannot be created without OrderPaymentObj lines [inferred]
    # the tenant's own objects and fields
    "multiCurrency": True,  # mc_* fields exist [1]
    "idStyle": "mixed",  # mixed | 24 | 32: preset rows of old tenants have 32 hex digits [1]
    "receivableObject": "ar_bill__c",  # the custom object that is the invoice [1]
    "sourceIdField": "erp_source_id__c",  # unique text on AccountObj, receivable, PaymentObj, RefundObj [inferred]
    "creditCodeField": "uniform_social_credit_code",  # older tenants: a custom field [1]
    "requiredFields": {},  # api name -> fields that are required besides the built-in ones [inferred]
    "refundsAs": "RefundObj",  # RefundObj | PaymentObj: where loaded refunds go [inferred]
    # what goes wrong
    "fault": None,  # {path, code, count, after_commit}: code an errorCode, "HTTP_500" or "HTML_PAGE" [inferred]
    "errorIn200Code": 32000,  # the code of the fault error_in_200
    "unknownCode": 987654321,  # the code of the fault unknown_code; in no table [inferred]
}


def switches_with(overrides: Mapping[str, Any] | None) -> dict[str, Any]:
    """The defaults with `overrides`; ValueError for a switch that does not exist."""
    unknown = sorted(set(overrides or {}) - set(DEFAULTS))
    if unknown:
        raise ValueError(f"fxiaoke has no switch {', '.join(unknown)}; it has {', '.join(sorted(DEFAULTS))}")
    return {**DEFAULTS, **(overrides or {})}
