"""The acceptance kit: what every connector must pass, against an emulator of its far side.

Subclass :class:`ConnectorSuite`, fill in the hooks, run pytest::

    from ledgerbridge.testing.connector_suite import ConnectorSuite, KindFacts

    class TestAcmeErp(ConnectorSuite):
        facts = {Kind.INVOICE: KindFacts(text_field="memo", amount_field="total")}

        @pytest.fixture
        def far(self): ...            # the emulator's side door
        @pytest.fixture
        def connector(self, far, clock): ...
        def secrets(self, far): return ["…"]
        def a_write(self, kind, far): ...

A check that does not apply is skipped and says why. A fault that the far side cannot have must be declared in
``absent_faults`` with its reason: a fault that was ordered and did not happen fails its check.
"""

from __future__ import annotations

import pytest

from .fault_suite import FaultSuite
from .hooks import ABSENT, FAULTS, FarSide, KindFacts, Walked, captured_log, misses, walk
from .read_suite import ReadSuite
from .write_suite import WriteSuite

__all__ = ["ABSENT", "FAULTS", "ConnectorSuite", "FarSide", "KindFacts", "Walked", "captured_log", "misses", "walk"]


@pytest.mark.kit
class ConnectorSuite(ReadSuite, WriteSuite, FaultSuite):
    """All checks. See :class:`ledgerbridge.testing.hooks.Hooks` for what a subclass fills in."""
