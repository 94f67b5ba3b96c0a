"""What is written opens as what it says, and a failed write leaves the old file."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from ledgerbridge.connectors.base import Surroundings, Write
from ledgerbridge.connectors.sheets import Sheets, writing
from ledgerbridge.connectors.sheets.settings import SheetsSettings
from ledgerbridge.errors import Refused
from ledgerbridge.model import cells
from ledgerbridge.model.base import Kind, Ref, Version
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.raw import Receipt


def connector(folder: Path, name: str) -> Sheets:
    files = [{"path": name, "kind": "customer", "writable": True}]
    return Sheets(SheetsSettings.model_validate({"files": files}, strict=False), Surroundings("list", folder=folder))


def create(entity: str, **body: str | None) -> Write:
    change = Change(action=Action.CREATE, system="list", kind=Kind.CUSTOMER, entity=entity, because="test")
    return Write(change, body)


def rows(sheets: Sheets) -> dict[str, dict[str, object]]:
    return {
        raw.external_id: {k: v for k, v in raw.payload().items() if not k.startswith("_")}
        for page in sheets.pull(Kind.CUSTOMER, cursor=None, limit=100)
        for raw in page.records
    }


@pytest.mark.parametrize("name", ["out.xlsx", "out.csv"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    sheets = connector(tmp_path, name)
    hostile = '=HYPERLINK("http://x","y")'
    writes = [
        create("e1", customer_code="007", customer_name=hostile, remark="-5"),
        create("e2", customer_code="008", customer_name="乙𠮷", remark="@x"),
    ]
    outcomes = sheets.push(writes)
    assert [isinstance(outcome, Receipt) for outcome in outcomes] == [True, True]
    found = rows(sheets)
    assert found["008"]["customer_name"] == "乙𠮷"
    assert str(found["007"]["customer_name"]).lstrip("'") == hostile
    # writing once more keeps what stands there, to the letter
    sheets.push([create("e3", customer_code="009", customer_name="丙")])
    assert rows(sheets)["007"] == found["007"]
    assert len(rows(sheets)) == 3


def test_an_xlsx_holds_text_where_text_was_given(tmp_path: Path) -> None:
    connector(tmp_path, "out.xlsx").push([create("e1", customer_code="007", customer_name="=1+1")])
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").active
    assert sheet is not None
    assert [(cell.value, cell.data_type) for cell in sheet[2]] == [("007", "s"), ("=1+1", "s")]


@pytest.mark.parametrize("text", ["=1", "+1+1", "@x", "\t=1", "＝1", "　-a", "-cmd|x"])
def test_text_that_starts_a_formula_is_guarded_and_comes_back(text: str) -> None:
    assert cells.guarded(text).startswith("'")
    assert cells.unguarded(cells.guarded(text)) == text


@pytest.mark.parametrize("text", ["-5", "-5.20", "甲", "a=b", ""])
def test_numbers_and_plain_text_are_left_alone(text: str) -> None:
    assert cells.guarded(text) == text


def test_a_repeated_create_makes_no_second_row(tmp_path: Path) -> None:
    sheets = connector(tmp_path, "out.csv")
    for _ in range(2):
        sheets.push([create("e1", customer_code="007", customer_name="甲")])
    assert len(rows(sheets)) == 1


def test_an_update_over_a_changed_row_is_refused(tmp_path: Path) -> None:
    sheets = connector(tmp_path, "out.csv")
    receipt = sheets.push([create("e1", customer_code="007", customer_name="甲")])[0]
    assert isinstance(receipt, Receipt)
    (tmp_path / "out.csv").write_text("客户编码,客户名称\n007,乙\n", encoding="utf-8")
    change = Change(
        action=Action.UPDATE,
        system="list",
        kind=Kind.CUSTOMER,
        entity="e1",
        because="test",
        target=Ref(system="list", kind=Kind.CUSTOMER, external_id="007"),
        expected=receipt.version or Version(digest=""),
    )
    assert isinstance(sheets.push([Write(change, {"customer_name": "丙"})])[0], Refused)
    assert rows(sheets)["007"]["customer_name"] == "乙"


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheets = connector(tmp_path, "out.csv")
    sheets.push([create("e1", customer_code="007", customer_name="甲")])
    before = (tmp_path / "out.csv").read_bytes()

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "_csv", broken)
    outcome = sheets.push([create("e2", customer_code="008", customer_name="乙")])[0]
    assert isinstance(outcome, Refused)
    assert "No space left" in str(outcome)
    assert (tmp_path / "out.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
