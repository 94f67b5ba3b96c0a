"""What stands on statements comes from the workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledgerbridge.config import explain, statements, workspace
from ledgerbridge.errors import ConfigError

PNG = b"\x89PNG\r\n\x1a\n rest"
FULL = """
[workspace]
name = "上海样板科技有限公司"
[statements]
logo = "logo.png"
contact = "财务部"
reply_to = "南京西路1号"
reply_days = 10
language = "en"
[[statements.accounts]]
bank = "工商银行"
account = "0012 345"
[[statements.accounts]]
account = "USD1"
currency = "USD"
holder = "Sample Tech"
"""


def read(folder: Path, text: str) -> workspace.Workspace:
    (folder / "ledgerbridge.toml").write_text(text, encoding="utf-8")
    return workspace.load(folder, {})


def test_everything_that_is_set_stands_on_the_statement(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(PNG)
    found = read(tmp_path, FULL)
    look = statements.look_of(found)
    assert look.logo == PNG
    assert [one.account for one in look.accounts_for("CNY")] == ["0012 345"]
    assert [one.holder for one in look.accounts_for("USD")] == ["上海样板科技有限公司", "Sample Tech"]
    assert (look.contact, look.reply_to, look.reply_days, look.reply_slip) == ("财务部", "南京西路1号", 10, True)
    assert (statements.company(found), statements.language(found)) == ("上海样板科技有限公司", "en")
    assert explain.explain(found, "statements.logo")[0].value == "logo.png"


def test_nothing_needs_to_be_set(tmp_path: Path) -> None:
    found = read(tmp_path, '[statements]\ncompany = "别名公司"\n')
    assert statements.look_of(found).model_dump(exclude_defaults=True) == {}
    assert (statements.company(found), statements.language(found)) == ("别名公司", "zh")
    assert read(tmp_path, "").tree.statements.reply_slip is True


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read"), (b"GIF89a", "neither a PNG nor a JPEG"), (PNG + bytes(1024 * 1024), "more than 1 MiB")],
    ids=["missing", "gif", "large"],
)
def test_a_logo_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / "logo.png").write_bytes(content)
    with pytest.raises(ConfigError, match=f"statements.logo: .*{says}"):
        statements.look_of(read(tmp_path, FULL))


def test_an_unknown_currency_of_an_account_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no ISO 4217"):
        read(tmp_path, '[[statements.accounts]]\naccount = "1"\ncurrency = "RMB"\n')
