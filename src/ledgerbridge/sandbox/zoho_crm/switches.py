"""What one tenant may do otherwise than another: every [1] and [inferred] statement of zoho.md that matters, by name.

A switch is read at each request, so that the side door can turn it at run time. All values are JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCOPES = (
    "ZohoCRM.modules.ALL,ZohoCRM.settings.ALL,ZohoCRM.org.READ,ZohoCRM.users.READ,ZohoCRM.coql.READ,ZohoCRM.bulk.ALL,"
    "ZohoCRM.notifications.ALL,ZohoSearch.securesearch.READ"
)

# fmt: off
_DEFAULTS: dict[str, Any] = {
    # the org
    "edition": "enterprise",            # free, standard, professional, enterprise, ultimate: section 9
    "users": 5,                         # licences that count for the credits: section 9
    "credits_per_day": None,            # overrides the table of section 9
    "utc_offset": "+08:00",             # of the reading user: section 12
    "multi_currency": True,             # off: Currency and Exchange_Rate are not in the metadata [inferred]: 11
    "rate_direction": "record_per_base",  # or base_per_record [inferred]: 11
    "inactive_currency_refused": True,  # [inferred]: 11
    "modules_missing": [],              # Invoices and Products need a paid edition [1]: 12
    "payments_module": "Payments",      # API name of the custom module [inferred]: 13
    "invoice_statuses": ["Created", "Approved", "Delivered", "Cancelled"],  # spelling varies [1]: 12
    "invoice_needs_account": False,     # optional by REST [1]: 12
    "invoice_needs_items": True,        # Invoiced_Items mandatory [1]: 12
    "no_permission": [],                # e.g. ["Invoices.CREATE"]: 403 NO_PERMISSION: section 2
    "processing_s": 0,                  # how long a call takes, to see calls at once: section 9
    # sign-in: section 2
    "api_domain": None,                 # None: the emulator's own address: section 1
    "granted_scopes": SCOPES,           # of the connection that `credentials` is for
    "strict_header_prefix": True,       # only Zoho-oauthtoken [inferred]
    "code_life_s": 600,                 # 1 to 10 minutes [1]
    "token_life_s": 3600,
    # lists and reads: section 3
    "too_many_fields_refused": True,    # over 50 -> LIMIT_EXCEEDED [1]; off: cut at 50
    "bad_paging_refused": True,         # [inferred]; off: clamped
    "ids_max": 100,                     # [inferred]
    "unknown_id_status": 204,           # [inferred]; 400: INVALID_DATA
    "deleted_id_status": 204,           # [inferred]; 400: INVALID_DATA
    "rich_text_cut": 500,               # in lists [1]
    "has_more_in_single": True,         # $has_more per subform [1]
    "page_token_walk": "keyset",        # or offset: what happens when rows move is not documented [inferred]
    "page_token_life_s": 86400,
    "null_page_tokens": True,           # null rather than absent on a last page
    # COQL, search, count: section 4
    "coql_limit_max": 2000,             # [1]
    "coql_rows_max": 100000,            # [1]
    "coql_columns_max": 50,             # [1]
    "coql_conditions_max": 25,          # [1]
    "coql_in_max": 50,                  # [1]
    "coql_pairs_required": True,        # more than two conditions in a row want brackets [1]
    "coql_own_scope": True,             # fails without ZohoCRM.coql.READ [1]
    "coql_ignores_case": True,          # [inferred]
    "coql_lookup_names": True,          # lookups as {name, id}; off: {id} [inferred]
    "search_lag_s": 30,                 # how long a write stays unseen by search [1]
    "search_rows_max": 2000,            # [1]
    "search_criteria_max": 10,
    # writes: section 5
    "null_clears": True,                # [inferred]; off: null is ignored
    "mixed_status": 207,                # older versions 202 [inferred]
    "refused_status": 400,              # older versions 202 [inferred]
    "subform_rows_stay": True,          # rows not named stay [inferred]; off: the list replaces
    "unknown_fields_ignored": True,     # [inferred]; off: INVALID_DATA
    "read_only_ignored": True,          # [inferred]; off: INVALID_DATA
    "insert_checks_built_in": False,    # a plain insert checks unique fields only [inferred]
    "same_key_updates": True,           # a second record of one call with the same key [inferred]; off: DUPLICATE_DATA
    "all_errors_of_a_record": True,     # MULTIPLE_OR_MULTI_ERRORS [1]; off: the first one only
    "conditional_whole_call": True,     # 412 refuses the whole call [inferred]; off: per record
    "numeric_text_refused": True,       # "12.5" for a number is INVALID_DATA [inferred]
    # deletions: section 6
    "mixed_delete_status": 207,         # [1]
    "recycle_days": 60,                 # [1]
    "permanent_days": 120,              # [1]
    "deleted_newest_first": True,       # [inferred]
    "purged_names_null": True,          # permanent rows may have null names
    # bulk read: section 7
    "bulk_rows_per_page": 200000,       # [inferred]
    "bulk_file_hours": 24,              # [inferred]
    "bulk_polls": 2,                    # polls that still find the job at work
    # watch: section 8
    "watch_days_max": 7,                # an older page says one [2+ / 1]
    "watch_default_s": 3600,            # missing or too far ahead [1]
    "channel_id_required": True,        # [1]
    "watch_fields_max": 10,             # [1]
    # limits: section 9
    "credits_enforced": True,
    "rate_limit_code": "TOO_MANY_REQUESTS",  # the watch spec says RATE_LIMIT_EXCEEDED [1]
    "rate_limit_json": True,            # off: a 429 without JSON
    "retry_after_s": None,              # a Retry-After header with a 429, if ever sent
}
# fmt: on


def defaults(overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A fresh set of switches with `overrides` on top; ValueError for a name that is no switch."""
    chosen = dict(overrides or {})
    unknown = sorted(set(chosen) - set(_DEFAULTS))
    if unknown:
        raise ValueError(f"zoho_crm has no switch {', '.join(unknown)}; there are {', '.join(sorted(_DEFAULTS))}")
    fresh = {name: list(value) if isinstance(value, list) else value for name, value in _DEFAULTS.items()}
    return {**fresh, **chosen}
