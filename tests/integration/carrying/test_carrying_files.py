"""Approved changes into a file of our own: created, changed, and left alone where somebody else was faster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledgerbridge.bootstrap import App, open_app
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action, Change, FieldChange
from ledgerbridge.model.operation import Done, Moved, Operation, OpState, Present, Rejected
from ledgerbridge.store import copies, links
from ledgerbridge.sync.pull import pull_all

FILE = "customers.csv"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    (tmp_path / "ledgerbridge.toml").write_text(
        '[systems.list]\nconnector = "sheets"\n[[systems.list.settings.files]]\n'
        f'path = "{FILE}"\nkind = "customer"\nwritable = true\n',
        "utf-8",
    )
    (tmp_path / FILE).write_text("客户编码,客户名称,备注\n010001,华泰机电,老客户\n", "utf-8")
    opened = open_app(tmp_path, environ={})
    pull(opened)
    yield opened
    opened.close()


def pull(app: App) -> dict[str, int]:
    [step] = pull_all(app.store, [app.source("list", None, full=False, sweep=False)]).steps
    assert step.certificate.ties
    return {str(tally.bucket): tally.records for tally in step.certificate.tallies}


def an_operation(app: App, change: Change, **more: Any) -> Operation:
    now = app.clock.now()
    return Operation(
        id=1, plan_id="p", idem_key=change.key, change=change, state=OpState.SENT, order_key="o", revision=1, fence=1,
        tries=1, looks=0, epoch=0, not_before=now, send_deadline=None, why=None, **{"foreign": None, **more},
    )  # fmt: skip


def a_change(app: App, action: Action, fields: dict[str, Any], target: str | None = None) -> Change:
    ref = Ref(system="list", kind=Kind.CUSTOMER, external_id=target or "010002")
    now = app.clock.now()
    with app.store.writing(lock=links.LOCK) as tx:
        entity = links.entity_of(tx, ref) or links.new_entity(tx, Kind.CUSTOMER, ref, now)
        copy = copies.get(tx, ref) if target else None
    made = tuple(FieldChange(path=path, after=value, decided_by="erp") for path, value in fields.items())
    return Change(
        action=action, system="list", kind=Kind.CUSTOMER, entity=entity, fields=made, because="a test",
        target=ref if target else None, expected=copy.version() if copy else None,
    )  # fmt: skip


def test_a_row_is_created_changed_and_read_back(app: App, tmp_path: Path) -> None:
    with app.carrier("list") as carrier:
        created = an_operation(
            app, a_change(app, Action.CREATE, {"code": "010002", "name": "精工轴承", "remark": "新"})
        )
        [answer] = carrier.send([created])
        assert isinstance(answer, Done)
        again = carrier.send([created])
        assert all(isinstance(one, Done) for one in again)
        changed = an_operation(app, a_change(app, Action.UPDATE, {"remark": "大客户"}, "010001"))
        for operation in (created, changed):
            [answer] = carrier.send([operation])
            assert isinstance(answer, Done), answer
            seen = carrier.look(operation)
            assert isinstance(seen, Present)
            with app.store.writing() as tx:
                carrier.verified(tx, operation, seen)
    lines = (tmp_path / FILE).read_text("utf-8-sig").splitlines()
    assert lines == ["客户编码,客户名称,备注", "010001,华泰机电,大客户", "010002,精工轴承,新"]
    assert pull(app) == {"same": 2}


def test_a_row_that_somebody_changed_is_left_alone_and_none_is_voided(app: App, tmp_path: Path) -> None:
    update = an_operation(app, a_change(app, Action.UPDATE, {"remark": "ours"}, "010001"))
    void = an_operation(app, a_change(app, Action.VOID, {}, "010001"))
    text = "客户编码,客户名称,备注\n010001,华泰机电,theirs\n"
    (tmp_path / FILE).write_text(text, "utf-8")
    with app.carrier("list") as carrier:
        moved, refused = carrier.send([update, void])
    assert isinstance(moved, Moved)
    assert isinstance(refused, Rejected)
    assert (tmp_path / FILE).read_text("utf-8") == text
