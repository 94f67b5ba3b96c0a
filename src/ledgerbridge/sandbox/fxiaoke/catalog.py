"""The objects of the sandbox's tenant (fxiaoke.md 7), assembled from the switches that change them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from .objects import ACCOUNT_SIDE, ORDER_SIDE, SPARE, Draft
from .objects_money import money_side
from .schema import CURRENCY_FIELDS, SYSTEM_FIELDS, Field, ObjectSpec, text

Catalog = dict[str, ObjectSpec]
_NO_CURRENCY = frozenset({"PersonnelObj", "DepartmentObj", "ContactObj", "AccountFinInfoObj", "AccountAddrObj"})


def catalog(switches: Mapping[str, Any]) -> Catalog:
    """Every object by api name, as the switches have it now."""
    required = tuple((name, tuple(fields)) for name, fields in sorted(switches["requiredFields"].items()))
    return _catalog(
        bool(switches["multiCurrency"]),
        str(switches["receivableObject"]),
        str(switches["sourceIdField"]),
        str(switches["creditCodeField"]),
        required,
    )


@lru_cache(maxsize=16)
def _catalog(
    multi_currency: bool,
    receivable: str,
    source_id: str,
    credit_code: str,
    required: tuple[tuple[str, tuple[str, ...]], ...],
) -> Catalog:
    drafts = (*ACCOUNT_SIDE, *ORDER_SIDE, *money_side(receivable), *SPARE)
    keyed = {"AccountObj", "PaymentObj", "RefundObj", receivable}
    more_required = dict(required)
    made: Catalog = {}
    for draft in drafts:
        own = list(draft.fields)
        if draft.api_name in keyed:
            own.append(text(source_id, "ERP来源标识", unique=True))
        if draft.api_name == "AccountObj":
            own.append(text(credit_code, "统一社会信用代码"))
        if multi_currency and draft.api_name not in _NO_CURRENCY:
            own.extend(CURRENCY_FIELDS)
        made[draft.api_name] = _spec(draft, own, more_required.get(draft.api_name, ()), drafts)
    return made


def _spec(draft: Draft, own: list[Field], more_required: tuple[str, ...], drafts: tuple[Draft, ...]) -> ObjectSpec:
    fields = {one.api_name: one for one in (*own, *SYSTEM_FIELDS)}
    for name in more_required:
        if name not in fields:
            raise ValueError(f"switch requiredFields names {draft.api_name}.{name}, which does not exist")
        fields[name] = replace(fields[name], required=True)
    details = {
        other.api_name: one.api_name
        for other in drafts
        for one in other.fields
        if one.type == "master_detail" and one.target == draft.api_name
    }
    master = next((one.api_name for one in own if one.type == "master_detail"), None)
    return ObjectSpec(draft.api_name, draft.label, fields, details, master, draft.number_prefix)
