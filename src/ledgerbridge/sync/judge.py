"""Where each record that was read ends up: the one place that decides the bucket, and collects what is to be written.

Works inside the transaction that stores the result, so that what is known of a record cannot change between the decision and
the write. A record that has not changed costs one look-up in a dictionary: no decoding, no write.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from typing import Any, Final, NamedTuple

from ledgerbridge.model.base import Kind
from ledgerbridge.model.problem import Problem
from ledgerbridge.model.raw import Raw, Unreadable, digest_of
from ledgerbridge.model.run import Bucket
from ledgerbridge.store import Tx, observed, quarantine, to_us
from ledgerbridge.store.bulk import Same
from ledgerbridge.store.observed import Body, Known, Mark, NewLive, Row, State, Touch, Writes
from ledgerbridge.store.quarantine import QuarantineState
from ledgerbridge.store.runs import StepCounts

from .columns import NOTHING, Columns
from .decode import TOGETHER_MIN, Accepted, Decode, Decoded, LeftOut, decoded_together
from .storable import all_storable, as_unreadable, unstorable

OLDER: Final = "older than what is stored"
SET_ASIDE: Final = "set aside in quarantine by a person"
_LIVE: Final = State.LIVE.value


@dataclass(frozen=True, slots=True)
class Scope:
    """One stream in one run, at one moment.

    `anew`: map also what has not changed, because the mapping has. `keep_flaws`: what is judged is the last good copy, so a
    flaw of a later reading is neither lifted nor is the later text in quarantine replaced.
    """

    system: str
    kind: Kind
    run_id: str
    now_us: int
    decode: Decode
    anew: bool = False
    keep_flaws: bool = False
    settled_as: QuarantineState = QuarantineState.RESOLVED


class _Sight(NamedTuple):
    """A record with writes that wait for the flush, and how another sight of the very same is to be counted."""

    raw: Raw
    again: Bucket
    currency: str
    minor: int
    reason: str | None


class Judge:
    """Judges records one after another and writes in bulk. Call :meth:`close` before the transaction ends."""

    def __init__(self, tx: Tx, scope: Scope, counts: StepCounts) -> None:
        self._tx = tx
        self._scope = scope
        self._counts = counts
        self._kind = str(scope.kind)
        self._known: dict[str, Known] = {}
        self._waiting: dict[str, _Sight] = {}
        self._writes = Writes()
        self._well: list[str] = []

    def take(self, records: Sequence[Raw], unreadable: Sequence[Unreadable] = ()) -> None:
        """Judge what one or more pages held, in order. Every item is counted in exactly one bucket."""
        for item in unreadable:
            self._unreadable(item)
        storable = records if all_storable(records) else [raw for raw in records if self._storable(raw)]
        self._known = observed.known(
            self._tx, self._scope.system, self._scope.kind, {raw.external_id for raw in storable}
        )
        known_of, anew = self._known.get, self._scope.anew
        others: list[Raw] = []
        same: dict[str, list[int]] = {}
        for raw in storable:
            known = known_of(raw.external_id)
            if (
                known is not None
                and known.raw_hash == raw.digest
                and known.state == _LIVE
                and not (known.flawed or raw.deleted or anew)
                and (raw.order is None or (known.version_order is not None and raw.order <= known.version_order))
                and raw.external_id not in self._waiting
            ):
                sums = same.get(known.currency)
                if sums is None:
                    sums = same[known.currency] = [0, 0]
                sums[0] += 1
                sums[1] += known.amount_minor
            else:
                others.append(raw)
        for currency, (records_same, minor) in same.items():
            self._count(Bucket.SAME, currency, minor, records=records_same)
        if others:
            self._differing(others)

    def close(self) -> None:
        """Write what waits."""
        scope = self._scope
        observed.write(self._tx, scope.system, scope.kind, self._writes, now_us=scope.now_us, run_id=scope.run_id)
        why = f"well again in run {scope.run_id}"
        quarantine.settle(self._tx, scope.system, scope.kind, self._well, scope.settled_as, why, scope.now_us)
        self._writes, self._waiting, self._well = Writes(), {}, []

    def _differing(self, records: Sequence[Raw]) -> None:
        """Records that are not as stored: those of one wire type are mapped together, and new ones judged together as well."""
        scope, met = self._scope, set(self._waiting)
        new: dict[str, list[Raw]] = {}
        changed: dict[str, list[int]] = {}
        rest: list[Raw] = []
        for raw in records:
            known = self._known.get(raw.external_id)
            first = raw.external_id not in met and raw.kind is scope.kind and not raw.deleted
            met.add(raw.external_id)
            if first and known is None:
                new.setdefault(raw.wire_type, []).append(raw)
                continue
            if first and known is not None and not _is_older(raw, known):
                changed.setdefault(raw.wire_type, []).append(len(rest))
            rest.append(raw)
        for raws in new.values():
            self._new(raws)
        decoded: dict[int, Decoded] = {}
        for places in changed.values():
            if len(places) >= TOGETHER_MIN:
                found = decoded_together(scope.decode, scope.kind, [rest[at] for at in places])
                decoded |= zip(places, found.each(), strict=True)
        for at, raw in enumerate(rest):
            self._met(raw, self._known.get(raw.external_id), decoded.get(at))

    def _new(self, raws: Sequence[Raw]) -> None:
        """Records of one wire type of which nothing is known; no id twice."""
        scope = self._scope
        found = decoded_together(scope.decode, scope.kind, raws)
        for at, decoded in found.others.items():
            self._mapped(raws[at], None, decoded)
        if not found.at:
            return
        clean = raws if len(found.at) == len(raws) else [raws[at] for at in found.at]
        columns = dict(zip(Columns._fields, found.columns, strict=True))
        bodies = {"raw": [raw.body for raw in clean], "canonical": found.canonical}
        self._writes.columns.append(NewLive(len(clean), self._rows(clean, found.canonical, columns), bodies))
        currencies, minors = columns["currency"], columns["amount_minor"]
        for currency in set(currencies):
            minor = sum(compress(minors, map(currency.__eq__, currencies)))
            records = currencies.count(currency)
            self._count(Bucket.NEW, currency, minor, records=records)
            self._effect(Bucket.NEW, currency, records, minor)
        sights = zip(clean, repeat(Bucket.SAME), currencies, minors, repeat(None))
        self._waiting.update(zip([raw.external_id for raw in clean], map(_Sight._make, sights), strict=True))

    def _rows(
        self, raws: Sequence[Raw], canonical: Sequence[bytes], columns: Mapping[str, Sequence[Any]]
    ) -> dict[str, Sequence[Any] | Same]:
        """The columns of live copies of records of one wire type."""
        scope, now_us = self._scope, Same(self._scope.now_us)
        return {
            "system": Same(scope.system),
            "kind": Same(self._kind),
            "external_id": [raw.external_id for raw in raws],
            "wire_type": Same(raws[0].wire_type),
            "state": Same(_LIVE),
            "flawed": Same(False),
            "reason": Same(None),
            "raw_hash": [raw.digest for raw in raws],
            "canonical_hash": list(map(digest_of, canonical)),
            "version_order": [raw.order for raw in raws],
            "modified_us": [None if raw.modified_at is None else to_us(raw.modified_at) for raw in raws],
            **columns,
            "notices": Same(0),
            "first_seen_us": now_us,
            "changed_us": now_us,
            "changed_run": Same(scope.run_id),
        }

    def _met(self, raw: Raw, known: Known | None, decoded: Decoded | None) -> None:
        seen = self._waiting.get(raw.external_id)
        if seen is not None:
            if (seen.raw.digest, seen.raw.deleted, seen.raw.order) == (raw.digest, raw.deleted, raw.order):
                self._count(seen.again, seen.currency, seen.minor, reason=seen.reason)
                return
            stored = {*self._waiting, raw.external_id}
            self.close()  # the same record with another content: the first must be stored before the second is judged
            self._known.update(observed.known(self._tx, self._scope.system, self._scope.kind, stored))
            known = self._known.get(raw.external_id)
        if raw.kind is not self._scope.kind:
            self._unreadable(
                as_unreadable(raw, self._scope.kind, f"a record of kind {raw.kind} in a stream of {self._scope.kind}")
            )
        elif known is not None and _is_older(raw, known):
            self._count(Bucket.FILTERED, reason=OLDER)
        elif raw.deleted:
            self._gone(raw, known)
        elif known is None or known.raw_hash != raw.digest or known.flawed or self._scope.anew or not _in_use(known):
            self._mapped(raw, known, decoded or self._scope.decode(raw))
        else:  # nothing new but, perhaps, a later version of the same text
            live = known.state == _LIVE
            bucket, reason = (Bucket.SAME, None) if live else (Bucket.FILTERED, known.reason or "")
            self._count(bucket, known.currency, known.amount_minor, reason=reason)
            if _order(raw, known) != known.version_order:
                self._touch(raw, known, flawed=False, body=None)
                self._wait(raw, bucket, known.currency, known.amount_minor, reason)

    def _mapped(self, raw: Raw, known: Known | None, decoded: Decoded) -> None:
        if isinstance(decoded, Accepted):
            self._accepted(raw, known, decoded)
        elif isinstance(decoded, LeftOut):
            self._left_out(raw, known, decoded.reason)
        else:
            self._rejected(raw, known, decoded.problems)

    def _accepted(self, raw: Raw, known: Known | None, found: Accepted) -> None:
        canonical_hash = digest_of(found.canonical)
        columns = found.columns
        currency, minor = columns.currency, columns.amount_minor
        notices = len(found.notices)
        body = Body(raw.body, found.canonical, _notices_json(found.notices) if notices else None)
        flawed = known is not None and self._still_flawed(known)
        if known is not None and known.state == _LIVE and known.canonical_hash == canonical_hash:
            if known.raw_hash != raw.digest or known.flawed or notices or known.notices:
                self._touch(raw, known, flawed=flawed, body=body, notices=notices)
            self._count(Bucket.SAME, currency, minor)
        else:
            row = self._row(raw, known, _LIVE, columns, canonical_hash, None, flawed, notices)
            self._put(known, row, body)
            was_live = known is not None and known.state == _LIVE
            bucket = Bucket.CHANGED if was_live else Bucket.NEW
            self._count(bucket, currency, minor)
            if known is not None and was_live:
                self._effect(bucket, known.currency, -1, -known.amount_minor)
            self._effect(bucket, currency, 1, minor)
        self._wait(raw, Bucket.SAME, currency, minor)

    def _left_out(self, raw: Raw, known: Known | None, reason: str) -> None:
        flawed = self._still_flawed(known)
        if known is not None and known.state == State.FILTERED and known.reason == reason:
            if known.raw_hash != raw.digest or known.flawed:
                self._touch(raw, known, flawed=flawed, body=Body(raw.body, None, None))
        else:
            row = self._row(raw, known, State.FILTERED.value, NOTHING, None, reason, flawed)
            self._put(known, row, Body(raw.body, None, None))
            if known is not None and known.state == _LIVE:
                self._effect(Bucket.FILTERED, known.currency, -1, -known.amount_minor)
        self._count(Bucket.FILTERED, reason=reason)
        self._wait(raw, Bucket.FILTERED, reason=reason)

    def _still_flawed(self, known: Known | None) -> bool:
        """Whether a good copy stays flagged; if not, its entry in quarantine is closed at the flush."""
        if known is None or not known.flawed:
            return False
        if not self._scope.keep_flaws:
            self._well.append(known.external_id)
        return self._scope.keep_flaws

    def _rejected(self, raw: Raw, known: Known | None, problems: Sequence[Problem]) -> None:
        """Into quarantine; the last good copy, if there is one, stays and is flagged."""
        if known is not None and known.flawed and self._scope.keep_flaws:
            self._count(Bucket.QUARANTINED)
            return
        if known is None:
            self._put(None, self._row(raw, None, State.QUARANTINED.value, NOTHING, None, None, True), None)
        elif not known.flawed or _order(raw, known) != known.version_order:
            self._touch(raw, known, flawed=True, body=None, keep_hash=known.state != State.QUARANTINED)
        bucket, reason = self._sighted(raw, problems)
        self._wait(raw, bucket, reason=reason)

    def _gone(self, raw: Raw, known: Known | None) -> None:
        if known is None:  # remembered, so that an older form which arrives later does not revive it
            self._put(None, self._row(raw, None, State.DELETED.value, NOTHING), None)
            self._count(Bucket.DELETED)
            self._wait(raw, Bucket.DELETED)
            return
        order = _order(raw, known)
        if known.state != State.DELETED:
            scope = self._scope
            mark = Mark(known.id, str(State.DELETED), None, order, False, scope.now_us, scope.run_id)
            self._writes.marks.append(mark)
            if known.state == _LIVE:
                self._effect(Bucket.DELETED, known.currency, -1, -known.amount_minor)
        elif order != known.version_order or known.flawed:
            self._touch(raw, known, flawed=False, body=None, keep_hash=True)
        if known.flawed:
            self._well.append(raw.external_id)
        self._count(Bucket.DELETED, known.currency, known.amount_minor)
        self._wait(raw, Bucket.DELETED, known.currency, known.amount_minor)

    def _unreadable(self, item: Unreadable) -> None:
        problem = Problem(field="record", wire=item.where[:200], value="", rule="page", why=item.why)
        self._sighted(item, (problem,))

    def _sighted(self, found: Raw | Unreadable, problems: Sequence[Problem]) -> tuple[Bucket, str | None]:
        scope = self._scope
        digest = found.digest if isinstance(found, Raw) else digest_of(found.body)
        set_aside = quarantine.is_discarded(self._tx, quarantine.id_of(scope.system, found.kind, found), digest)
        quarantine.sight(self._tx, scope.system, found, problems, now_us=scope.now_us, run_id=scope.run_id)
        bucket, reason = (Bucket.FILTERED, SET_ASIDE) if set_aside else (Bucket.QUARANTINED, None)
        self._count(bucket, reason=reason)
        return bucket, reason

    def _storable(self, raw: Raw) -> bool:
        why = unstorable(raw)
        if why is not None:
            self._unreadable(as_unreadable(raw, self._scope.kind, why))
        return why is None

    def _row(
        self,
        raw: Raw,
        known: Known | None,
        state: str,
        columns: Columns,
        canonical_hash: bytes | None = None,
        reason: str | None = None,
        flawed: bool = False,
        notices: int = 0,
    ) -> Row:
        """Made in one go from a tuple, which costs a third of naming every part: every new record comes here."""
        scope, now_us, modified = self._scope, self._scope.now_us, raw.modified_at
        order = raw.order if known is None else _order(raw, known)
        return Row._make(
            (
                *(scope.system, self._kind, raw.external_id, raw.wire_type, state, flawed, reason, raw.digest),
                *(canonical_hash, order, None if modified is None else to_us(modified)),
                *columns,
                *(notices, now_us, now_us, scope.run_id),
            )
        )

    def _put(self, known: Known | None, row: Row, body: Body | None) -> None:
        if known is None:
            self._writes.inserts.append((row, body))
        else:
            self._writes.replaced.append((known.id, row, body or Body(None, None, None)))

    def _touch(
        self,
        raw: Raw,
        known: Known,
        *,
        flawed: bool,
        body: Body | None,
        notices: int | None = None,
        keep_hash: bool = False,
    ) -> None:
        touch = Touch(
            known.id,
            known.raw_hash if keep_hash else raw.digest,
            _order(raw, known),
            None if raw.modified_at is None else to_us(raw.modified_at),
            flawed,
            known.notices if notices is None else notices,
        )
        self._writes.touches.append((touch, body))

    def _wait(self, raw: Raw, again: Bucket, currency: str = "", minor: int = 0, reason: str | None = None) -> None:
        self._waiting[raw.external_id] = _Sight(raw, again, currency, minor, reason)

    def _count(
        self, bucket: Bucket, currency: str = "", minor: int = 0, *, records: int = 1, reason: str | None = None
    ) -> None:
        tallies, key = self._counts.tallies, (bucket, currency)
        before = tallies.get(key, (0, 0))
        tallies[key] = (before[0] + records, before[1] + minor)
        if reason is not None:
            self._counts.reasons[reason] = self._counts.reasons.get(reason, 0) + records

    def _effect(self, bucket: Bucket, currency: str, records: int, minor: int) -> None:
        effects, key = self._counts.effects, (bucket, currency)
        before = effects.get(key, (0, 0))
        effects[key] = (before[0] + records, before[1] + minor)


def _in_use(known: Known) -> bool:
    return known.state in {State.LIVE, State.FILTERED}


def _is_older(raw: Raw, known: Known) -> bool:
    return raw.order is not None and known.version_order is not None and raw.order < known.version_order


def _order(raw: Raw, known: Known) -> int | None:
    """The highest version seen of the record."""
    if raw.order is None:
        return known.version_order
    return raw.order if known.version_order is None else max(raw.order, known.version_order)


def _notices_json(notices: Collection[Problem]) -> str | None:
    return json.dumps([notice.model_dump() for notice in notices], ensure_ascii=False) if notices else None
