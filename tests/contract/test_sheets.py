"""The acceptance kit for spreadsheets: the far side is a folder in which somebody else keeps text files."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ledgerbridge.connectors.base import Connector, Surroundings, Write
from ledgerbridge.connectors.sheets import Sheets
from ledgerbridge.connectors.sheets.settings import SheetsSettings
from ledgerbridge.model.base import Kind, Version
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.raw import Raw
from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.testing.connector_suite import FAULTS, ConnectorSuite, FarSide, KindFacts
from ledgerbridge.testing.fakes import FakeClock

HEADERS = {
    "customer": ["客户编码", "客户名称", "备注", "信用额度"],
    "invoice": ["单据号", "客户名称", "开票日期", "价税合计", "备注"],
    "payment": ["收款单号", "客户名称", "收款日期", "收款金额", "备注"],
}
PLAIN: dict[str, dict[str, Any]] = {
    "customer": {"客户名称": "示例公司"},
    "invoice": {"客户名称": "示例公司", "开票日期": "2026-03-31", "价税合计": "113.00"},
    "payment": {"客户名称": "示例公司", "收款日期": "2026-03-31", "收款金额": "113.00"},
}


class NoFaults:
    """A folder has no network: what is ordered never happens."""

    delay_s = 0.0

    def __init__(self) -> None:
        self.happened: Counter[Any] = Counter()

    def fail_next(self, fault: str, **_: object) -> None:
        """Nothing can fail on the way."""

    def clear(self) -> None:
        """Nothing waits."""


class Folder:
    """Keeps one CSV file per kind with its own writer; satisfies the kit's FarSide by shape."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults = NoFaults()
        self.clock = SandboxClock()
        self._serial = itertools.count(1)
        for kind in HEADERS:
            self._write(kind, [])

    def rows(self, kind: str) -> list[dict[str, str]]:
        with (self.path / f"{kind}.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def _write(self, kind: str, rows: list[dict[str, str]]) -> None:
        headers = list(dict.fromkeys([*HEADERS[kind], *(name for row in rows for name in row)]))
        with (self.path / f"{kind}.csv").open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, headers, restval="")
            writer.writeheader()
            writer.writerows(rows)

    def seed(self, kind: str, count: int) -> list[str]:
        rows = self.rows(kind)
        made = [f"{kind[0].upper()}{next(self._serial):05}" for _ in range(count)]
        self._write(kind, [*rows, *({HEADERS[kind][0]: key, **PLAIN[kind]} for key in made)])
        return made

    def count(self, kind: str) -> int:
        return len(self.rows(kind))

    def touch(self, kind: str, record_id: str, changes: Mapping[str, Any]) -> None:
        rows = self.rows(kind)
        row = next(row for row in rows if row[HEADERS[kind][0]] == record_id)
        row.update({name: "" if value is None else str(value) for name, value in changes.items()})
        self._write(kind, rows)

    def discard(self, kind: str, record_id: str) -> None:
        self._write(kind, [row for row in self.rows(kind) if row[HEADERS[kind][0]] != record_id])


class TestSheets(ConnectorSuite):
    system = "files"
    facts: ClassVar[dict[Kind, KindFacts]] = {
        Kind.CUSTOMER: KindFacts(text_field="备注", number_field="信用额度", new_field="我们自己的列"),
        Kind.INVOICE: KindFacts(text_field="备注", amount_field="价税合计", new_field="我们自己的列"),
        Kind.PAYMENT: KindFacts(text_field="备注", amount_field="收款金额", new_field="我们自己的列"),
    }
    absent_faults: ClassVar[dict[str, str]] = dict.fromkeys(FAULTS, "a folder has no network")
    signs_in = False
    emptied_reads_as = None  # a cell of a text file is either filled or empty

    @pytest.fixture
    def far(self, tmp_path: Path) -> FarSide:
        return Folder(tmp_path)

    @pytest.fixture
    def connector(self, far: Folder, clock: FakeClock) -> Iterator[Connector]:
        files = [{"path": f"{kind}.csv", "kind": kind, "writable": True} for kind in HEADERS]
        settings = SheetsSettings.model_validate({"files": files}, strict=False)
        with Sheets(settings, Surroundings("files", clock, folder=far.path)) as made:
            yield made

    def secrets(self, far: FarSide) -> list[str]:
        return []

    def spelled_amount(self, amount: str) -> Any:
        return amount

    def field_of(self, record: Raw, name: str) -> Any:
        columns = {"备注": "remark", "信用额度": "credit_limit", "价税合计": "total", "收款金额": "amount"}
        return record.payload()[columns.get(name, name)]

    def a_write(self, kind: Kind, far: FarSide) -> Write:
        key = f"N{next(far._serial):05}"  # type: ignore[attr-defined]
        bodies: dict[Kind, dict[str, Any]] = {
            Kind.CUSTOMER: {"customer_code": key, "customer_name": "新客户"},
            Kind.INVOICE: {"number": key, "customer_name": "新客户", "issued_on": "2026-03-31", "total": "113.00"},
            Kind.PAYMENT: {"number": key, "customer_name": "新客户", "received_on": "2026-03-31", "amount": "113.00"},
        }
        change = Change(action=Action.CREATE, system="files", kind=kind, entity=key, because="test")
        return Write(change, bodies[kind])

    def find_key(self, write: Write) -> str:
        return str(write.body.get("number") or write.body["customer_code"])

    def an_update(self, kind: Kind, far: FarSide, record: Raw) -> Write | None:
        change = Change(
            action=Action.UPDATE,
            system="files",
            kind=kind,
            entity=record.external_id,
            because="test",
            target=self.ref(kind, record.external_id),
            expected=Version(digest=record.digest.hex()),
        )
        return Write(change, {"remark": "改过的备注"})
