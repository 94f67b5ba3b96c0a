"""Frozen copies of statements: what was sent, kept as it was, so that every file can be made again byte for byte."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from ledgerbridge.errors import StatementError, StoreError
from ledgerbridge.model.statement import CustomerStatement, dump, load
from ledgerbridge.model.statement_look import StatementLook

from . import bulk
from .tables_books import statement_copy, statement_file, statement_look
from .tx import Tx, from_us, to_us

_LISTED = [column for column in statement_copy.columns if column.name != "content"]


@dataclass(frozen=True, slots=True)
class FrozenCopy:
    """A copy without its content. `closing_minor` is in minor units of `currency`."""

    id: str
    entity_id: str
    customer_name: str
    currency: str
    first_day: date
    last_day: date
    closing_minor: int
    frozen_at: datetime
    frozen_by: str
    content_hash: str
    look_hash: str


@dataclass(frozen=True, slots=True)
class OpenedCopy:
    """A copy with all that its files are made of. `content` is the canonical JSON, byte for byte as it was frozen."""

    copy: FrozenCopy
    content: bytes
    statement: CustomerStatement
    look: StatementLook


def freeze(tx: Tx, statement: CustomerStatement, look: StatementLook, *, at: datetime, by: str) -> FrozenCopy:
    """Keep a statement as it is sent. The same statement with the same look is one copy, however often it is frozen.

    The caller enters the act into the audit log in the same transaction.
    """
    content, appearance = dump(statement), look.model_dump_json().encode()
    content_hash, look_hash = _hash(content), _hash(appearance)
    copy_id = hashlib.blake2b(f"{content_hash}/{look_hash}".encode(), digest_size=8).hexdigest()
    bulk.run(
        tx,
        "INSERT INTO statement_look (look_hash, look) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (look_hash, appearance),
    )
    bulk.run(
        tx,
        "INSERT INTO statement_copy (copy_id, entity_id, customer_name, currency, first_day, last_day, closing_minor, "
        "frozen_us, frozen_by, content, content_hash, look_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        (
            copy_id,
            statement.customer.entity,
            statement.customer.name,
            statement.currency,
            statement.first_day.isoformat(),
            statement.last_day.isoformat(),
            str(statement.closing_minor),
            to_us(at),
            by,
            zlib.compress(content, 6),
            content_hash,
            look_hash,
        ),
    )
    found = find(tx, copy_id)
    assert found is not None  # it was there or has just been written
    return found


def find(tx: Tx, copy_id: str) -> FrozenCopy | None:
    """One copy without its content."""
    row = tx.connection.execute(sa.select(*_LISTED).where(statement_copy.c.copy_id == copy_id)).mappings().first()
    return None if row is None else _copy(row)


def opened(tx: Tx, copy_id: str) -> OpenedCopy | None:
    """One copy with its content; StoreError if what is stored is not what was frozen."""
    query = (
        sa.select(statement_copy, statement_look.c.look)
        .join(statement_look, statement_look.c.look_hash == statement_copy.c.look_hash)
        .where(statement_copy.c.copy_id == copy_id)
    )
    row = tx.connection.execute(query).mappings().first()
    if row is None:
        return None
    appearance = bytes(row["look"])
    try:
        content = zlib.decompress(bytes(row["content"]))
    except zlib.error:
        content = b""
    if _hash(content) != row["content_hash"] or _hash(appearance) != row["look_hash"]:
        raise StoreError(f"the frozen statement {copy_id} is no longer what was frozen: its hash differs")
    return OpenedCopy(_copy(row), content, load(content), StatementLook.model_validate_json(appearance))


def latest(
    tx: Tx, *, entity_id: str, currency: str, first_day: date | None = None, last_day: date | None = None
) -> FrozenCopy | None:
    """The copy of a customer and currency that was frozen last, of a period if one is named."""
    query = sa.select(*_LISTED).where(statement_copy.c.entity_id == entity_id, statement_copy.c.currency == currency)
    if first_day is not None:
        query = query.where(statement_copy.c.first_day == first_day.isoformat())
    if last_day is not None:
        query = query.where(statement_copy.c.last_day == last_day.isoformat())
    newest = query.order_by(statement_copy.c.frozen_us.desc(), statement_copy.c.copy_id.desc()).limit(1)
    row = tx.connection.execute(newest).mappings().first()
    return None if row is None else _copy(row)


def copies(
    tx: Tx, *, entity_id: str | None = None, after: tuple[datetime, str] | None = None, limit: int = 500
) -> list[FrozenCopy]:
    """Copies as they were frozen, oldest first, a stretch at a time: go on with `after` the last one's (frozen_at, id)."""
    query = sa.select(*_LISTED).order_by(statement_copy.c.frozen_us, statement_copy.c.copy_id).limit(limit)
    if entity_id is not None:
        query = query.where(statement_copy.c.entity_id == entity_id)
    if after is not None:
        place = sa.tuple_(statement_copy.c.frozen_us, statement_copy.c.copy_id)
        query = query.where(place > sa.tuple_(to_us(after[0]), after[1]))
    return [_copy(row) for row in tx.connection.execute(query).mappings()]


def note_file(tx: Tx, copy_id: str, *, form: str, language: str, renderer: str, content: bytes, at: datetime) -> None:
    """Remember the file that was made of a copy, or check it against the one that was made before.

    StatementError if it is another: what was sent must come out the same, and the message says by what it was made.
    """
    made = _hash(content)
    bulk.run(
        tx,
        "INSERT INTO statement_file (copy_id, form, language, renderer, file_hash, made_us) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        (copy_id, form, language, renderer, made, to_us(at)),
    )
    first = tx.connection.execute(
        sa.select(statement_file.c.renderer, statement_file.c.file_hash).where(
            statement_file.c.copy_id == copy_id, statement_file.c.form == form, statement_file.c.language == language
        )
    ).one()
    if first.file_hash != made:
        raise StatementError(
            f"the {form} file of the frozen statement {copy_id} differs from the one that was sent: that one was made by "
            f"{first.renderer}, this one by {renderer}; install those versions to make it again, or use the file that was sent"
        )


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _copy(row: sa.RowMapping) -> FrozenCopy:
    return FrozenCopy(
        id=row["copy_id"],
        entity_id=row["entity_id"],
        customer_name=row["customer_name"],
        currency=row["currency"],
        first_day=date.fromisoformat(row["first_day"]),
        last_day=date.fromisoformat(row["last_day"]),
        closing_minor=int(row["closing_minor"]),
        frozen_at=from_us(row["frozen_us"]),
        frozen_by=row["frozen_by"],
        content_hash=row["content_hash"],
        look_hash=row["look_hash"],
    )
