"""A workspace file: what is wrong is named with its line, secrets are never in it, and every value can be explained."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from ledgerbridge.config.explain import explain
from ledgerbridge.config.secrets import Resolver, plain_secrets
from ledgerbridge.config.systems import connector_names, connector_settings
from ledgerbridge.config.template import TEMPLATE
from ledgerbridge.config.workspace import Workspace, find, line_of, load
from ledgerbridge.errors import ConfigError

U8 = """
[systems.erp]
connector = "yonyou_u8"
[systems.erp.settings]
from_account = "a"
to_account = "b"
app_key = "k"
app_secret = {secret}
"""


def workspace(folder: Path, text: str, environ: dict[str, str] | None = None) -> Workspace:
    (folder / "ledgerbridge.toml").write_text(text, encoding="utf-8")
    return load(folder, environ or {})


def test_the_template_is_a_workspace(tmp_path: Path) -> None:
    assert workspace(tmp_path, TEMPLATE).tree.workspace.base_currency == "CNY"


@pytest.mark.parametrize(
    "name", sorted({line.split('"')[1] for line in TEMPLATE.splitlines() if "connector =" in line})
)
def test_the_template_names_connectors_that_exist(name: str) -> None:
    assert name in connector_names()


def test_every_fault_is_reported_with_its_line(tmp_path: Path) -> None:
    text = '[workspace]\nzone = "Mars/Olympus"\nbase_currency = "RMB"\nnmae = "x"\n'
    with pytest.raises(ConfigError) as caught:
        workspace(tmp_path, text)
    message = str(caught.value)
    assert "line 2: workspace.zone" in message
    assert "line 3: workspace.base_currency" in message
    assert "line 4: workspace.nmae: there is no such setting" in message


def test_broken_toml_says_where(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 2"):
        workspace(tmp_path, "[workspace]\nname = \n")


def test_the_environment_overrides_one_setting(tmp_path: Path) -> None:
    made = workspace(
        tmp_path, TEMPLATE, {"LEDGERBRIDGE_DATABASE__URL": "sqlite:///other.db", "LEDGERBRIDGE_PULL__PAGE_SIZE": "50"}
    )
    assert made.tree.database.url == "sqlite:///other.db"
    assert made.tree.pull.page_size == 50
    found = explain(made, "database.url")[0]
    assert found.origin == "environment variable LEDGERBRIDGE_DATABASE__URL"


def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    made = workspace(tmp_path, U8.format(secret='"hunter2-in-plain-sight"'))
    with pytest.raises(ConfigError) as caught:
        connector_settings(made, "erp", Resolver(tmp_path, {}))
    assert "systems.erp.settings.app_secret" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in str(explain(made))


def test_a_secret_by_reference_is_resolved_remembered_and_never_shown(tmp_path: Path) -> None:
    made = workspace(tmp_path, U8.format(secret='{ env = "U8_SECRET" }'))
    resolver = Resolver(tmp_path, {"U8_SECRET": "s3cret-value"})
    settings = connector_settings(made, "erp", resolver)
    assert "s3cret-value" in resolver.values
    assert "s3cret-value" not in repr(settings)
    explained = {item.key: item for item in explain(made, "systems.erp")}
    assert explained["systems.erp.settings.app_secret"].value == "(by reference)"
    assert "U8_SECRET" in explained["systems.erp.settings.app_secret"].origin


def test_a_reference_that_leads_nowhere_says_what_to_do(tmp_path: Path) -> None:
    made = workspace(tmp_path, U8.format(secret='{ env = "U8_SECRET" }'))
    with pytest.raises(ConfigError, match="U8_SECRET is not set"):
        connector_settings(made, "erp", Resolver(tmp_path, {}))
    made = workspace(tmp_path, U8.format(secret='{ file = "secrets/u8" }'))
    with pytest.raises(ConfigError, match="secrets/u8"):
        connector_settings(made, "erp", Resolver(tmp_path, {}))


def test_a_secret_from_a_file_loses_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("value-1\n", encoding="utf-8")
    made = workspace(tmp_path, U8.format(secret='{ file = "s" }'))
    resolver = Resolver(tmp_path, {})
    connector_settings(made, "erp", resolver)
    assert resolver.values == {"value-1"}


def test_an_unknown_connector_lists_those_there_are(tmp_path: Path) -> None:
    made = workspace(tmp_path, '[systems.erp]\nconnector = "sap"\n')
    with pytest.raises(ConfigError, match="sheets"):
        connector_settings(made, "erp", Resolver(tmp_path, {}))


def test_connector_faults_name_key_and_line(tmp_path: Path) -> None:
    text = U8.format(secret='{ env = "S" }') + "window_days = 0\ntypo = 1\n"
    with pytest.raises(ConfigError) as caught:
        connector_settings(workspace(tmp_path, text), "erp", Resolver(tmp_path, {"S": "secret"}))
    assert "line 9: systems.erp.settings.window_days" in str(caught.value)
    assert "line 10: systems.erp.settings.typo: there is no such setting" in str(caught.value)


def test_a_workspace_is_found_above(tmp_path: Path) -> None:
    workspace(tmp_path, TEMPLATE)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find(below, {}) == tmp_path
    assert find(below, {"LEDGERBRIDGE_WORKSPACE": "/elsewhere"}) == Path("/elsewhere")


def test_without_a_workspace_one_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ledgerbridge init"):
        load(tmp_path, {})


def test_lines_of_keys() -> None:
    text = '[a]\nx = 1\n[a.b]\n"y" = 2\n[[c]]\nz = 3\n'
    assert [line_of(text, key) for key in ("a.x", "a.b.y", "c.z", "a.z")] == [2, 4, 6, None]


def test_every_setting_says_what_it_does(tmp_path: Path) -> None:
    made = workspace(tmp_path, U8.format(secret='{ env = "S" }'))
    assert [item.key for item in explain(made) if not item.what] == []


class _Key(BaseModel):
    secret: SecretStr


class _Nested(BaseModel):
    plain: str = ""
    proxy: _Key | None = None
    keys: tuple[_Key, ...] = ()


def test_a_plain_secret_is_found_in_optional_and_listed_tables() -> None:
    raw = {"plain": "x", "proxy": {"secret": "canary"}, "keys": [{"secret": {"env": "A"}}, {"secret": "canary"}]}
    assert plain_secrets(_Nested, raw, "s") == ["s.proxy.secret", "s.keys.secret"]


def test_nested_settings_are_overridden_and_explained(tmp_path: Path) -> None:
    name = "LEDGERBRIDGE_SYSTEMS__ERP__SETTINGS__HTTP__CA_FILE"
    made = workspace(tmp_path, U8.format(secret='{ env = "S" }'), {name: "ca.pem"})
    found = explain(made, "systems.erp.settings.http.ca_file")[0]
    assert (found.value, found.origin) == ("ca.pem", f"environment variable {name}")
    assert str(connector_settings(made, "erp", Resolver(tmp_path, {"S": "secret"})).http.ca_file) == "ca.pem"  # type: ignore[attr-defined]
