"""Who may do what: a second person where one is asked for, however the first one's name is spelled; all of it in the chain."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ledgerbridge.cli.main import main
from ledgerbridge.errors import ActRefused
from ledgerbridge.model.people import as_name, same_person
from ledgerbridge.store import Store, audit
from ledgerbridge.sync.applying import approve
from ledgerbridge.testing.fakes import FakeClock
from tests.integration.conftest import fresh_sqlite, sqlite_template

from . import hostile

__all__ = ["fresh_sqlite", "sqlite_template"]

SAME = ("wang", " wang ", "Wang", "WANG", "ｗａｎｇ", "wang\u3000")
OTHER = ("li", "wang2", "王")


@pytest.mark.parametrize("name", SAME)
def test_a_spelling_makes_no_second_person(name: str) -> None:
    assert same_person("wang", name)


@pytest.mark.parametrize("name", OTHER)
def test_another_name_is_another_person(name: str) -> None:
    assert not same_person("wang", name)


@pytest.mark.parametrize("name", ["", "  ", "rule", "Machine", "a\nb", "a\x00", "\u202eli", "x" * 101, "ｒｕｌｅ"])
def test_nobody_acts_under_a_name_that_is_none_or_the_machines(name: str) -> None:
    assert as_name(name) is None


def plan_made_by(store: Store, maker: str | None) -> str:
    """A stored plan without changes, which is all that approval looks at."""
    from datetime import UTC, datetime

    from ledgerbridge.model.plan import PlanHead, PlanState
    from ledgerbridge.store import plans

    at = datetime(2026, 11, 20, tzinfo=UTC)
    head = PlanHead(
        plan_id="20261120T000000-abcdef",
        flow="customers",
        state=PlanState.PROPOSED,
        made_at=at,
        digest="0" * 64,
    )
    with store.writing() as tx:
        plans.add(tx, head, iter(()), iter(()), iter(()))
        if maker is not None:
            audit.append(tx, actor=maker, action="plan made", subject=f"plan/{head.plan_id}", details={}, at=at)
    return head.plan_id


@pytest.mark.parametrize("second_person", [True, False])
@pytest.mark.parametrize("actor", [*SAME, *OTHER])
def test_the_maker_of_a_plan_does_not_approve_it_where_two_people_are_asked_for(
    fresh_sqlite: Callable[[], Store], actor: str, second_person: bool
) -> None:
    with fresh_sqlite() as store:
        plan_id = plan_made_by(store, "wang")
        if second_person and actor in SAME:
            with pytest.raises(ActRefused, match="another person"):
                approve(store, plan_id, actor=actor, unkeyed=lambda *_: False, second_person=second_person)
        else:
            approve(store, plan_id, actor=actor, unkeyed=lambda *_: False, second_person=second_person)
        with store.reading() as tx:
            acts = [(entry.actor, entry.action) for entry in audit.entries(tx)]
            assert audit.verify(tx).fault is None
    refused = second_person and actor in SAME
    assert acts == [("wang", "plan made"), *([] if refused else [(actor, "plan approved")])]


def test_a_plan_whose_maker_is_not_on_record_is_not_approved_by_two_people(
    fresh_sqlite: Callable[[], Store],
) -> None:
    with fresh_sqlite() as store:
        plan_id = plan_made_by(store, None)
        with pytest.raises(ActRefused, match="on record"):
            approve(store, plan_id, actor="li", unkeyed=lambda *_: False, second_person=True)


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = hostile.make(tmp_path_factory.mktemp("roles") / "ws")
    with (folder / "ledgerbridge.toml").open("a", encoding="utf-8") as file:
        file.write('\n[exceptions]\nwaive_limit = { CNY = "0.50" }\n')
    assert main(["pull", "-w", str(folder)]) in (0, 1)
    assert main(["reconcile", "-w", str(folder)]) in (0, 1)
    return folder


ACTS = (
    ("exceptions", "assign", "E1", "li"),
    ("exceptions", "comment", "E1", "text"),
    ("exceptions", "settle", "E1"),
    ("exceptions", "waive", "E1", "--why", "w"),
    ("exceptions", "reopen", "E1", "--why", "w"),
    ("exceptions", "decide", "E1"),
    ("links", "accept", "books/customer/a", "crm/customer/b"),
    ("links", "refuse", "books/customer/a", "crm/customer/b", "--why", "w"),
    ("links", "split", "books/customer/a"),
    ("links", "merge", "a", "b"),
    ("plans", "approve", "P1"),
    ("plans", "discard", "P1", "--why", "w"),
    ("conflicts", "resolve", "1", "left"),
    ("quarantine", "discard", "1", "--why", "w"),
    ("ops", "retry", "1", "--why", "w"),
    ("ops", "discard", "1", "--why", "w"),
    ("apply", "P1"),
    ("undo", "P1"),
    ("restored",),
)


@pytest.mark.parametrize(("act", "name"), [*zip(ACTS, ["rule", "a\nb"] * len(ACTS), strict=False)])
def test_every_act_is_refused_under_a_name_that_is_none(pulled: Path, act: tuple[str, ...], name: str) -> None:
    with Store.open(pulled / "ledgerbridge.db") as store, store.reading() as tx:
        before = audit.head(tx)
    assert main([*act, "--as", name, "-w", str(pulled)]) in (1, 2)
    with Store.open(pulled / "ledgerbridge.db") as store, store.reading() as tx:
        assert audit.head(tx) == before


def test_a_waiver_above_the_limit_waits_for_another_person(pulled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main([*arguments, "-w", str(pulled)])
        return code, capsys.readouterr().out

    listed = json.loads(run("exceptions", "list", "--min-amount", "1", "--json")[1])["exceptions"]
    one = listed[0]["id"]
    assert run("exceptions", "waive", one, "--why", "small", "--as", "wang")[0] == 0
    for same in SAME:
        assert run("exceptions", "waive", one, "--why", "again", "--as", same)[0] != 0
        assert json.loads(run("exceptions", "show", one, "--json")[1])["state"] != "waived"
    assert run("exceptions", "waive", one, "--why", "agreed", "--as", "li")[0] == 0
    assert json.loads(run("exceptions", "show", one, "--json")[1])["state"] == "waived"
    code, told = run("status", "--json")
    assert code in (0, 1)
    assert json.loads(told)["audit"]["fault"] is None


def test_tampering_after_all_of_it_is_seen_by_status(
    pulled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil
    import sqlite3

    shutil.copytree(pulled, tmp_path / "ws")
    main(["exceptions", "comment", "none", "x", "-w", str(tmp_path / "ws")])
    with Store.open(tmp_path / "ws" / "ledgerbridge.db") as store, store.writing() as tx:
        for actor in ("wang", "li"):
            audit.append(tx, actor=actor, action="a", subject="s", details={}, at=FakeClock().now())
    database = sqlite3.connect(tmp_path / "ws" / "ledgerbridge.db")
    triggers = [
        row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type='trigger' AND tbl_name='audit'")
    ]
    assert triggers, "nothing keeps entries from being changed"
    with pytest.raises(sqlite3.DatabaseError):
        database.execute("UPDATE audit SET actor = 'nobody'")
    for name in triggers:
        database.execute(f"DROP TRIGGER {name}")
    database.execute("UPDATE audit SET actor = 'nobody' WHERE seq = (SELECT max(seq) FROM audit)")
    database.commit()
    database.close()
    capsys.readouterr()
    assert main(["status", "--json", "-w", str(tmp_path / "ws")]) == 1
    assert "was changed" in json.loads(capsys.readouterr().out)["audit"]["fault"]
