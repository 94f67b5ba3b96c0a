"""What scripts and people rely on: JSON that parses, names that are checked, imports that leave one another alone."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Bench

BANK = "流水号,交易时间,收入,余额\n1,2026-03-01,100,100\n"
PAYMENTS = "收款单号,收款日期,金额\nR1,2026-03-01,7\n"


def imported(bench: Bench, name: str, *more: str, system: str = "bank") -> dict[str, object]:
    ran = bench.run("import", name, "-k", "payment", "-s", system, "--json", *more)
    assert ran.code == 0, ran.out + ran.err
    document = ran.json()
    assert isinstance(document, dict)
    return document


def test_paths_in_json_documents(bench: Bench) -> None:
    assert Path(bench.run("init", "new", "--json").json()["workspace"]).name == "new"
    bench.write("p.csv", PAYMENTS)
    imported(bench, "p.csv")
    ran = bench.run("export", "payment", "bank", "--to", "o.csv", "--json")
    assert (ran.code, ran.json()) == (0, {"file": "o.csv", "records": 1})
    assert bench.run("schema", "payment", "--json").json()["title"] == "Payment"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [(("pull", "erp", "banana"), "UsageError"), (("pull", "erp"), "ConfigError"), (("pull",), "ConfigError")],
)
def test_an_error_is_a_json_document_too(bench: Bench, arguments: tuple[str, ...], error: str) -> None:
    ran = bench.run(*arguments, "--json")
    assert (ran.code, ran.json()["error"]) == (2, error)


@pytest.mark.parametrize("system", ["Bank", "财务部", "a b", "1st"])
def test_a_name_that_is_no_system_name_is_refused_before_anything_is_stored(bench: Bench, system: str) -> None:
    bench.write("p.csv", PAYMENTS)
    ran = bench.run("import", "p.csv", "-k", "payment", "-s", system)
    assert ran.code == 2
    assert "small letters" in ran.err
    assert bench.run("runs", "list", "--json").json() == []


def test_two_tables_under_one_name_do_not_disturb_each_other(bench: Bench) -> None:
    bench.write("b.csv", BANK)
    bench.write("p.csv", PAYMENTS)
    imported(bench, "b.csv", "--as", "bank_statement", "--account", "A")
    steps = imported(bench, "p.csv")["steps"]
    assert isinstance(steps, list)
    assert [step["step"] for step in steps] == ["pull"]  # nothing was mapped anew
    assert bench.run("quarantine", "list").code == 0


def test_an_imports_own_mapping_is_kept_for_the_name(bench: Bench) -> None:
    bench.write("p.csv", PAYMENTS.replace("金额", "金额,片区").replace(",7", ",7,华东"))
    bench.write("own.yaml", "fields:\n  department: 片区\n")
    imported(bench, "p.csv", "--mapping", "own.yaml")
    imported(bench, "p.csv")
    assert bench.run("show", "payment", "R1", "--json").json()[0]["fields"]["department"] == "华东"
    assert bench.run("mapping", "check").code == 0
    bench.write("own.yaml", "fields:\n  salesperson: 片区\n")
    refused = bench.run("import", "p.csv", "-k", "payment", "-s", "bank", "--mapping", "own.yaml")
    assert refused.code == 2
    assert "another --system" in refused.err


def test_a_dry_run_keeps_no_mapping(bench: Bench) -> None:
    bench.write("p.csv", PAYMENTS)
    bench.write("own.yaml", "fields:\n  department: 片区\n")
    assert bench.run("import", "p.csv", "-k", "payment", "-s", "bank", "--mapping", "own.yaml", "--dry-run").code == 0
    assert not (bench.folder / "mappings").exists()


def test_a_preview_shows_amounts_as_people_write_them(bench: Bench) -> None:
    bench.write("p.csv", PAYMENTS.replace(",7", ",1234567.8"))
    ran = bench.run("import", "p.csv", "-k", "payment", "-s", "bank", "--dry-run")
    assert "1,234,567.80" in ran.out
    assert "123456780" not in ran.out


def test_copies_stand_side_by_side_and_what_differs_is_marked(bench: Bench) -> None:
    bench.write("p.csv", PAYMENTS)
    imported(bench, "p.csv")
    bench.write("p.csv", PAYMENTS.replace(",7", ",8"))
    imported(bench, "p.csv", system="cash")
    told = bench.run("show", "payment", "R1").out
    assert "7.00" in told
    assert "8.00" in told
    assert [line.split()[1] for line in told.splitlines() if "≠" in line] == ["amount", "各系统不一致"]
    assert "在册" in told
    assert bench.run("runs", "show", "2").code == 2  # two runs begin so
    newest = bench.run("runs", "list", "--json").json()[0]["run_id"]
    assert "8.00" in bench.run("runs", "show", newest).out


def test_replay_after_the_mapping_of_an_import_was_mended(bench: Bench) -> None:
    bench.write("p.csv", "收款单号,收款日期,金额,状况\nR1,2026-03-01,7.005,x\n")
    assert bench.run("import", "p.csv", "-k", "payment", "-s", "bank").code == 1
    assert bench.run("quarantine", "replay").code == 1
    bench.write("mappings/bank/payment.payment_list.yaml", "fields:\n  amount_minor: {const: 701}\n")
    assert bench.run("quarantine", "replay").code == 0
    assert bench.run("show", "payment", "R1", "--json").json()[0]["fields"]["amount_minor"] == 701


def test_a_refused_file_that_was_mended_leaves_quarantine_at_the_next_pull(bench: Bench) -> None:
    bench.write("p.csv", "")
    bench.write("q.csv", PAYMENTS.replace("R1", "R2"))
    file = '[[systems.cash.settings.files]]\npath = "{}.csv"\nkind = "payment"\n'
    bench.write("ledgerbridge.toml", '[systems.cash]\nconnector = "sheets"\n' + file.format("p") + file.format("q"))
    assert bench.run("pull").code == 1
    bench.write("p.csv", PAYMENTS)
    ran = bench.run("pull", "--json")
    assert ran.code == 0
    assert ran.json()["steps"][-1]["certificate"]["closing"] == {"CNY": [2, 1400]}
    assert bench.run("quarantine", "list", "--json").json() == []


def test_a_stream_that_was_never_read_is_not_exported_as_empty(bench: Bench) -> None:
    bench.write("p.csv", PAYMENTS)
    imported(bench, "p.csv")
    ran = bench.run("export", "payment", "bnak", "--to", "o.csv")
    assert ran.code == 2
    assert "payment bank" in ran.err
    assert not (bench.folder / "o.csv").exists()


def test_status_tells_what_was_never_read_and_what_is_old(bench: Bench) -> None:
    bench.write("p.csv", PAYMENTS)
    bench.write(
        "ledgerbridge.toml",
        '[systems.cash]\nconnector = "sheets"\n[[systems.cash.settings.files]]\npath = "p.csv"\nkind = "payment"\n',
    )
    never = bench.run("status", "--json")
    assert never.code == 1
    assert [(row["system"], row["last_complete"], row["stale"]) for row in never.json()["streams"]] == [
        ("cash", None, True)
    ]
    assert bench.run("pull").code == 0
    assert bench.run("status").code == 0


def test_doctor_makes_no_database(bench: Bench) -> None:
    assert bench.run("doctor").code == 0
    assert not list(bench.folder.glob("*.db*"))


def test_a_password_in_an_address_is_not_explained(bench: Bench) -> None:
    url = "postgresql+psycopg://books:canary-7@127.0.0.1:1/x"
    ran = bench.run("config", "explain", LEDGERBRIDGE_DATABASE__URL=url)
    assert ran.code == 0
    assert "canary" not in ran.out
    assert "books:(hidden)@127.0.0.1" in ran.out


def test_a_fault_of_an_environment_variable_names_it(bench: Bench) -> None:
    ran = bench.run("status", LEDGERBRIDGE_WORKSPACE__NAME="123")
    assert ran.code == 2
    assert "environment variable LEDGERBRIDGE_WORKSPACE__NAME" in ran.err
    assert bench.run("status", LEDGERBRIDGE_WORKSPACE__NAME='"123"').code == 0


def test_a_reader_that_goes_away_is_no_error(bench: Bench) -> None:
    command = [sys.executable, "-m", "ledgerbridge.cli.main", "schema", "invoice"]
    with subprocess.Popen(
        command, cwd=bench.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
    assert "Exception" not in told
    assert "Traceback" not in told


def has_begun(database: Path) -> bool:
    """Whether a run has stored its first page."""
    if not database.exists():
        return False
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return bool(connection.execute("SELECT count(*) FROM observed").fetchone()[0])
    except sqlite3.OperationalError:
        return False  # the tables are being made
    finally:
        connection.close()


def test_an_interrupted_pull_ends_in_order_and_says_so(bench: Bench) -> None:
    rows = "".join(f"R{number},2026-03-01,7\n" for number in range(60_000))
    bench.write("p.csv", "收款单号,收款日期,金额\n" + rows)
    command = [
        sys.executable,
        "-m",
        "ledgerbridge.cli.main",
        "import",
        "p.csv",
        "-k",
        "payment",
        "-s",
        "bank",
        "--json",
    ]
    with subprocess.Popen(
        command, cwd=bench.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        until = time.monotonic() + 60
        while not has_begun(bench.folder / "ledgerbridge.db") and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=90)
    assert process.returncode == 1
    assert json.loads(out)["status"] == "interrupted"
    assert bench.run("runs", "list", "--json").json()[0]["status"] == "interrupted"
