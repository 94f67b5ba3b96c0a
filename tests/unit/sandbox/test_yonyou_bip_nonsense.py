"""Whatever is sent, the far side answers in its envelope and never breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bip_desk import GATEWAY, Desk, efi, parsed, receivebill
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_yonyou_bip_sales import invoice

from ledgerbridge.sandbox.yonyou_bip.gate import ROUTES

NAMES = [
    "data", "id", "code", "name", "pageIndex", "pageSize", "isSum", "simple", "simpleVOs", "queryOrders", "field", "op",
    "value1", "conditions", "bodyItem", "grandsonItem", "oriTaxIncludedAmount", "oarDetail", "ReceiveBill_b", "oriSum",
    "saleInvoiceDetails", "srcBill", "targetBill", "relationIds", "amount", "verifyType", "_status", "resubmitCheckKey",
    "customerClassId", "parent", "targetObjId", "currencyId", "merchantAppliedDetail", "open_pubts_begin", "pubts",
]  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers(-5, 10**19) | st.text(max_size=5) | st.sampled_from(["C1", "1", "Update"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
POSTS = sorted(endpoint for endpoint, route in ROUTES.items() if route.method == "POST")
DESK = Desk()
CUSTOMER = DESK.new_customer()
IDS = [
    DESK.approved("receivable", CUSTOMER, "10.00")["id"],
    DESK.data("EFI/receivable/save", {"data": efi(CUSTOMER)})["id"],
]


def send(endpoint: str, body: Any) -> None:
    response = DESK.raw("POST", GATEWAY + endpoint, {"access_token": DESK.token}, json.dumps(body).encode())
    answer = parsed(response)
    assert "code" in answer
    assert "message" in answer


@pytest.mark.parametrize("endpoint", POSTS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=VALUES)
def test_arbitrary_bodies(endpoint: str, body: Any) -> None:
    send(endpoint, body)
    send(endpoint, {"data": body})


@settings(max_examples=250, deadline=None)
@given(
    endpoint=st.sampled_from([name for name in POSTS if "save" in name.lower() or "pdate" in name]),
    which=st.integers(0, 3),
    field=st.sampled_from(NAMES + list(efi("1")) + list(receivebill("1"))),
    value=VALUES,
    as_list=st.booleans(),
)
def test_valid_bodies_with_one_field_replaced(endpoint: str, which: int, field: str, value: Any, as_list: bool) -> None:
    body = [efi(CUSTOMER), receivebill(CUSTOMER), invoice(CUSTOMER), {"id": IDS[1], "code": "X"}][which] | {
        field: value
    }
    send(endpoint, {"data": [body] if as_list else body})
    for name in (
        "EFI/receivable/list",
        "fi/receivebill/list/v2",
        "sd/vouchersaleinvoice/list",
        "EFI/arPublicEvent/list",
    ):
        send(name, {"pageSize": 100})
