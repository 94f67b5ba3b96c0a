"""The examples do what they say."""

from __future__ import annotations

import shutil
from pathlib import Path

from .conftest import Bench

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


def test_the_spreadsheets_are_read(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "spreadsheets", tmp_path / "ws", ignore=shutil.ignore_patterns("*.db*"))
    ran = Bench(tmp_path / "ws").run("pull", "--json")
    assert ran.code == 0
    closing = {(step["system"], step["kind"]): step["certificate"]["closing"] for step in ran.json()["steps"]}
    assert closing == {
        ("sales", "customer"): {"": [2, 0]},
        ("sales", "invoice"): {"CNY": [1, 1130000], "USD": [1, 500000]},
        ("bank", "payment"): {"CNY": [2, 1124000]},
    }


def test_the_own_fields_are_mapped_without_any_secret_at_hand(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "own_fields", tmp_path / "ws")
    ran = Bench(tmp_path / "ws").run("mapping", "try", "erp", "customer", "--sample", "customer.json", "--json")
    assert ran.code == 0
    told = ran.json()[0]
    assert told["canonical"]["credit_code"] == "91110000600037341L"
    assert told["canonical"]["custom"]["region"] == "华东"
    assert told["untouched"] == ["fax"]


def test_a_problem_is_told_with_the_mapping_line_that_it_comes_from(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "own_fields", tmp_path / "ws")
    bench = Bench(tmp_path / "ws")
    bench.write(
        "bad.json", '{"code": "1", "name": "", "self_define3": "91110000600037341M", "seed_date": "32.13.2026"}'
    )
    ran = bench.run("mapping", "try", "erp", "customer", "--sample", "bad.json", "--json")
    assert ran.code == 1
    lines = {problem["field"]: problem["line"] for problem in ran.json()[0]["problems"]}
    shipped = (
        (ROOT / "src/ledgerbridge/connectors/yonyou_u8/mappings/customer.customer.yaml").read_text("utf-8").splitlines()
    )
    name, number = lines["name"].rsplit(":", 1)
    assert name == "yonyou_u8/customer.customer.yaml"
    assert shipped[int(number) - 1].strip().startswith("name:")
    assert "opened_on" in lines
