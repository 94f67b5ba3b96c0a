"""kill -9 of a real process in the middle of its writes: the far side's books hold each planned record once."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.kills import campaign


def test_a_killed_apply_goes_on_where_it_was(tmp_path: Path) -> None:
    toll = campaign(tmp_path, seed=3, kills=2, size=4, flows=("customers_crm",))
    assert toll.faults == []
    assert toll.kills > 0
    assert toll.created == toll.planned > 0
