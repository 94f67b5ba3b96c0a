"""Names and texts that are attacks, through the whole product: they stay texts, in one folder, in one row."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from ledgerbridge.cli.main import main
from ledgerbridge.cli.statement_files import safe_name
from ledgerbridge.store import Store, audit

from . import hostile

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = hostile.make(tmp_path_factory.mktemp("hostile") / "outer" / "ws")
    assert main(["pull", "-w", str(folder)]) in (0, 1)
    assert main(["reconcile", "-w", str(folder)]) in (0, 1)
    return folder


@pytest.fixture
def workspace(pulled: Path, tmp_path: Path) -> Path:
    """A copy of its own, alone in a folder, so that whatever is written outside of it is seen."""
    shutil.copytree(pulled, tmp_path / "outer" / "ws")
    return tmp_path / "outer" / "ws"


@pytest.fixture
def run(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main([*arguments, "-w", str(workspace)])
        return code, capsys.readouterr().out

    return command


def test_every_record_was_taken_as_it_is(run: Run, workspace: Path) -> None:
    code, _ = run("export", "customer", "books", "--to", str(workspace / "all.jsonl"))
    assert code == 0
    names = [json.loads(line)["name"] for line in (workspace / "all.jsonl").read_text("utf-8").splitlines()]
    assert set(names) >= {name.strip(" \u3000") for name in hostile.NAMES} - {"\u3000=1+1", "　＝1+1"}


def test_no_file_that_we_write_holds_a_formula_or_a_script(run: Run, workspace: Path) -> None:
    out = workspace / "out"
    out.mkdir()
    for name in ("flat.xlsx", "flat.csv"):
        for kind in ("customer", "invoice", "payment"):
            assert run("export", kind, "books", "--to", str(out / f"{kind}-{name}"))[0] == 0
    assert run("exceptions", "report", "--to", str(out / "exceptions.xlsx"))[0] == 0
    assert run("report", "all", "--out", str(out))[0] in (0, 1)
    assert run("statement", "batch", "--month", "2026-10", "--format", "all", "--out", str(out))[0] == 0
    written = [path for path in out.rglob("*") if path.is_file()]
    assert {path.suffix for path in written} >= {".xlsx", ".csv", ".html", ".json", ".pdf"}
    assert [fault for path in written for fault in hostile.formula_faults(path)] == []
    texts = ""
    for path in written:
        if path.suffix == ".html":
            faults, text = hostile.page_faults(path.read_text("utf-8"))
            assert faults == [], path
            texts += text
    for name in hostile.MARKUP:
        assert name in texts, "the name stands on its statement, as text"


def test_the_text_of_an_exception_is_text(run: Run, workspace: Path) -> None:
    target = workspace / "e.xlsx"
    assert run("exceptions", "report", "--to", str(target))[0] == 0
    book = openpyxl.load_workbook(target)
    strings = {
        cell.value
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str) and cell.data_type != "f"
    }
    assert any("DROP TABLE" in text for text in strings)
    assert any("cmd|" in text for text in strings)


def test_statements_stay_in_their_folder_and_none_overwrites_another(run: Run, workspace: Path) -> None:
    before = {path for path in workspace.parent.rglob("*") if "statements" not in path.parts}
    code, out = run("statement", "batch", "--month", "2026-10", "--format", "json", "--json")
    assert code == 0
    files = [Path(file) for one in json.loads(out) for file in one["files"]]
    assert len(files) == len(set(files)) == len(hostile.NAMES)
    assert {path.resolve().parent for path in files} == {(workspace / "statements").resolve()}
    assert all(not path.name.startswith((".", "-")) and path.is_file() for path in files)
    assert len({path.name.casefold() for path in files}) == len(files)
    after = {path for path in workspace.parent.rglob("*") if "statements" not in path.parts}
    assert {path for path in after - before if not path.name.startswith("ledgerbridge.db")} == set()


@pytest.mark.parametrize("number", [*hostile.NAMES, "", ".", "..", "a\x00b", "x" * 1000, "码" * 300])
def test_a_name_of_a_file_is_one(number: str, tmp_path: Path) -> None:
    name = f"{safe_name(f'{number}-20261031-CNY')}.xlsx"
    (tmp_path / name).write_bytes(b"")
    assert [path.name for path in tmp_path.iterdir()] == [name]


TEXT_ARGUMENTS = (
    ("show", "customer", "{}"),
    ("show", "invoice", "{}"),
    ("exceptions", "list", "--customer", "{}", "--json"),
    ("exceptions", "list", "--owner", "{}", "--json"),
    ("exceptions", "list", "--system", "{}", "--json"),
    ("exceptions", "show", "{}"),
    ("exceptions", "assign", "{}", "{}"),
    ("exceptions", "settle", "{}", "--as", "{}"),
    ("links", "show", "{}"),
    ("links", "accept", "{}", "{}"),
    ("links", "split", "books/customer/{}"),
    ("plans", "show", "{}"),
    ("plans", "discard", "{}", "--why", "{}"),
    ("conflicts", "show", "{}"),
    ("conflicts", "resolve", "{}", "{}"),
    ("quarantine", "show", "{}"),
    ("quarantine", "discard", "{}", "--why", "{}"),
    ("runs", "show", "{}"),
    ("ops", "show", "{}"),
    ("ops", "list", "--system", "{}", "--json"),
    ("ops", "list", "--plan", "{}", "--json"),
    ("mapping", "show", "{}", "customer"),
    ("match", "explain", "{}"),
    ("statement", "make", "{}", "--month", "2026-10"),
    ("statement", "list", "--customer", "{}"),
    ("statement", "show", "{}"),
    ("statement", "remake", "{}"),
    ("statement", "compare", "{}", "--theirs", "{}", "--month", "2026-10"),
    ("aging", "--customer", "{}"),
    ("reconcile", "--customer", "{}"),
    ("config", "explain", "{}"),
    ("pull", "{}"),
    ("apply", "{}", "--as", "{}"),
    ("undo", "{}"),
)
ATTACKS = ("100%_\\'; DROP TABLE observed; --", "\x00", "../../../../etc/passwd", "é" * 3000)


@pytest.mark.parametrize("command", TEXT_ARGUMENTS, ids=" ".join)
def test_no_argument_is_taken_for_sql_or_breaks_out(pulled: Path, command: tuple[str, ...]) -> None:
    """Whatever is said, the answer is a deliberate one (a traceback would be raised here), and nothing is lost."""
    ours = {"statements", "reports"}  # where the command itself puts what it was asked for
    outside = {path for path in pulled.parent.rglob("*") if not ours & set(path.parts)}
    with Store.open(pulled / "ledgerbridge.db") as store:
        with store.reading() as tx:
            rows = counts(tx)
        for attack in ATTACKS:
            code = main([*(part.replace("{}", attack) for part in command), "-w", str(pulled)])
            assert code in (0, 1, 2, 3), attack
        with store.reading() as tx:
            now = counts(tx)
            assert {name: now[name] >= count for name, count in rows.items()} == dict.fromkeys(rows, True)
            assert audit.verify(tx).fault is None
    assert {path for path in pulled.parent.rglob("*") if not ours & set(path.parts)} == outside


def counts(tx: Any) -> dict[str, int]:
    tables = tx.connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
    wanted = {"observed", "link", "quarantine", "allocation", "exception_record"} & set(tables)
    assert "observed" in wanted
    return {name: tx.connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in sorted(wanted)}


@pytest.mark.parametrize("attack", ["%", "_", "100%", "100%_\\", "\\", "'", "C00_"])
def test_wildcards_in_a_filter_are_letters(run: Run, attack: str) -> None:
    code, out = run("exceptions", "list", "--customer", attack, "--json", "--limit", "1000")
    assert code in (0, 1)
    for one in json.loads(out)["exceptions"]:
        assert attack in json.dumps(one, ensure_ascii=False).replace("\\\\", "\\"), one
