"""Addresses with a password: never in the settings file, by reference or in the environment, never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledgerbridge import log
from ledgerbridge.bootstrap import App
from ledgerbridge.config.explain import explain
from ledgerbridge.config.workspace import Workspace, load
from ledgerbridge.errors import ConfigError

PASSWORD = "canary-in-an-address"
DATABASE = f"postgresql+psycopg://books:{PASSWORD}@db.example/books"
BROKER = f"amqps://books:{PASSWORD}@mq.example/books"


def workspace(folder: Path, text: str, environ: dict[str, str] | None = None) -> Workspace:
    (folder / "ledgerbridge.toml").write_text(text, encoding="utf-8")
    return load(folder, environ or {})


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f'[database]\nurl = "{DATABASE}"\n', "line 2: database.url"),
        (f'[queue]\nbroker = "{BROKER}"\n', "line 2: queue.broker"),
    ],
)
def test_a_password_in_the_file_is_refused_and_not_repeated(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        workspace(tmp_path, text)
    assert place in str(caught.value)
    assert '{ env = "NAME" }' in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_an_address_without_a_password_may_stand_in_the_file(tmp_path: Path) -> None:
    made = workspace(tmp_path, '[database]\nurl = "postgresql+psycopg://books@db.example/books"\n')
    assert App(made).database_url == "postgresql+psycopg://books@db.example/books"
    assert not App(made).database_is_missing


def test_by_reference_it_is_looked_up_masked_and_not_explained(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "database").write_text(f"{DATABASE}\n", encoding="utf-8")
    made = workspace(tmp_path, '[database]\nurl = { file = "secrets/database" }\n')
    assert App(made).database_url == DATABASE
    assert PASSWORD not in log.mask(f"could not reach {DATABASE}")
    assert PASSWORD not in log.mask(f"password {PASSWORD} refused")
    assert "secrets/database" in explain(made, "database.url")[0].origin


def test_a_reference_that_leads_nowhere_names_the_setting(tmp_path: Path) -> None:
    made = workspace(tmp_path, '[database]\nurl = { file = "secrets/none" }\n')
    with pytest.raises(ConfigError, match=r"database\.url: cannot read secrets/none"):
        App(made).database_url  # noqa: B018 (looked up when it is asked for)


def test_what_is_neither_an_address_nor_a_reference_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"database\.url"):
        workspace(tmp_path, '[database]\nurl = { password = "x" }\n')


def test_in_the_environment_it_may_carry_its_password(tmp_path: Path) -> None:
    made = workspace(tmp_path, "", {"LEDGERBRIDGE_DATABASE__URL": DATABASE, "LEDGERBRIDGE_QUEUE__BROKER": BROKER})
    assert App(made).database_url == DATABASE
    assert made.tree.queue.broker == BROKER
    assert PASSWORD not in str(explain(made))


def test_a_relative_file_is_in_the_workspace_and_an_absolute_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "ws").mkdir()
    made = workspace(tmp_path / "ws", '[database]\nurl = "sqlite:///books.db"\n')
    assert App(made).database_url == f"sqlite:///{tmp_path}/ws/books.db"
    assert App(made).database_is_missing
    away = workspace(tmp_path / "ws", f'[database]\nurl = "sqlite:///{tmp_path}/books.db"\n')
    assert App(away).database_url == f"sqlite:///{tmp_path}/books.db"
