"""What copies said before: evidence for changed and vanished records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ledgerbridge.model.base import Ref

from .observed import State
from .tables import observed, observed_history
from .tx import Tx, from_us, moment, to_us


@dataclass(frozen=True, slots=True)
class Past:
    """One earlier form of a copy, in force from `from_at` until `until_at`, when run `until_run` read something else."""

    state: State
    raw_hash: bytes
    canonical_hash: bytes | None
    version_order: int | None
    modified_at: datetime | None
    raw: bytes | None
    canonical: bytes | None
    from_at: datetime
    until_at: datetime
    until_run: str


def of(tx: Tx, ref: Ref, *, limit: int = 100) -> list[Past]:
    """Earlier forms of one record, latest first."""
    query = (
        sa.select(observed_history)
        .join(observed, observed.c.id == observed_history.c.observed_id)
        .where(
            observed.c.system == ref.system,
            observed.c.kind == ref.kind.value,
            observed.c.external_id == ref.external_id,
        )
        .order_by(observed_history.c.seq.desc())
        .limit(limit)
    )
    return [
        Past(
            state=State(row["state"]),
            raw_hash=row["raw_hash"],
            canonical_hash=row["canonical_hash"],
            version_order=row["version_order"],
            modified_at=moment(row["modified_us"]),
            raw=row["raw"],
            canonical=row["canonical"],
            from_at=from_us(row["from_us"]),
            until_at=from_us(row["until_us"]),
            until_run=row["until_run"],
        )
        for row in tx.connection.execute(query).mappings()
    ]


def prune(tx: Tx, *, before: datetime) -> int:
    """Remove forms that ceased to hold before a moment (the retention setting); how many."""
    return tx.connection.execute(observed_history.delete().where(observed_history.c.until_us < to_us(before))).rowcount
