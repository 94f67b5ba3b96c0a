"""Reading the observed copies: one, some, or all of a stream as an iterator, with their texts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ledgerbridge.model.base import Frozen, Kind, Ref, Version
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import Invoice
from ledgerbridge.model.payment import Allocation, Payment
from ledgerbridge.model.raw import Raw

from .observed import State
from .tables import observed, observed_body
from .tx import Tx, from_us, moment, to_us

_MODELS: dict[Kind, type[Frozen]] = {
    Kind.CUSTOMER: Customer,
    Kind.INVOICE: Invoice,
    Kind.PAYMENT: Payment,
    Kind.ALLOCATION: Allocation,
}
_PAGE = 1000
_OF_THE_READING = frozenset({"id", "first_seen_us", "changed_us", "changed_run"})


@dataclass(frozen=True, slots=True)
class Copy:
    """One observed copy with its texts; see :class:`ledgerbridge.store.observed.Row` for the columns."""

    id: int
    ref: Ref
    wire_type: str
    state: State
    flawed: bool
    reason: str | None
    raw_hash: bytes
    canonical_hash: bytes | None
    version_order: int | None
    modified_at: datetime | None
    currency: str
    amount_minor: int
    number: str | None
    party_name: str | None
    notices: int
    first_seen_at: datetime
    changed_at: datetime
    changed_run: str
    raw: bytes | None
    canonical: bytes | None
    notices_json: str | None

    def record(self) -> Frozen:
        """The canonical record; ValueError for a copy that has none (filtered, quarantined, a tombstone)."""
        if self.canonical is None:
            raise ValueError(f"{self.ref} is {self.state}: there is no canonical record of it")
        return _MODELS[self.ref.kind].model_validate_json(self.canonical)

    def version(self) -> Version:
        """What a change to this record must find at the far side: `digest` is that of the record as sent, in hexadecimal."""
        return Version(
            digest=self.raw_hash.hex(),
            order=self.version_order,
            modified_at=self.modified_at,
            seen_at=self.changed_at,
        )

    def as_raw(self) -> Raw | None:
        """The record as it was read; None if no text was kept."""
        if self.raw is None:
            return None
        return Raw(
            kind=self.ref.kind,
            wire_type=self.wire_type,
            external_id=self.ref.external_id,
            body=self.raw,
            digest=self.raw_hash,
            fetched_at=self.changed_at,
            order=self.version_order,
            modified_at=self.modified_at,
        )


_COLUMNS = (
    observed.c.id,
    observed.c.system,
    observed.c.kind,
    observed.c.external_id,
    observed.c.wire_type,
    observed.c.state,
    observed.c.flawed,
    observed.c.reason,
    observed.c.raw_hash,
    observed.c.canonical_hash,
    observed.c.version_order,
    observed.c.modified_us,
    observed.c.currency,
    observed.c.amount_minor,
    observed.c.number,
    observed.c.party_name,
    observed.c.notices,
    observed.c.first_seen_us,
    observed.c.changed_us,
    observed.c.changed_run,
    observed_body.c.raw,
    observed_body.c.canonical,
    observed_body.c.notices.label("notices_json"),
)
_SELECT = sa.select(*_COLUMNS).select_from(observed.outerjoin(observed_body, observed_body.c.id == observed.c.id))


def get(tx: Tx, ref: Ref) -> Copy | None:
    """The copy of one record."""
    row = tx.connection.execute(
        _SELECT.where(
            observed.c.system == ref.system,
            observed.c.kind == ref.kind.value,
            observed.c.external_id == ref.external_id,
        )
    ).first()
    return None if row is None else _copy(row)


def find(tx: Tx, text: str, *, system: str | None = None, kind: Kind | None = None, limit: int = 50) -> list[Copy]:
    """Copies whose id, number (or code) is exactly `text`, in any system: what a person types to see a record."""
    query = _SELECT.where(sa.or_(observed.c.number == text, observed.c.external_id == text))
    if system is not None:
        query = query.where(observed.c.system == system)
    if kind is not None:
        query = query.where(observed.c.kind == kind.value)
    order = (observed.c.system, observed.c.kind, observed.c.external_id)
    return [_copy(row) for row in tx.connection.execute(query.order_by(*order).limit(limit))]


def after_id(
    tx: Tx, system: str, kind: Kind, after: int, *, limit: int, states: tuple[State, ...] | None = None
) -> list[Copy]:
    """A stretch of a stream's copies by their own ids; go on with `after` the last id."""
    query = _SELECT.where(observed.c.system == system, observed.c.kind == kind.value, observed.c.id > after)
    if states is not None:
        query = query.where(observed.c.state.in_([state.value for state in states]))
    return [_copy(row) for row in tx.connection.execute(query.order_by(observed.c.id).limit(limit))]


def every(
    tx: Tx,
    system: str,
    kind: Kind,
    *,
    states: tuple[State, ...] | None = (State.LIVE,),
    changed_since: datetime | None = None,
) -> Iterator[Copy]:
    """All copies of a stream by external id, a thousand at a time, within the transaction: memory stays flat."""
    query = _SELECT.where(observed.c.system == system, observed.c.kind == kind.value)
    if states is not None:
        query = query.where(observed.c.state.in_([state.value for state in states]))
    if changed_since is not None:
        query = query.where(observed.c.changed_us >= to_us(changed_since))
    after = ""
    while True:
        stretch = query.where(observed.c.external_id > after).order_by(observed.c.external_id).limit(_PAGE)
        rows = tx.connection.execute(stretch).all()
        yield from map(_copy, rows)
        if len(rows) < _PAGE:
            return
        after = rows[-1].external_id


def digest(tx: Tx) -> str:
    """A hash of everything that the copies say (not of when or by which run it was read): equal books, equal digests."""
    hashed = hashlib.blake2b(digest_size=16)
    said = [column for column in observed.c if column.name not in _OF_THE_READING]
    query = sa.select(*said, observed_body.c.raw, observed_body.c.canonical)
    query = query.select_from(observed.outerjoin(observed_body, observed_body.c.id == observed.c.id))
    streams = tx.connection.execute(sa.select(observed.c.system, observed.c.kind).distinct().order_by("system", "kind"))
    for system, kind in streams.all():
        of_stream = query.where(observed.c.system == system, observed.c.kind == kind).order_by(observed.c.external_id)
        after = ""
        while rows := tx.connection.execute(of_stream.where(observed.c.external_id > after).limit(_PAGE)).all():
            for row in rows:
                hashed.update(repr(tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)).encode())
            after = rows[-1].external_id
    return hashed.hexdigest()


def _copy(row: Any) -> Copy:
    values = dict(row._mapping)  # noqa: SLF001 (SQLAlchemy's public name for it)
    ref = Ref(system=values.pop("system"), kind=Kind(values.pop("kind")), external_id=values.pop("external_id"))
    values["state"] = State(values["state"])
    values["modified_at"] = moment(values.pop("modified_us"))
    values["first_seen_at"] = from_us(values.pop("first_seen_us"))
    values["changed_at"] = from_us(values.pop("changed_us"))
    return Copy(ref=ref, **values)
