"""The section [exceptions] of a workspace file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ledgerbridge.config import workspace
from ledgerbridge.config.exceptions import ExceptionSettings
from ledgerbridge.errors import ConfigError
from ledgerbridge.model.exception import Code
from ledgerbridge.reconciler.exceptions.policy import AssignmentRule, ExceptionPolicy, Limits


def loaded(folder: Path, text: str) -> ExceptionSettings:
    (folder / "ledgerbridge.toml").write_text(text, "utf-8")
    return workspace.load(folder, {}).tree.exceptions


def test_without_settings_the_rules_have_their_own_defaults() -> None:
    made, own = ExceptionSettings().policy(), ExceptionPolicy()
    for currency in ("CNY", "USD", "JPY"):
        for name in ("trifle", "medium", "high", "waive_limit"):
            assert getattr(made, name).of(currency) == getattr(own, name).of(currency)
    assert (made.older_days, made.settled_grace, made.rules) == (own.older_days, own.settled_grace, own.rules)


def test_settings_become_rules(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        """
        [exceptions]
        settled_grace_days = 7
        owners = ["李雷"]
        [exceptions.waive_limit]
        CNY = "200.50"
        JPY = 300
        [[exceptions.assign]]
        owner = "李雷"
        codes = ["missing"]
        customers = ["青岛*"]
        at_least = { CNY = "1000" }
        """,
    ).policy()
    assert found.waive_limit == Limits({"CNY": 20_050, "JPY": 300})
    assert found.settled_grace == timedelta(days=7)
    rule = AssignmentRule("李雷", codes=frozenset({Code.MISSING}), customers=("青岛*",), at_least={"CNY": 100_000})
    assert found.rules == (rule,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[exceptions.high]\nCNY = 50.5", "not exact"),
        ('[exceptions.high]\nXXQ = "5"', "no ISO 4217"),
        ('[exceptions.high]\nJPY = "5.5"', "more than 0 decimals"),
        ('[exceptions.medium]\nCNY = "-1"', "greater than or equal to 0"),
        ('[exceptions.medium]\nCNY = "60000"\n[exceptions.high]\nCNY = "50000"', "above that of high"),
        ('[exceptions]\nowners = ["李雷"]\n[[exceptions.assign]]\nowner = "王芳"', "not among exceptions.owners"),
        ('[[exceptions.assign]]\nowner = "王芳"\ncodes = ["mising"]', "no kind of exception 'mising'"),
    ],
)
def test_a_setting_that_cannot_be_says_why(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        loaded(tmp_path, text)
