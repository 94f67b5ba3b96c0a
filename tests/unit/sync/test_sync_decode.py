from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ledgerbridge.model.base import Frozen, Kind
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.raw import Raw, digest_of
from ledgerbridge.sync.decode import Accepted, Decoded, DecodeWith, LeftOut, Rejected


def raw(body: bytes = b'{"name": "a"}', wire_type: str = "AccountObj") -> Raw:
    return Raw(Kind.CUSTOMER, wire_type, "1", body, digest_of(body), datetime(2026, 1, 1, tzinfo=UTC))


def mapped(found: Raw) -> Decoded:
    return Accepted(Customer(name=str(found.payload()["name"])), b"canonical")


def test_each_wire_type_has_its_function() -> None:
    decode = DecodeWith({"AccountObj": mapped, "other": lambda _raw: LeftOut("other")}, "v1")
    assert decode(raw()) == Accepted(Customer(name="a"), b"canonical")
    assert decode(raw(wire_type="other")) == LeftOut("other")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (raw(wire_type="Lead"), "no mapping for 'Lead' (mapped: AccountObj)"),
        (raw(b"[1]"), "no JSON object"),
        (raw(b"{"), "no JSON object"),
        (raw(b"{}"), "failed with KeyError; this is a defect"),
    ],
    ids=["wire type", "list", "torn", "defect"],
)
def test_what_cannot_be_mapped_is_rejected_with_the_reason(found: Raw, words: str) -> None:
    decoded = DecodeWith({"AccountObj": mapped}, "v1")(found)
    assert isinstance(decoded, Rejected)
    assert words in decoded.problems[0].why


def test_a_filter_sees_canonical_records() -> None:
    def leave_out(record: Frozen) -> str | None:
        return "not ours" if isinstance(record, Customer) and record.name == "b" else None

    decode = DecodeWith({"AccountObj": mapped}, "v1", leave_out)
    assert isinstance(decode(raw()), Accepted)
    assert decode(raw(b'{"name": "b"}')) == LeftOut("not ours")
