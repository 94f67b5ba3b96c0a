from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ledgerbridge.errors import MappingError
from ledgerbridge.mapping.apply import Context
from ledgerbridge.mapping.load import load_mapping
from ledgerbridge.mapping.spec import MappingSpec
from ledgerbridge.model.base import Kind
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.raw import Raw, digest_of
from ledgerbridge.sync.decode import Accepted, LeftOut, Rejected
from ledgerbridge.sync.mapped import mapped_by

CUSTOMERS = """
name: test/customer
revision: 1
connector: test
kind: customer
wire_type: Account
skip:
  - {when: {test: true}, because: a test customer}
fields:
  name: {wire: title, required: true}
  phone: {wire: tel, on_problem: omit}
"""
CONTEXT = Context(ZoneInfo("Asia/Shanghai"), "CNY", {})


def spec(text: str = CUSTOMERS) -> MappingSpec:
    return load_mapping(text, "customer.yaml")


def raw(body: str) -> Raw:
    return Raw(Kind.CUSTOMER, "Account", "1", body.encode(), digest_of(body.encode()), datetime(2026, 1, 1, tzinfo=UTC))


def test_the_three_answers_of_a_mapping() -> None:
    decode = mapped_by([spec()], CONTEXT)
    accepted = decode(raw('{"title": "上海一鸣", "tel": "no number"}'))
    assert isinstance(accepted, Accepted)
    assert accepted.record == Customer(name="上海一鸣")
    assert accepted.canonical == '{"name":"上海一鸣"}'.encode()
    assert [notice.field for notice in accepted.notices] == ["phone"]
    assert decode(raw('{"title": "x", "test": true}')) == LeftOut("a test customer")
    rejected = decode(raw('{"tel": 5}'))
    assert isinstance(rejected, Rejected)
    assert rejected.problems[0].field == "name"


def test_whatever_may_change_the_answer_changes_the_fingerprint() -> None:
    made = [
        mapped_by([spec()], CONTEXT),
        mapped_by([spec(CUSTOMERS.replace("title", "name"))], CONTEXT),
        mapped_by([spec()], Context(ZoneInfo("UTC"), "CNY", {})),
        mapped_by([spec()], Context(ZoneInfo("Asia/Shanghai"), "USD", {})),
        mapped_by([spec()], CONTEXT, leave_out=lambda _record: None, leave_out_name="only ours"),
    ]
    assert len({decode.fingerprint for decode in made}) == len(made)
    assert mapped_by([spec()], CONTEXT).fingerprint == made[0].fingerprint


def test_mappings_that_do_not_belong_together() -> None:
    with pytest.raises(MappingError, match=r"test/customer and test/other both map 'Account'"):
        mapped_by([spec(), spec(CUSTOMERS.replace("test/customer", "test/other"))], CONTEXT)
