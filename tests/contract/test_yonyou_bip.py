"""The acceptance kit for the YonBIP connector, in both AR modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest
from yonyou_bip_desk import SYSTEM, a_create, an_edit, connector

from ledgerbridge.connectors.base import Write
from ledgerbridge.connectors.yonyou_bip import YonyouBip
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw
from ledgerbridge.model.wirejson import WireValue
from ledgerbridge.sandbox.web import Running, serve
from ledgerbridge.sandbox.yonyou_bip.app import YonyouBipEmulator, create, credentials
from ledgerbridge.testing.connector_suite import ConnectorSuite, KindFacts
from ledgerbridge.testing.fakes import FakeClock


class Far:
    """The emulator's side door."""

    def __init__(self, emulator: YonyouBipEmulator, running: Running) -> None:
        self.emulator = emulator
        self.running = running
        self.faults = emulator.faults
        self.clock = emulator.clock
        self.count = emulator.count
        self.discard = emulator.discard

    def seed(self, kind: str, count: int) -> list[str]:
        """Plain records; documents as drafts, since approved ones cannot be changed."""
        ids = self.emulator.seed(kind, count)
        if kind in ("invoice", "payment"):
            state = {"verifyState": 0} if self.emulator.switches["ar_family"] == "efi" else {"auditstatus": 2}
            for one in ids:
                self.emulator.touch(kind, one, state)
        return ids

    def touch(self, kind: str, record_id: str, changes: Mapping[str, Any]) -> None:
        self.emulator.touch(kind, record_id, changes)


class BipSuite(ConnectorSuite):
    __test__ = False
    system = SYSTEM
    family: ClassVar[str]
    absent_faults: ClassVar = {
        "quota_used_up": "every limit that the vendor documents is a throttle to back off from (B3)",
        "half_failed_batch": "batch saves are not idempotent (B4): one record a call",
        "empty_page": "pages are numbered and filled; none is empty before the last",
    }
    switches: ClassVar[dict[str, Any]] = {}
    options: ClassVar[dict[str, Any]] = {}
    customer: str = ""

    @pytest.fixture
    def far(self) -> Iterator[Far]:
        emulator = create(switches={"ar_family": self.family, **self.switches})
        with serve(emulator) as running:
            yield Far(emulator, running)
            assert running.failures == []

    @pytest.fixture
    def connector(self, far: Far, clock: FakeClock) -> Iterator[YonyouBip]:
        with connector(far.running, clock=clock, ar_family=self.family, **self.options) as bip:
            yield bip

    def secrets(self, far: Any) -> list[str]:
        return [credentials()["app_secret"], *far.emulator._tokens._ends]

    def a_write(self, kind: Kind, far: Any) -> Write:
        customer = "" if kind is Kind.CUSTOMER else far.seed("customer", 1)[0]
        return a_create(kind, self.family, customer)

    def an_update(self, kind: Kind, far: Any, record: Raw) -> Write | None:
        if kind is Kind.CUSTOMER:
            return an_edit(record, {"website": "https://example.com/new"})
        return an_edit(record, {self.facts[kind].text_field or "": "changed by us"})

    def find_key(self, write: Write) -> str:
        """The key we wrote; customers and fi documents have no place for it and are found by code or number."""
        keyed = self.family == "efi" and write.change.kind is not Kind.CUSTOMER
        return write.change.key if keyed else str(write.body["code"])

    def field_of(self, record: Raw, name: str) -> WireValue:
        payload: Any = record.payload()
        return payload["rows"][0][name] if record.kind is Kind.ALLOCATION else payload[name]


class TestYonyouBipEfi(BipSuite):
    __test__ = True
    family = "efi"
    facts: ClassVar = {
        Kind.CUSTOMER: KindFacts(text_field="website", new_field="memo9"),
        Kind.INVOICE: KindFacts(text_field="remarks", amount_field="oriTaxIncludedAmount", new_field="memo9"),
        Kind.PAYMENT: KindFacts(text_field="remarks", amount_field="oriTaxIncludedAmount", new_field="memo9"),
        Kind.ALLOCATION: KindFacts(text_field="batchno", new_field="memo9"),
    }


class TestYonyouBipFi(BipSuite):
    __test__ = True
    family = "fi"
    options: ClassVar = {"window_days": 3650}  # the emulator dates its seeds
    facts: ClassVar = {
        Kind.CUSTOMER: KindFacts(text_field="website", new_field="memo9"),
        Kind.INVOICE: KindFacts(text_field="description", amount_field="oriSum", new_field="memo9"),
        Kind.PAYMENT: KindFacts(text_field="description", amount_field="oriSum", new_field="memo9"),
        Kind.ALLOCATION: KindFacts(text_field="code"),
    }
