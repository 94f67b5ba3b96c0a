"""A far side of respx routes, a clock that nobody waits for, and a runner between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import respx

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.connectors._http.settings import HttpSettings
from ledgerbridge.errors import ConnectorError, NotSignedIn
from ledgerbridge.testing.fakes import FakeClock

BASE = "https://api.vendor.example/v1"


def judge(call: Call, reply: Reply) -> ConnectorError | None:
    """The smallest honest failure table: 401 means an unknown token, all JSON is well."""
    if reply.status == 401:
        return NotSignedIn("token not known", system="crm")
    reply.json()
    return None


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def far() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
def make_runner(clock: FakeClock) -> Iterator[Callable[..., Runner]]:
    made: list[Runner] = []

    def make(**options: Any) -> Runner:
        settings = options.pop("settings", HttpSettings())
        if isinstance(settings, dict):
            settings = HttpSettings(**settings)
        facts = {"system": "crm", "base_url": BASE, "judge": judge, "clock": clock, **options}
        made.append(Runner(settings=settings, **facts))
        return made[-1]

    yield make
    for runner in made:
        runner.close()
