from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ledgerbridge.connectors._http.call import Call
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.connectors._http.settings import HttpSettings
from ledgerbridge.errors import ConfigError


def test_settings_come_from_toml() -> None:
    text = 'read_timeout_s = 10\nretries = 2\nca_file = "ca.pem"\nprivate_network = true'
    settings = HttpSettings.model_validate(tomllib.loads(text))
    assert (settings.read_timeout_s, settings.retries, settings.ca_file) == (10.0, 2, Path("ca.pem"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"verify": False},
        {"retries": 0},
        {"retries": 11},
        {"read_timeout_s": 0},
        {"in_flight_max": 0},
        {"body_max_bytes": 1},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_would_be_unsafe_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HttpSettings(**wrong)


def test_a_ca_file_that_is_none_is_said(make_runner: Callable[..., Runner], tmp_path: Path) -> None:
    nonsense = tmp_path / "ca.pem"
    nonsense.write_text("not a certificate")
    for path in (nonsense, tmp_path / "missing.pem"):
        with pytest.raises(ConfigError, match=r"http\.ca_file .*not a readable PEM file"):
            make_runner(settings={"ca_file": path}).send(Call("GET", "data"))
