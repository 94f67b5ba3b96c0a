"""Checked by mypy, not run: what callers of mappings may rely on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_type
from zoneinfo import ZoneInfo

from ledgerbridge.mapping.apply import (
    Context,
    Filtered,
    Mapped,
    MappedOut,
    Outbound,
    Unmapped,
    canonical_bytes,
    compile_inbound,
    compile_outbound,
    from_canonical,
    untouched,
)
from ledgerbridge.mapping.load import load_mapping, overlay
from ledgerbridge.mapping.spec import MappingSpec
from ledgerbridge.model.base import Kind
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import Invoice
from ledgerbridge.model.payment import Allocation, Payment
from ledgerbridge.model.problem import Problem
from ledgerbridge.model.wirejson import WireValue


def reads(payload: Mapping[str, WireValue]) -> None:
    spec = assert_type(load_mapping("", "a.yaml"), MappingSpec)
    assert_type(overlay(spec, "", "b.yaml"), MappingSpec)
    assert_type(untouched(spec, payload), tuple[str, ...])
    context = Context(zone=ZoneInfo("Asia/Shanghai"), base_currency="CNY", options={"field": "x", "digits": 2})
    outcome = compile_inbound(spec, context)(payload)
    assert_type(outcome, Mapped | Unmapped | Filtered)
    if isinstance(outcome, Mapped):
        assert_type(outcome.value, Customer | Invoice | Payment | Allocation)
        assert_type(outcome.notices, tuple[Problem, ...])
    elif isinstance(outcome, Unmapped):
        assert_type(outcome.problems, tuple[Problem, ...])
    else:
        assert_type(outcome.reason, str)


def writes(spec: MappingSpec, context: Context, record: Invoice) -> None:
    outbound = assert_type(compile_outbound(spec, context), Outbound)
    assert_type(outbound.writable(creating=True), frozenset[str])
    result = outbound(record, changed=None, creating=True)
    assert_type(result, MappedOut | Unmapped)
    if isinstance(result, MappedOut):
        assert_type(result.body, dict[str, WireValue])
    outbound(record, changed=["due_on"], creating=False)  # type: ignore[arg-type]  # a frozenset, as everywhere
    outbound("record", changed=None, creating=True)  # type: ignore[arg-type]


def stores(record: Payment) -> None:
    data = assert_type(canonical_bytes(record), bytes)
    assert_type(from_canonical(Kind.PAYMENT, data), Customer | Invoice | Payment | Allocation)
    canonical_bytes({"number": "1"})  # type: ignore[arg-type]
