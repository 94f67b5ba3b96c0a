"""What was read back goes the way that a pulled record goes, so that the next pull knows it as `same`: no echo."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.raw import Raw, digest_of
from ledgerbridge.store import Tx, observed, streams, to_us
from ledgerbridge.store.runs import StepCounts
from ledgerbridge.sync.decode import Decode
from ledgerbridge.sync.judge import Judge, Scope

_GONE: Final = b"{}"


def keep(tx: Tx, system: str, raw: Raw, decode: Decode, *, plan_id: str, at: datetime) -> None:
    """Store one record that was read back, in the transaction at hand; the copy's history notes `plan_id` as the cause.

    The copy before it stays in the history: with the change's own before values it is what an undo goes by. The book totals
    move along; a pull under way takes the difference as part of its opening.
    """
    tx.take_turn(observed.lock_of(system, raw.kind))
    known = streams.get(tx, system, raw.kind).mapping
    if known is not None and known != decode.fingerprint:
        return  # the mapping was edited meanwhile: the next pull maps all copies anew and reads this one, too
    judge = Judge(tx, Scope(system, raw.kind, plan_id, to_us(at), decode), StepCounts())
    judge.take((raw,))
    judge.close()


def tombstone(ref: Ref, wire_type: str, at: datetime) -> Raw:
    """A record that is gone, as a sweep would tell it."""
    return Raw(
        kind=Kind(ref.kind),
        wire_type=wire_type,
        external_id=ref.external_id,
        body=_GONE,
        digest=digest_of(_GONE),
        fetched_at=at,
        deleted=True,
    )
