"""After the last human edit at most two rounds write, then nothing; nobody's edit is lost but to an owner's rule."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.raw import Raw
from ledgerbridge.store import Store
from ledgerbridge.testing.fakes import FakeClock
from tests.chaos.converge import Trial, failed_once, fresh_stores, run_seed
from tests.chaos.drift import run_drift
from tests.chaos.edits import DEEDS
from tests.chaos.far_sides import Town


@pytest.fixture(scope="module")
def stores() -> Iterator[Path]:
    with fresh_stores() as folder:
        yield folder


def test_what_one_following_system_says_at_first_contact_reaches_the_other(stores: Path, tmp_path: Path) -> None:
    """The other one agreed with the leading system until then: nobody edited it, so it does not prevail."""
    shutil.copy(stores / "empty.db", tmp_path / "store.db")
    clock = FakeClock()
    with Store.open(tmp_path / "store.db", clock=clock) as store:
        town = Town(store, clock, ("crm", "shop"))
        for name in town.rules:
            town.begin(name)
        said = {"code": "E00001", "name": "远东华泰包装E00001有限公司", "state": "1"}
        for system, memo in (("erp", "月结"), ("crm", "款到发货"), ("shop", "月结")):
            town.sides[system].put(Kind.CUSTOMER, f"{system}-1", {**said, "memo": memo}, modified_at=clock.now())
        for _ in range(2):
            town.round()
        memos = [next(iter(side.bodies(Kind.CUSTOMER).values()))["memo"] for side in town.sides.values()]
        assert memos == ["款到发货"] * 3


def test_any_sequence_of_edits_and_rounds_comes_to_rest(stores: Path) -> None:
    class Company(RuleBasedStateMachine):
        """People edit in any order; rounds come in between; in the end all must be at rest."""

        def __init__(self) -> None:
            super().__init__()
            self.folder = Path(tempfile.mkdtemp(dir=stores))
            shutil.copy(stores / "empty.db", self.folder / "store.db")
            clock = FakeClock()
            self.store = Store.open(self.folder / "store.db", clock=clock)
            self.trial = Trial(Town(self.store, clock), 1)

        @initialize(seed=st.integers(0, 10_000), trouble=st.booleans())
        def begin(self, seed: int, trouble: bool) -> None:
            self.trial.people.rng = self.trial.rng = random.Random(seed)
            self.trouble = trouble
            self.trial.begin()

        @rule(deed=st.integers(0, len(DEEDS) - 1))
        def edit(self, deed: int) -> None:
            DEEDS[deed][0](self.trial.people)

        @rule()
        def sync(self) -> None:
            if self.trouble:
                self.trial.trouble()
            self.trial.round()

        def teardown(self) -> None:
            try:
                if self.trial.last is not None:
                    assert self.trial.rest().faults == []
            finally:
                self.store.close()
                shutil.rmtree(self.folder)

    run_state_machine_as_test(
        Company,
        settings=settings(
            max_examples=4, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.parametrize(("seed", "systems"), [(11, 1), (12, 2)])
def test_seeded_edits_with_faults_and_people_in_the_middle_of_rounds(stores: Path, seed: int, systems: int) -> None:
    verdict = run_seed(stores, seed, edits=25, systems=systems)
    assert verdict.faults == []
    assert verdict.writes > 0
    assert verdict.compared > 0


@pytest.mark.parametrize(("seed", "edits", "systems"), failed_once())
def test_seeds_that_failed_once(stores: Path, seed: int, edits: int, systems: int) -> None:
    assert run_seed(stores, seed, edits=edits, systems=systems).faults == []


def test_ledgers_that_drifted_apart_agree_after_two_rounds(stores: Path) -> None:
    figures = run_drift(stores, seed=1, customers=40, invoices=120)
    assert figures.faults == []
    assert figures.drifted > 0
    assert figures.changes[0] > 0
    assert figures.changes[2:] == [0]


def test_an_edit_that_somebody_makes_again_is_put_back_again(stores: Path) -> None:
    """The record then says byte for byte what it said before the first time; it is another version all the same."""
    shutil.copy(stores / "empty.db", stores / "again.db")
    clock = FakeClock()
    with Store.open(stores / "again.db", clock=clock) as store:
        town = Town(store, clock)
        erp, crm = town.sides["erp"], town.sides["crm"]
        erp.put(Kind.CUSTOMER, "1", {"code": "E00001", "name": "华泰机电有限公司", "state": "1"})
        town.begin("customers_crm")
        [external_id] = crm.bodies(Kind.CUSTOMER)
        for _ in range(3):
            body = crm.bodies(Kind.CUSTOMER)[external_id]
            crm.put(Kind.CUSTOMER, external_id, {**body, "name": "华泰机电"})
            town.round(["customers_crm"])
            assert crm.bodies(Kind.CUSTOMER)[external_id]["name"] == "华泰机电有限公司"


@pytest.mark.parametrize(
    ("found", "at_rest"),
    [
        ("款到发货", ("款到发货", "款到发货")),  # somebody's words: remarks are the CRM's in the first place
        ("月结 60", ("月结 60 天", "月结 60")),  # what it can keep of ours
        ("月结６０天", ("月结 60 天", "月结６０天")),  # its own spelling
    ],
)
def test_a_new_record_that_somebody_edits_before_it_is_read_back(
    stores: Path, monkeypatch: pytest.MonkeyPatch, found: str, at_rest: tuple[str, str]
) -> None:
    shutil.copy(stores / "empty.db", stores / "edited.db")
    clock = FakeClock()
    with Store.open(stores / "edited.db", clock=clock) as store:
        town = Town(store, clock)
        erp, crm = town.sides["erp"], town.sides["crm"]
        erp.put(Kind.CUSTOMER, "1", {"code": "E00001", "name": "华泰机电有限公司", "state": "1", "memo": "月结 60 天"})
        read_back = crm.get

        def edit_first(ref: Ref) -> Raw | None:
            body = crm.bodies(Kind.CUSTOMER)[ref.external_id]
            if body["memo"] == "月结 60 天":
                crm.put(Kind.CUSTOMER, ref.external_id, {**body, "memo": found})
            return read_back(ref)

        monkeypatch.setattr(crm, "get", edit_first)
        town.begin("customers_crm")
        for _ in range(2):
            town.round(["customers_crm"])
        assert tuple(next(iter(side.bodies(Kind.CUSTOMER).values()))["memo"] for side in (erp, crm)) == at_rest
