"""The acceptance kit for the U8 connector: all of it, and once more the writes with an account set that accepts them first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest
from yonyou_u8_desk import SYSTEM, a_create, an_edit, connector

from ledgerbridge.connectors.base import Write
from ledgerbridge.connectors.yonyou_u8 import YonyouU8
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw
from ledgerbridge.model.wirejson import WireValue
from ledgerbridge.sandbox.web import Running, serve
from ledgerbridge.sandbox.yonyou_u8 import YonyouU8Emulator, create, credentials
from ledgerbridge.testing.connector_suite import ConnectorSuite, KindFacts
from ledgerbridge.testing.fakes import FakeClock
from ledgerbridge.testing.hooks import Hooks
from ledgerbridge.testing.write_suite import WriteSuite

LINE_AMOUNT = "entry.originalsum"


class Far:
    """The emulator's side door, and the tokens it gave out. An invoice's amount stands in its lines: a person edits it there."""

    def __init__(self, emulator: YonyouU8Emulator, running: Running) -> None:
        self.emulator = emulator
        self.running = running
        self.faults = emulator.faults
        self.clock = emulator.clock
        self.seed = emulator.seed
        self.count = emulator.count
        self.discard = emulator.discard
        self.tokens: list[str] = []
        issue = emulator.gate.issue

        def noted(query: Mapping[str, str]) -> dict[str, Any]:
            answer = issue(query)
            self.tokens.append(answer["token"]["id"])
            return answer

        emulator.gate.issue = noted  # type: ignore[method-assign]

    def touch(self, kind: str, record_id: str, changes: Mapping[str, Any]) -> None:
        plain = {name: value for name, value in changes.items() if name != LINE_AMOUNT}
        if LINE_AMOUNT in changes:
            plain["entry"] = [{"inventorycode": "0101", "originalsum": changes[LINE_AMOUNT]}]
        self.emulator.touch(kind, record_id, plain)


class U8Hooks(Hooks):
    """What the kit must know of U8."""

    system = SYSTEM
    facts: ClassVar = {
        Kind.CUSTOMER: KindFacts(text_field="memo", amount_field="credit_amount", number_field="credit_amount"),
        Kind.INVOICE: KindFacts(text_field="define11", amount_field=LINE_AMOUNT, number_field="icreditdays"),
        Kind.PAYMENT: KindFacts(text_field="digest", amount_field="originalamount"),
    }
    absent_faults: ClassVar = {
        "quota_used_up": "U8 documents no call quota",
        "half_failed_batch": "U8 writes one record a call",
        "empty_page": "U8's pages are numbered and filled; none is empty before the last",
    }
    switches: ClassVar[dict[str, Any]] = {}
    options: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def far(self) -> Iterator[Far]:
        emulator = create(switches=self.switches)
        with serve(emulator) as running:
            yield Far(emulator, running)
            assert running.failures == []

    @pytest.fixture
    def connector(self, far: Far, clock: FakeClock) -> Iterator[YonyouU8]:
        with connector(far.running, clock=clock, **self.options) as u8:
            yield u8

    def secrets(self, far: Any) -> list[str]:
        return [credentials()["app_secret"], *far.tokens]

    def a_write(self, kind: Kind, far: Any) -> Write:
        customer = "S00000001"
        if kind is not Kind.CUSTOMER and far.emulator.books.get("customer", customer) is None:
            far.seed("customer", 1)
        return a_create(kind, customer)

    def an_update(self, kind: Kind, far: Any, record: Raw) -> Write | None:
        return an_edit(record, {"memo": "written by us"}) if kind is Kind.CUSTOMER else None

    def field_of(self, record: Raw, name: str) -> WireValue:
        payload: Any = record.payload()
        return payload["entry"][0]["originalsum"] if name == LINE_AMOUNT else payload[name]  # type: ignore[no-any-return]

    def same(self, read: object, sent: object, name: str) -> None:
        """U8 leaves empty fields out (A3): null and empty are not told apart from absent, but zero is."""
        if sent in (None, "") and not isinstance(sent, int):
            assert read == "(absent)", f"{name}: {sent!r} was read as {read!r}"
        else:
            super().same(read, sent, name)


class TestYonyouU8(U8Hooks, ConnectorSuite):
    """Writes that answer when they are done (sync=1)."""


@pytest.mark.kit
class TestYonyouU8Asynchronous(U8Hooks, WriteSuite):
    """Writes that are accepted and asked about (sync=0), by an account set that has carried them out when first asked."""

    switches: ClassVar = {"async_seconds": 0}
    options: ClassVar = {"asynchronous": True}
