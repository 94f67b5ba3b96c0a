"""Behaviours in which one U8 tenant may differ from another, each with the default the fact sheet gives.

The marks are the sheet's: [1] one source, [inferred] none. A switch may be changed while the emulator runs; those
marked *at write* shape rows when they are written, all others shape answers.
"""

from __future__ import annotations

import copy
from typing import Any

DEFAULTS: dict[str, Any] = {
    # --- error codes (A3) -------------------------------------------------------------------------------------------
    "errcode_token": "30001",  # bad or expired token [inferred]
    "errcode_app": "30002",  # unknown app key, secret or account [inferred]
    "errcode_parameter": "20001",  # a required parameter or field is missing or unreadable [inferred]
    "errcode_rate_limited": "10029",  # too many calls; no code and no limit is documented [inferred]
    "errcode_unknown": "98765",  # what the fault `unknown_code` answers: a code nobody has documented
    "empty_as_error": True,  # nothing matches → 20002 [1]; False: an empty list with row_count "0"
    # --- access (A1, A2, A5) ----------------------------------------------------------------------------------------
    "token_seconds": 7200,  # [2+]
    "token_app_key_name": "appKey",  # casing varies [2+]
    "new_token_ends_old": False,  # several tokens of one app are valid at once [inferred]
    "ds_sequences": ["1"],  # data sources of the application [inferred]
    "rate_limit_per_s": 0,  # calls per second and app; 0 = no limit, none is documented [inferred]
    "rate_limit_http": 200,  # HTTP status of the refusal: business errors come with 200 [2+]
    # --- lists (A3, A4) ---------------------------------------------------------------------------------------------
    "rows_per_page_default": 20,  # [1]
    "rows_per_page_max": 5000,  # more is silently cut to this [inferred]
    "sort": "key",  # "key", "key_desc" or "insertion"; undocumented [inferred]
    "entries_in_lists": [],  # lists that carry `entry`, e.g. ["saleinvoicelist"]; the list sample has headers only [1]
    "void_documents": "hidden",  # "hidden" or "shown": no void flag is documented on any voucher [inferred]
    "status_field": "",  # a voucher field in which this tenant shows draft, approved, void; the standard has none but
    # `state` of the 应收单 [inferred]
    "row_versions_unique": True,  # False: the fault `tied_stamps` ties `timestamp` too, not only `ModifyDate` [inferred]
    # --- spelling (A3, A6) ------------------------------------------------------------------------------------------
    "numbers": "mixed",  # "mixed" [1], "number" or "string"
    "customer_extensions": [
        "tax_reg_code",
        "credit_amount",
        "email",
    ],  # extra attributes this tenant returns [inferred]
    "red_saleinvoice_sign": "negative",  # amounts of a red invoice: "negative" or "positive" [inferred]
    "red_oughtreceive_sign": "positive",  # amounts of a red 应收单: `bdebitcredit` carries the direction [inferred]
    "state_open": "新增",  # `state` of an 应收单 before approval, at write [inferred]
    "state_verified": "审核",  # and after, at write [inferred]
    # --- writing (A5) -----------------------------------------------------------------------------------------------
    "async_polls": 1,  # how many polls of a sync=0 write still answer `url` [inferred]
    "async_seconds": 5,  # after this long it is done without any poll [inferred]
    "ping_after": "1",  # [inferred]
    "poll_running_errcode": "0",  # errcode beside `url` while running: "0" or "30025" [inferred]
    "required": {  # required on add; a missing one → errcode_parameter [1] unless noted
        "customer": ["code", "name"],
        "customerclass": ["code", "name"],  # [inferred]
        "saleinvoice": ["customercode", "entry"],  # [inferred]
        "saleinvoice.entry": ["inventorycode", "quantity"],  # [inferred]
        "oughtreceive": ["cust_vendor_code", "amount", "entry"],
        "oughtreceive.entry": ["cust_vendor_code", "natamount"],
        "accept": ["vouchtype", "customercode", "amount", "digest", "entry"],
        "accept.entry": [],  # one client also sends `customercode`, `amount`, `iamt_s` [1]
    },
    "customer_class_required": True,  # U8 refuses a customer without a class [inferred]
    "check_persons": True,  # an unknown salesperson is refused [1]
    "unknown_fields": "ignore",  # "ignore" or "refuse" fields that the tables of A6 do not name [inferred]
    "assign_numbers": False,  # True: U8 numbers new vouchers itself, whatever the caller sends [inferred]
    "verify_needs_login": False,  # without a login the EAI default user approves [1]
    # --- what `load` makes of the world's data, at write -------------------------------------------------------------
    "opening_balance_as": "saleinvoice",  # with isfirst=1 [1], or "oughtreceive" [inferred]
    "accept_currency_field": "",  # a field of the receipt for the currency's name; the standard has none [inferred]
}


def switch_settings(changes: dict[str, Any] | None) -> dict[str, Any]:
    """The defaults with `changes` laid over them. Raises ValueError for a name that is no switch."""
    unknown = sorted(set(changes or {}) - set(DEFAULTS))
    if unknown:
        raise ValueError(f"yonyou_u8 has no switch {', '.join(unknown)}; see ledgerbridge.sandbox.yonyou_u8.switches")
    return {**copy.deepcopy(DEFAULTS), **copy.deepcopy(changes or {})}
