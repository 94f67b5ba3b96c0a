"""Payments for a system that keeps them in parts, over real sockets: what is made there adds up, part by part and as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledgerbridge.cli.main import main
from ledgerbridge.cli.sandboxing import make_workspace
from ledgerbridge.sandbox.launch import Sandbox, start

FLOWS = "".join(
    f"""
[flows.{kind}s]
kind = "{kind}"
left = "crm"
right = "zoho"
"""
    for kind in ("customer", "invoice", "payment")
)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with start(seed=3, customers=8, months=4, folder=tmp_path / "sandbox", only={"fxiaoke", "zoho_crm"}) as running:
        yield running
    assert running.failures() == {}


def payments(sandbox: Sandbox) -> list[dict[str, Any]]:
    return list(sandbox.running["zoho_crm"].emulator.books.rows("Payments"))


def test_payments_made_in_parts_add_up(sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zoho = sandbox.running["zoho_crm"].emulator
    for row in payments(sandbox):
        zoho.discard("payment", row["id"])
    folder = make_workspace(sandbox.settings_path, tmp_path / "ws")
    file = folder / "ledgerbridge.toml"
    head = "[systems.zoho.settings]\n"
    more = f'{head}stand_in_product = "GOODS"\nproduct_key_field = "ERP_Id"\n'
    file.write_text(file.read_text("utf-8").replace(head, more) + FLOWS, "utf-8")

    def run(*arguments: str) -> Any:
        capsys.readouterr()
        main([*arguments, "--json", "--workspace", str(folder)])
        return json.loads(capsys.readouterr().out)

    run("sync")
    done = {}
    for flow in ("customers", "invoices", "payments"):
        [planned] = run("sync", flow, "--dry-run")["flows"]
        done[flow] = run("apply", planned["plan"]["plan_id"], "--as", "li", "--allow-unkeyed")
        assert done[flow]["faults"] == [], done[flow]
    whole: dict[str, list[dict[str, Any]]] = {}
    for row in payments(sandbox):
        whole.setdefault(row["Name"], []).append(row)
    crm = sandbox.running["fxiaoke"].emulator.books
    paid = {row["name"]: Decimal(row["payment_amount"]) for row in crm.rows("PaymentObj")}
    paid |= {row["name"]: -Decimal(row["refunded_amount"]) for row in crm.rows("RefundObj")}
    for number, parts in whole.items():
        [told] = {(Decimal(part["Receipt_Amount"]), Decimal(part["Bank_Fee"] or 0)) for part in parts}
        assert told[0] == paid[number]
        assert sum(Decimal(part["Amount"]) for part in parts) == sum(told)
    assert max(len(parts) for parts in whole.values()) >= 5
    assert any(part["Bank_Fee"] for parts in whole.values() for part in parts)
    assert sum(map(len, whole.values())) == done["payments"]["verified"] == done["payments"]["planned"]
    [last] = run("sync", "payments")["flows"]
    assert last["plan"]["summary"]["effects"] == []
