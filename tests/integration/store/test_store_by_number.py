"""What is looked up by number is found through the index of numbers, not by walking all that a system has of a kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ledgerbridge.model.base import Kind
from ledgerbridge.store import Store, Tx, bulk, identity_work, ledger_numbers, ledgers, pending


def test_lookups_by_number_walk_no_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[str] = []
    rows_of = bulk.rows_of

    def explained(tx: Tx, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        if "number IN" in sql:
            plans.append(" / ".join(row[3] for row in rows_of(tx, f"EXPLAIN QUERY PLAN {sql}", parameters)))
        return rows_of(tx, sql, parameters)

    monkeypatch.setattr(bulk, "rows_of", explained)
    with Store.create(tmp_path / "a.db") as store, store.reading() as tx:
        identity_work.documents(tx, Kind.INVOICE, ["erp", "crm"], ["1"])
        identity_work._customers_by_code(tx, {("erp", "1")})
        pending.entities_by_number(tx, "erp", Kind.INVOICE, ["1"])
        ledger_numbers._linked(tx, Kind.INVOICE, ["erp", "crm"], ["1"])
        sides = ledgers.accounts(tx, "erp"), ledgers.accounts(tx, "crm")
        assert list(ledgers.differing(tx, Kind.INVOICE, *sides, among=["1"])) == []
    assert len(plans) == 4
    for plan in plans:
        assert "ix_observed_number (number=?" in plan, plan
        assert "(system=? AND kind=?)" not in plan, plan
