"""The Zoho CRM connector passes the acceptance kit against its served emulator."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from zoho_crm_desk import SYSTEM, connected

from ledgerbridge.connectors.base import Write
from ledgerbridge.connectors.zoho_crm import ZohoCrm
from ledgerbridge.model.base import Kind, Version
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.raw import Raw
from ledgerbridge.sandbox.web import serve
from ledgerbridge.sandbox.zoho_crm import ZohoCrmEmulator, create, credentials
from ledgerbridge.testing.connector_suite import ConnectorSuite
from ledgerbridge.testing.fakes import FakeClock
from ledgerbridge.testing.hooks import KindFacts

_serial = itertools.count(1)
_TEXT = {Kind.CUSTOMER: "Description", Kind.INVOICE: "Description", Kind.PAYMENT: "Remark"}


class TestZohoCrm(ConnectorSuite):
    system = SYSTEM
    facts: ClassVar[Mapping[Kind, KindFacts]] = {
        Kind.CUSTOMER: KindFacts("Description", amount_field="Credit_Limit", number_field="Credit_Days"),
        Kind.INVOICE: KindFacts("Description", amount_field="ERP_Total", number_field="ERP_Net"),
        Kind.PAYMENT: KindFacts("Remark", amount_field="Amount", number_field="Bank_Fee"),
    }
    absent_faults: ClassVar[Mapping[str, str]] = {
        "empty_page": "a page of a list is never empty, a list that is has no body"
    }
    emptied_reads_as: ClassVar[object] = None  # an empty text is no text to Zoho

    @pytest.fixture
    def far(self) -> ZohoCrmEmulator:
        return create()

    @pytest.fixture
    def connector(self, far: ZohoCrmEmulator, clock: FakeClock) -> Iterator[ZohoCrm]:
        with serve(far) as running:
            with connected(running, clock=clock) as crm:
                yield crm
            assert running.failures == []

    def secrets(self, far: Any) -> list[str]:
        issued = list(far.accounts._access)
        assert issued, "no token was ever given out: the check would look for nothing"
        return [credentials()["client_secret"], credentials()["refresh_token"], *issued]

    def a_write(self, kind: Kind, far: Any) -> Write:
        number = f"KIT-{next(_serial):05}"
        change = Change(action=Action.CREATE, system=SYSTEM, kind=kind, entity=number, because="the kit asks")
        if kind is Kind.CUSTOMER:
            return Write(change, {"Account_Name": f"客户 {number}", "ERP_Code": number})
        account = far.org.books.ordering("Accounts", "id") or [("", far.seed("customer", 1)[0])]
        lookup = {"id": str(account[0][1])}
        if kind is Kind.PAYMENT:
            return Write(
                change, {"Name": number, "Account": lookup, "Payment_Date": "2026-03-02", "Amount": Decimal("113.00")}
            )
        if not far.org.books.ids_by("Products", "ERP_Id", "SEED-P"):
            far.discard("invoice", far.seed("invoice", 1)[0])
        line = {"ERP_Item_Code": "SEED-P", "Quantity": 1, "List_Price": Decimal("100.00")}
        body = {"ERP_Invoice_Number": number, "Account_Name": lookup, "Invoice_Date": "2026-03-02"}
        return Write(change, {**body, "ERP_Total": Decimal("113.00"), "Invoiced_Items": [line]})

    def an_update(self, kind: Kind, far: Any, record: Raw) -> Write:
        change = Change(
            action=Action.UPDATE,
            system=SYSTEM,
            kind=kind,
            entity=record.external_id,
            target=self.ref(kind, record.external_id),
            expected=Version(digest=record.digest.hex(), order=record.order, modified_at=record.modified_at),
            because="the kit asks",
        )
        return Write(change, {_TEXT[kind]: "written by us"})
