"""The pytest plugin (entry point ``pytest11``): failures of the kit print the values they compared."""

from __future__ import annotations

import pytest

KIT_MODULES = (
    "ledgerbridge.testing.connector_suite",
    "ledgerbridge.testing.read_suite",
    "ledgerbridge.testing.write_suite",
    "ledgerbridge.testing.fault_suite",
    "ledgerbridge.testing.hooks",
)

pytest.register_assert_rewrite(*KIT_MODULES)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the kit's marker, so that ``--strict-markers`` knows it."""
    config.addinivalue_line("markers", "kit: a check of the connector acceptance kit")
