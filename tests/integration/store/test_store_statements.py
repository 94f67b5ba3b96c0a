"""Frozen copies: kept as they were sent, on both engines."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from ledgerbridge.errors import StatementError, StoreError
from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.model.payment import PaymentKind
from ledgerbridge.model.statement import CustomerStatement, Party, dump
from ledgerbridge.model.statement_look import RemittanceAccount, StatementLook
from ledgerbridge.reconciler.statement import Document, Period, Receipt, build_statement, delta
from ledgerbridge.reports.statement import Format, Language, render, renderer
from ledgerbridge.store import Store, statements

NOW = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
LOOK = StatementLook(logo=base64.b64encode(b"\x89PNG not looked at here"), accounts=(RemittanceAccount(account="001"),))
PLAIN = StatementLook(contact="财务部")


def made(
    entity: str = "e-1", *, extra: int = 0, currency: str = "CNY", last: date = date(2026, 10, 31)
) -> CustomerStatement:
    documents = [
        Document("i1", "XS-1", InvoiceKind.INVOICE, currency, date(2026, 10, 3), 1000_00 + extra, remark="货款")
    ]
    receipts = [Receipt("p1", "SK-1", PaymentKind.RECEIPT, currency, date(2026, 10, 9), 10**15)]
    return build_statement(
        company="上海样板科技有限公司",
        customer=Party(entity=entity, code="C1", name="杭州示例有限公司"),
        currency=currency,
        period=Period(date(2026, 10, 1), last),
        documents=documents,
        receipts=receipts,
        made_at=NOW,
        made_on=NOW.date(),
    )


def test_a_copy_comes_back_byte_for_byte(store: Store) -> None:
    statement = made()
    with store.writing() as tx:
        frozen = statements.freeze(tx, statement, LOOK, at=NOW, by="li")
    with store.reading() as tx:
        back = statements.opened(tx, frozen.id)
        assert statements.find(tx, frozen.id) == frozen
        assert statements.opened(tx, "no such") is None
        assert statements.find(tx, "no such") is None
    assert back is not None
    assert (back.content, back.statement, back.look) == (dump(statement), statement, LOOK)
    assert back.copy == frozen
    assert (frozen.closing_minor, frozen.frozen_at, frozen.frozen_by) == (1000_00 - 10**15, NOW, "li")


@pytest.mark.parametrize("form", Format)
def test_every_file_of_a_copy_is_made_again_the_same(store: Store, form: Format) -> None:
    """Invariant 7: a frozen statement re-makes byte for byte; a later back-dated edit is in its delta, not in it."""
    with store.writing() as tx:
        frozen = statements.freeze(tx, made(), PLAIN, at=NOW, by="li")
    sent = render(made(), form, PLAIN)
    later = made(extra=5_00)
    with store.reading() as tx:
        back = statements.opened(tx, frozen.id)
    assert back is not None
    assert hashlib.sha256(render(back.statement, form, back.look)).digest() == hashlib.sha256(sent).digest()
    found = delta(back.statement, later)
    assert [(line.number, line.effect_minor) for line in found.lines] == [("XS-1", 5_00)]


def test_frozen_twice_is_one_copy(store: Store) -> None:
    with store.writing() as tx:
        first = statements.freeze(tx, made(), LOOK, at=NOW, by="li")
        again = statements.freeze(tx, made(), LOOK, at=NOW + timedelta(days=1), by="wang")
        other = statements.freeze(tx, made(), PLAIN, at=NOW + timedelta(days=2), by="wang")
        assert again == first
        assert other.id != first.id
        assert len(statements.copies(tx)) == 2


def test_the_latest_copy_and_lists_in_stretches(store: Store) -> None:
    with store.writing() as tx:
        for at in range(5):
            statements.freeze(tx, made(extra=at), LOOK, at=NOW + timedelta(minutes=at // 2), by="li")
        statements.freeze(tx, made("e-2"), LOOK, at=NOW, by="li")
        statements.freeze(tx, made(currency="USD"), LOOK, at=NOW + timedelta(hours=1), by="li")
        september = statements.freeze(tx, made(last=date(2026, 10, 30)), LOOK, at=NOW + timedelta(hours=2), by="li")
    with store.reading() as tx:
        newest = statements.latest(tx, entity_id="e-1", currency="CNY", last_day=date(2026, 10, 31))
        assert newest is not None
        assert newest.closing_minor == 1000_00 + 4 - 10**15
        assert statements.latest(tx, entity_id="e-1", currency="CNY") == september
        assert statements.latest(tx, entity_id="e-1", currency="EUR") is None
        assert statements.latest(tx, entity_id="e-1", currency="CNY", first_day=date(2026, 9, 1)) is None
        walked, after = [], None
        while found := statements.copies(tx, entity_id="e-1", after=after, limit=2):
            walked += found
            after = (found[-1].frozen_at, found[-1].id)
        assert len({one.id for one in walked}) == len(walked) == 7
        assert len(statements.copies(tx)) == 8


@pytest.mark.parametrize("act", ["UPDATE statement_copy SET frozen_by = 'x'", "DELETE FROM statement_copy"])
def test_the_database_refuses_to_change_a_copy(store: Store, act: str) -> None:
    with store.writing() as tx:
        statements.freeze(tx, made(), LOOK, at=NOW, by="li")
    with pytest.raises(StoreError, match="kept as they are"), store.writing() as tx:
        tx.connection.exec_driver_sql(act)


@pytest.mark.parametrize(
    "harm", ["UPDATE statement_copy SET content = :bytes", "UPDATE statement_look SET look = :bytes"]
)
def test_a_copy_that_was_tampered_with_is_not_handed_out(store: Store, harm: str) -> None:
    with store.writing() as tx:
        frozen = statements.freeze(tx, made(), LOOK, at=NOW, by="li")
        if tx.sqlite:
            tx.connection.exec_driver_sql("DROP TRIGGER statement_copy_keeps_UPDATE")
        else:
            tx.connection.exec_driver_sql("ALTER TABLE statement_copy DISABLE TRIGGER ALL")
        tx.connection.execute(sa.text(harm), {"bytes": b"{}"})
    with store.reading() as tx, pytest.raises(StoreError, match="no longer what was frozen"):
        statements.opened(tx, frozen.id)


def test_a_file_that_comes_out_otherwise_is_refused(store: Store) -> None:
    form, language = Format.HTML, Language.ZH
    content = render(made(), form, PLAIN, language)
    facts = {"form": form.value, "language": language.value, "at": NOW}
    with store.writing() as tx:
        frozen = statements.freeze(tx, made(), PLAIN, at=NOW, by="li")
        for _ in range(2):
            statements.note_file(tx, frozen.id, renderer=renderer(form), content=content, **facts)  # type: ignore[arg-type]
        with pytest.raises(StatementError, match="made by layout-1, this one by layout-2"):
            statements.note_file(tx, frozen.id, renderer="layout-2", content=content + b" ", **facts)  # type: ignore[arg-type]
