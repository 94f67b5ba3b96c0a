"""The page of threats names real tests, and every subject of the security tier has one (docs/threat-model.md)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| (B\d|all) \|", line)
]
TIER = {
    "replay": ("security/test_security_webhooks.py", "kept_once_however_often"),
    "forgery": ("security/test_security_webhooks.py", "forged_or_old_leaves_nothing"),
    "smuggled requests": ("security/test_security_webhooks.py", "two_servers_could_read_differently"),
    "slow bodies": ("security/test_security_webhooks.py", "slow_callers_do_not_keep"),
    "SSRF list": ("unit/http/test_hosts.py", "other_places_are_refused"),
    "addresses behind names": ("unit/http/test_hosts.py", "any_private_address_is_not_connected_to"),
    "redirects": ("testing/fault_suite.py", "what_the_vendors_contract_does_not_know_stops"),
    "zip bombs": ("unit/sheets/test_guard_and_reading.py", "hostile_workbooks_are_refused"),
    "both readers of workbooks": ("security/test_security_sizes.py", "both_readers_of_workbooks"),
    "deep JSON": ("security/test_security_sizes.py", "json_of_any_depth"),
    "oversized replies": ("unit/http/test_reads.py", "an_endless_body_is_cut_off"),
    "YAML bombs": ("security/test_security_sizes.py", "a_mapping_is_small_plain_yaml"),
    "formula cells": ("security/test_security_hostile_names.py", "holds_a_formula_or_a_script"),
    "SQL and wildcards": ("security/test_security_hostile_names.py", "taken_for_sql_or_breaks_out"),
    "paths": ("security/test_security_hostile_names.py", "stay_in_their_folder"),
    "secret canary": ("security/test_security_canary.py", "no_secret_is_shown_by_anything"),
    "database password": ("security/test_security_canary.py", "databases_password_is_shown_by_nothing"),
    "canary of each connector": ("testing/fault_suite.py", "no_secret_or_body_appears"),
    "waivers by two": ("security/test_security_roles.py", "above_the_limit_waits_for_another_person"),
    "approvals by two": ("security/test_security_roles.py", "maker_of_a_plan_does_not_approve_it"),
    "signed replay of writes": ("integration/queue/test_queue_worker.py", "retry_after_an_unknown_outcome_looks_first"),
    "audit chain": ("security/test_security_roles.py", "tampering_after_all_of_it_is_seen"),
    "dependencies": ("security/test_security_audit.py", "make_check_audits"),
}


def place(name: str) -> Path:
    return ROOT / ("src/ledgerbridge" if name.startswith("testing/") else "tests") / name


@pytest.mark.parametrize("subject", TIER)
def test_every_subject_of_the_tier_has_its_test(subject: str) -> None:
    name, words = TIER[subject]
    tests = re.findall(r"def (test_\w+)\(", place(name).read_text("utf-8"))
    assert [test for test in tests if words in test], f"{name} has no test about {words}"


def test_the_page_names_threats_at_every_boundary() -> None:
    assert {row[0] for row in ROWS} == {*(f"B{at}" for at in range(1, 8)), "all"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1][:30]}")
def test_every_control_names_tests_that_exist(row: list[str]) -> None:
    assert len(row) == 4
    named = re.findall(r"`([\w/]+\.py)`", row[3])
    assert named
    for name in named:
        assert place(name).is_file(), name


def test_every_security_test_file_stands_on_the_page() -> None:
    own = {f"security/{path.name}" for path in Path(__file__).parent.glob("test_*.py")} - {
        "security/test_security_matrix.py"
    }
    assert own <= set(re.findall(r"`([\w/]+\.py)`", PAGE))
