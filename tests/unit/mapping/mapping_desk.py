"""Short ways to load a mapping and run one field through it, for the tests of this folder."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

from ledgerbridge.mapping.apply import (
    Context,
    Filtered,
    Mapped,
    MappedOut,
    Unmapped,
    compile_inbound,
    compile_outbound,
)
from ledgerbridge.mapping.load import load_mapping
from ledgerbridge.mapping.spec import MappingSpec

CONTEXT = Context(zone=ZoneInfo("Asia/Shanghai"), base_currency="CNY", options={})
CREDIT_CODE = "91110000600037341L"

_NEEDED = {
    "customer": {"name": "n"},
    "invoice": {
        "number": "no",
        "customer.code": "cust",
        "issued_on": "day",
        "currency": {"wire": "cur", "default": "CNY"},
        "total_minor": "total",
    },
    "payment": {
        "number": "no",
        "received_on": "day",
        "currency": {"wire": "cur", "default": "CNY"},
        "amount_minor": "amount",
    },
    "allocation": {
        "number": "no",
        "invoice.number": "inv",
        "currency": {"wire": "cur", "default": "CNY"},
        "amount_minor": "amount",
        "allocated_on": "day",
    },
}
NEEDED_PAYLOAD: dict[str, dict[str, Any]] = {
    "customer": {"n": "示例公司"},
    "invoice": {"no": "S1", "cust": "C1", "day": "2026-03-31", "total": "1130.00"},
    "payment": {"no": "P1", "day": "2026-03-31", "amount": "1130.00"},
    "allocation": {"no": "A1", "inv": "S1", "amount": "1130.00", "day": "2026-03-31"},
}


def text_of(kind: str, fields: dict[str, Any], **head: Any) -> str:
    """A mapping file with the fields that `kind` needs, `fields`, and further head keys. JSON is YAML."""
    data = {"name": f"toy/{kind}.thing", "revision": 1, "connector": "toy", "kind": kind, "wire_type": "thing"}
    return json.dumps({**data, **head, "fields": {**_NEEDED[kind], **fields}}, ensure_ascii=False)


def spec_of(kind: str, fields: dict[str, Any], **head: Any) -> MappingSpec:
    return load_mapping(text_of(kind, fields, **head), "toy.yaml")


def outcome_of(kind: str, fields: dict[str, Any], payload: dict[str, Any], **head: Any) -> Mapped | Unmapped | Filtered:
    return compile_inbound(spec_of(kind, fields, **head), CONTEXT)({**NEEDED_PAYLOAD[kind], **payload})


def read(kind: str, fields: dict[str, Any], payload: dict[str, Any], **head: Any) -> Any:
    """The record; fails with the problems if there is none."""
    outcome = outcome_of(kind, fields, payload, **head)
    assert isinstance(outcome, Mapped), outcome
    return outcome.value


def problems(kind: str, fields: dict[str, Any], payload: dict[str, Any], **head: Any) -> list[str]:
    """The problems, as ``field: why``."""
    outcome = outcome_of(kind, fields, payload, **head)
    assert isinstance(outcome, Unmapped), outcome
    return [f"{problem.field}: {problem.why}" for problem in outcome.problems]


def written(
    kind: str,
    fields: dict[str, Any],
    record: Any,
    *,
    changed: set[str] | None = None,
    creating: bool = False,
    **head: Any,
) -> dict[str, Any]:
    """The body, without the fields that every toy mapping needs."""
    result = compile_outbound(spec_of(kind, fields, **head), CONTEXT)(
        record, changed=None if changed is None else frozenset(changed), creating=creating
    )
    assert isinstance(result, MappedOut), result
    return {key: value for key, value in result.body.items() if key not in {*NEEDED_PAYLOAD[kind], "cur"}}
