"""The dependency audit: what was not audited is never called sound."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SOUND = {"name": "httpx", "version": "1", "vulns": []}
FLAWED = {"name": "lxml", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "kombu", "skip_reason": "Dependency not found"}
AWAY = "…\nrequests.exceptions.ConnectionError: Max retries exceeded"


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ledgerbridge_ci_audit", ROOT / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("dependencies", "required", "code", "says"),
    [
        ([SOUND], False, 0, "no known vulnerability in 1 packages"),
        ([SOUND], True, 0, "no known vulnerability in 1 packages"),
        ([SOUND, FLAWED], False, 1, "lxml 2: PYSEC-1, mended in 3"),
        ([FLAWED, SKIPPED], False, 1, "kombu: Dependency not found"),
        ([SOUND, SKIPPED], False, 0, "NOT AUDITED: 1 of 2 packages were skipped"),
        ([SOUND, SKIPPED], True, 2, "NOT AUDITED: 1 of 2 packages were skipped"),
        ([], True, 2, "NOT AUDITED"),
    ],
)
def test_what_the_audit_found(
    audit: ModuleType, dependencies: list[object], required: bool, code: int, says: str
) -> None:
    told, lines = audit.judged(json.dumps({"dependencies": dependencies}), "", required=required)
    assert told == code
    assert says in "\n".join(lines)


@pytest.mark.parametrize(("required", "code"), [(False, 0), (True, 2)])
def test_offline_is_said_and_fails_only_where_the_audit_is_required(
    audit: ModuleType, required: bool, code: int
) -> None:
    told, lines = audit.judged("", AWAY, required=required)
    assert told == code
    assert "NOT AUDITED: no connection" in lines[0]


def test_a_broken_audit_is_no_audit(audit: ModuleType) -> None:
    assert audit.judged("", "No module named pip_audit", required=False)[0] == 2
    assert audit.judged("[]", "", required=False)[0] == 2


def test_every_dependency_is_pinned_so_that_it_can_be_audited() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert [line for line in lines if line and "==" not in line] == []


def test_make_check_audits() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    check = makefile.split("\ncheck:")[1].split("\n\n")[0]
    assert ".ci/audit.py" in check
