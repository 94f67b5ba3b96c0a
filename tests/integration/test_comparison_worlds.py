"""Whole worlds, pulled and compared: everything that was planted is found by name, number and amount, and nothing else.

``LEDGERBRIDGE_COMPARISON_SEEDS=60`` compares that many worlds instead of the few that are compared on every run.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from comparison_worlds import Pulled, planted, planted_gaps, pulled

from ledgerbridge.sandbox.world import SystemName

SEEDS = int(os.environ.get("LEDGERBRIDGE_COMPARISON_SEEDS", "2"))


def judge(one: Pulled) -> None:
    for system in (SystemName.FXIAOKE, SystemName.ZOHO_CRM, SystemName.SHEET):
        compared = one.compare(system)
        found, expected = compared.found(), planted(one.world, system)
        assert found == expected, (one.world.seed, system, "missed", expected - found, "beside", found - expected)
        assert expected, "nothing was planted: this proves nothing"
        assert all(balance.unexplained_minor == 0 for balance in compared.balances)
        gaps = {(row.account, row.currency): row.gap_minor for row in compared.balances if row.gap_minor}
        assert gaps == planted_gaps(one.world, system), (one.world.seed, system)
    assert one.compare(SystemName.YONYOU_BIP).differences == [], "both ERPs hold the truth"


@pytest.mark.parametrize("seed", range(101, 101 + SEEDS))
def test_every_planted_discrepancy_is_found_and_nothing_else(tmp_path: Path, seed: int) -> None:
    with pulled(tmp_path, seed=seed, customers=30, months=4) as one:
        judge(one)


@pytest.mark.postgres
def test_a_larger_world_with_many_discrepancies_on_postgres(tmp_path: Path, postgres_address: str) -> None:
    with pulled(tmp_path, seed=7, customers=60, months=4, share=0.15, database=postgres_address) as one:
        judge(one)


def test_a_world_without_discrepancies_has_no_findings(tmp_path: Path) -> None:
    with pulled(tmp_path, seed=5, customers=20, months=3, share=0) as one:
        for system in (SystemName.YONYOU_BIP, SystemName.FXIAOKE, SystemName.ZOHO_CRM, SystemName.SHEET):
            compared = one.compare(system)
            assert not compared.found()
            assert compared.balances == []
