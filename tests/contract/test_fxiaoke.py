"""The Fxiaoke connector passes the acceptance kit against its served emulator."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest
from fxiaoke_side import SYSTEM, connected

from ledgerbridge.connectors.base import Write
from ledgerbridge.connectors.fxiaoke import Fxiaoke
from ledgerbridge.model.base import Kind, Version
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.raw import Raw
from ledgerbridge.sandbox.fxiaoke.app import FxiaokeEmulator, create, credentials
from ledgerbridge.testing.connector_suite import ConnectorSuite
from ledgerbridge.testing.fakes import FakeClock
from ledgerbridge.testing.hooks import ABSENT, KindFacts

_serial = itertools.count(1)
_TEXT_FIELDS = {Kind.CUSTOMER: "remark", Kind.INVOICE: "remark__c", Kind.PAYMENT: "remark"}


class TestFxiaoke(ConnectorSuite):
    system = SYSTEM
    facts: ClassVar[Mapping[Kind, KindFacts]] = {
        Kind.CUSTOMER: KindFacts("remark", amount_field="credit_limit__c", number_field="credit_days__c"),
        Kind.INVOICE: KindFacts("remark__c", amount_field="amount__c", number_field="net_amount__c"),
        Kind.PAYMENT: KindFacts("remark", amount_field="payment_amount", number_field="bank_fee__c"),
    }
    absent_faults: ClassVar[Mapping[str, str]] = {"half_failed_batch": "one record a call"}
    cleared_reads_as: ClassVar[object] = ABSENT  # the vendor leaves empty fields out

    @pytest.fixture
    def far(self) -> FxiaokeEmulator:
        # The connector keeps to the vendor's rate by a clock that nobody waits for; the emulator counts real seconds.
        return create(switches={"ratePerPath": "", "authStyle": "header", "tokenCallsPerMinute": 0})

    @pytest.fixture
    def connector(self, far: FxiaokeEmulator, clock: FakeClock) -> Iterator[Fxiaoke]:
        with connected(far, clock) as connector:
            yield connector

    def secrets(self, far: Any) -> list[str]:
        granted = credentials()
        issued = far._gateway._sign_in._issued["header"]
        assert issued, "no token was ever given out: the check would look for nothing"
        return [granted["app_secret"], granted["permanent_code"], *(token.value for token in issued)]

    def a_write(self, kind: Kind, far: Any) -> Write:
        number = f"KIT-{next(_serial):05}"
        change = Change(action=Action.CREATE, system=SYSTEM, kind=kind, entity=number, because="the kit asks")
        if kind is Kind.CUSTOMER:
            return Write(change, {"name": f"客户 {number}", "account_no": number})
        [account] = far.seed("customer", 1)
        day = 1_790_784_000_000
        if kind is Kind.INVOICE:
            body = {"name": number, "account__c": account, "bill_date__c": day, "amount__c": "113.00"}
            return Write(change, body)
        body = {"name": number, "account_id": account, "payment_time": day, "payment_amount": "113.00"}
        return Write(change, body)

    def an_update(self, kind: Kind, far: Any, record: Raw) -> Write:
        change = Change(
            action=Action.UPDATE,
            system=SYSTEM,
            kind=kind,
            entity=record.external_id,
            target=self.ref(kind, record.external_id),
            expected=Version(digest=record.digest.hex(), order=record.order),
            because="the kit asks",
        )
        return Write(change, {_TEXT_FIELDS[kind]: "written by us"})
