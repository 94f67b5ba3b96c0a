"""Every behaviour in which a tenant may differ from what the sheet says or leaves open, with its default.

Values are JSON, so that the side door can change them. Endpoints are named by their path after ``/yonbip/``.
"""

from __future__ import annotations

import copy
from typing import Any

_DEFAULTS: dict[str, Any] = {
    # which family holds the loaded and seeded receivables: efi | fi; both are always served (yonyou.md B6)
    "ar_family": "efi",
    # --- sign-in (B2) ---
    "token_seconds": 7200,  # [2+]
    "timestamp_skew_seconds": 300,  # [1] unverified
    "accept_seconds_timestamp": False,  # one vendor demo sends seconds [1]
    "bad_signature_code": "10019",  # [inferred]
    "stale_timestamp_code": "10020",  # [inferred]
    "app_disabled": False,  # answers 10018 [1]
    "old_token_path": True,  # the path before 2023-07-21 still answers [2+]
    # --- envelope and gateway (B3) ---
    "token_errors_as_text": False,  # plain text instead of JSON on a bad token [1]
    "display_codes": False,  # displayCode and level in failures, since 2025-07 [1]
    "numeric_code_endpoints": ["sd/vouchersaleinvoice/detail", "fi/receivebill/list/v2"],  # code 200 as a number (B8.2)
    "rate_limit_per_minute": 0,  # per API; 0 = off; 40 or 60 announced [1], window rule [inferred]
    "rate_limit_status": 429,  # seen once with 310046 [1]
    "rate_limit_code": "310046",
    "quota_status": 200,  # HTTP status of the application's own limit [inferred]
    "quota_code": "310039",
    "not_granted": [],  # endpoints that answer 310037
    "forced_code": "",  # every business call whose endpoint contains forced_endpoint answers this code
    "forced_endpoint": "",
    "messages_as_text": False,  # data.messages as one string instead of an array [2+ that both occur]
    # --- idempotent writes (B4) ---
    "replay_seconds": 3600,  # [1]
    "duplicate_code": "10004",  # or 100004: the documents disagree [1]
    "processing_replies": 0,  # so many repeats of a known key answer 202 before the replay [1]
    # --- lists (B5) ---
    "single_record_as_object": False,  # one sample shows recordList as an object [1]
    "text_paging_endpoints": [
        "digitalModel/merchant/newlistrange",
        "sd/vouchersaleinvoice/list",
    ],  # [2+ that both occur]
    "numeric_id_endpoints": [  # [2+ that both forms occur]; merchant and class keys are long [1], EFI samples are text
        "digitalModel/merchant/newlist",
        "digitalModel/merchant/newlistrange",
        "digitalModel/merchant/idempotent/newinsert",
        "digitalModel/custcategory/newtree",
        "digitalModel/custcategory/newdetailbyid",
        "sd/vouchersaleinvoice/detail",
        "fi/receivebill/list/v2",
        "fi/oar/detail",
    ],
    "page_size_over_cap": "refuse",  # refuse (999) | clamp [inferred]
    "undocumented_page_cap": 500,  # where the sheet knows no maximum [inferred]
    "list_order": "id",  # id | pubts: the vendor documents no order (B8.3 [inferred])
    "equality_filters": [  # fields that lists also filter by equality, top level or in `simple` [inferred]
        "id",
        "code",
        "customer",
        "customerCode",
        "extSystemCode",
        "extVouchCode",
        "invoiceNo",
    ],
    "merchant_end_inclusive": False,  # endTime of the merchant lists is < [inferred]
    "oar_change_filter": False,  # fi/oar/list knows no pubts filter [1]; a tenant might
    "old_receivebill_list": True,  # fi/receivebill/list is being retired [1]
    "late_stamp_seconds": 30,  # how far behind the newest stamp a late row's stamp lies (fault late_stamp)
    # --- archives (B7) ---
    "zh_cn_name_endpoints": [
        "digitalModel/custcategory/newdetailbyid"
    ],  # {zh_CN,…} names instead of {simplifiedName,…}
    "merchant_required": ["code", "name.simplifiedName", "createOrgCode"],  # the documents contradict each other [1]
    "async_delete_seconds": 0,  # batchdelete only returns a key; when the deletion takes place [inferred]
    # --- documents (B7, B8) ---
    "red_amounts": "negative",  # negative | positive: amounts of red documents on the wire [inferred]
    "void_form": "reversed",  # reversed (EFI writeOffState, fi redflag) | terminated (EFI verifyState 3) [inferred]
    "submit_approves": False,  # a tenant without workflow approves on submit [inferred]
    "fi_save_approves": False,  # no audit endpoint for oar is known: a saved one waits for a person [inferred]
    "check_pubts": True,  # an action that names an outdated pubts is refused [inferred]
    "write_off_moves_modify_time": False,  # write-off always moves pubts (B8.3), modifyTime only if so [inferred]
    "clue_delay_seconds": 0,  # a clue registers intent, the write-off appears later (B7 [inferred])
    "undo_write_off": "remove",  # remove | mark (writeOffState 1) the write-off of a deleted clue [inferred]
}


def defaults() -> dict[str, Any]:
    """A fresh copy of all switches."""
    return copy.deepcopy(_DEFAULTS)


def chosen(changes: dict[str, Any] | None) -> dict[str, Any]:
    """The defaults with some switches changed; ValueError for a name that is none."""
    switches = defaults()
    unknown = sorted(set(changes or {}) - set(switches))
    if unknown:
        raise ValueError(f"yonyou_bip has no switch {', '.join(unknown)}")
    switches.update(changes or {})
    return switches
