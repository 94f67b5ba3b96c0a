"""What people said of pairs, which pairs wait for them, and which links have lost their records.

A pair is kept once, the smaller record (by system, then id) first; see :func:`ledgerbridge.model.identity.ordered`.
"""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.identity import Evidence, Link, LinkDecision, LinkDoubt, LinkVerdict, RefPair, ordered

from . import bulk
from .tx import Tx, from_us, to_us

_PAIR: Final = "kind, left_system, left_id, right_system, right_id"
_OF_PAIR: Final = "kind = ? AND left_system = ? AND left_id = ? AND right_system = ? AND right_id = ?"
_PAGE: Final = 1_000


def decide(tx: Tx, decision: LinkDecision) -> None:
    """Keep what a person said; an earlier word on the same pair is replaced, and the pair waits no longer."""
    key = _key(decision.left, decision.right)
    bulk.run(tx, f"DELETE FROM link_decision WHERE {_OF_PAIR}", key)
    values = (*key, decision.verdict.value, decision.who, decision.why, to_us(decision.at))
    sql = f"INSERT INTO link_decision ({_PAIR}, verdict, who, why, at_us) VALUES ({', '.join('?' * 9)})"
    bulk.run(tx, sql, values)
    close_doubts(tx, [(decision.left, decision.right)])


def decision_on(tx: Tx, one: Ref, other: Ref) -> LinkDecision | None:
    """What a person said of two records."""
    sql = f"SELECT {_PAIR}, verdict, who, why, at_us FROM link_decision WHERE {_OF_PAIR}"
    rows = bulk.rows_of(tx, sql, _key(one, other))
    return _decision(rows[0]) if rows else None


def decisions(tx: Tx, kind: Kind, *, of: Collection[Ref] | None = None) -> list[LinkDecision]:
    """All decisions of a kind, by pair; `of`: only those that touch one of these records."""
    sql = f"SELECT {_PAIR}, verdict, who, why, at_us FROM link_decision WHERE kind = ? ORDER BY {_PAIR}"
    found = [_decision(row) for row in bulk.rows_of(tx, sql, (kind.value,))]
    if of is None:
        return found
    wanted = set(of)
    return [one for one in found if one.left in wanted or one.right in wanted]


def refused(tx: Tx, kind: Kind) -> frozenset[RefPair]:
    """The pairs of a kind that people told apart, each in its order."""
    return frozenset((one.left, one.right) for one in decisions(tx, kind) if one.verdict is LinkVerdict.REFUSE)


def raise_doubts(tx: Tx, doubts: Sequence[LinkDoubt]) -> None:
    """Let pairs wait for a person; one that waits already keeps the day it was first seen."""
    sql = f"""
        INSERT INTO link_doubt ({_PAIR}, score, reasons, rivals, evidence, first_seen_us, last_seen_us)
        VALUES ({", ".join("?" * 11)}) ON CONFLICT ({_PAIR}) DO UPDATE SET score = excluded.score,
        reasons = excluded.reasons, rivals = excluded.rivals, evidence = excluded.evidence,
        last_seen_us = excluded.last_seen_us
    """
    for doubt in doubts:
        rivals = [[rival.system, rival.external_id] for rival in doubt.rivals]
        evidence = [one.model_dump(exclude_defaults=True) for one in doubt.evidence]
        texts = (_json(list(doubt.reasons)), _json(rivals), _json(evidence))
        seen = (to_us(doubt.first_seen_at), to_us(doubt.last_seen_at))
        bulk.run(tx, sql, (*_key(doubt.left, doubt.right), doubt.score, *texts, *seen))


def close_doubts(tx: Tx, pairs: Collection[RefPair]) -> int:
    """Pairs wait no longer; how many did."""
    return sum(bulk.run(tx, f"DELETE FROM link_doubt WHERE {_OF_PAIR}", _key(*pair)) for pair in pairs)


def close_void_doubts(tx: Tx, kind: Kind) -> int:
    """Let go of doubts about records that are gone or are in one entity by now; how many."""
    gone = " OR ".join(
        f"NOT EXISTS (SELECT 1 FROM observed o WHERE o.system = d.{side}_system AND o.kind = d.kind "
        f"AND o.external_id = d.{side}_id AND o.state = 'live')"
        for side in ("left", "right")
    )
    sql = f"""
        DELETE FROM link_doubt AS d WHERE d.kind = ? AND ({gone} OR EXISTS (SELECT 1 FROM link a, link b
            WHERE a.system = d.left_system AND a.kind = d.kind AND a.external_id = d.left_id
            AND b.system = d.right_system AND b.kind = d.kind AND b.external_id = d.right_id
            AND a.entity_id = b.entity_id))
    """
    return bulk.run(tx, sql, (kind.value,))


def doubts(tx: Tx, kind: Kind | None = None, *, of: Ref | None = None, limit: int | None = None) -> list[LinkDoubt]:
    """Pairs that wait for a person, the likeliest first; `of`: only those of one record."""
    where, values = ["TRUE"], list[Any]()
    if kind is not None:
        where.append("kind = ?")
        values.append(kind.value)
    if of is not None:
        where.append("kind = ? AND ((left_system = ? AND left_id = ?) OR (right_system = ? AND right_id = ?))")
        values += [of.kind.value, *[of.system, of.external_id] * 2]
    sql = f"""
        SELECT {_PAIR}, score, reasons, rivals, evidence, first_seen_us, last_seen_us FROM link_doubt
        WHERE {" AND ".join(where)} ORDER BY kind, coalesce(score, 1000000) DESC, {_PAIR}
    """
    if limit is not None:
        sql += " LIMIT ?"
        values.append(limit)
    return [_doubt(row) for row in bulk.rows_of(tx, sql, values)]


def waiting(tx: Tx, kind: Kind) -> set[RefPair]:
    """The pairs of a kind that wait for a person."""
    return {_refs(row) for row in bulk.rows_of(tx, f"SELECT {_PAIR} FROM link_doubt WHERE kind = ?", (kind.value,))}


def doubted(tx: Tx, kind: Kind) -> set[tuple[str, str]]:
    """The records (system, external id) of a kind that wait for a person. None of them may be created elsewhere meanwhile."""
    sql = " UNION ".join(
        f"SELECT {side}_system, {side}_id FROM link_doubt WHERE kind = ?" for side in ("left", "right")
    )
    return {(row[0], row[1]) for row in bulk.rows_of(tx, sql, (kind.value, kind.value))}


def doubt_count(tx: Tx) -> dict[Kind, int]:
    """How many pairs wait, by kind; kinds without any are left out."""
    rows = bulk.rows_of(tx, "SELECT kind, count(*) FROM link_doubt GROUP BY kind ORDER BY kind", ())
    return {Kind(row[0]): int(row[1]) for row in rows}


class Head(NamedTuple):
    """A copy as people know it: its number or code, its customer's or its own name, its state."""

    number: str | None
    name: str | None
    state: str


def heads(tx: Tx, refs: Collection[Ref]) -> dict[Ref, Head]:
    """Many records as people know them, without their texts; those without a copy are left out."""
    found: dict[Ref, Head] = {}
    by_stream: dict[tuple[str, Kind], list[str]] = {}
    for ref in refs:
        by_stream.setdefault((ref.system, ref.kind), []).append(ref.external_id)
    for (system, kind), ids in by_stream.items():
        for at in range(0, len(ids), _PAGE):
            condition, parameter = bulk.among(tx, "external_id", ids[at : at + _PAGE])
            sql = f"SELECT external_id, number, party_name, state FROM observed WHERE {condition} AND system = ? AND kind = ?"
            for row in bulk.rows_of(tx, sql, (parameter, system, kind.value)):
                found[Ref(system=system, kind=kind, external_id=row[0])] = Head(row[1], row[2], row[3])
    return found


def link_of(tx: Tx, ref: Ref) -> Link | None:
    """A record's link with its reasons."""
    sql = """
        SELECT part, entity_id, rule, score, evidence, decided_by, at_us FROM link
        WHERE system = ? AND kind = ? AND external_id = ?
    """
    rows = bulk.rows_of(tx, sql, (ref.system, ref.kind.value, ref.external_id))
    if not rows:
        return None
    part, entity_id, rule, score, evidence, decided_by, at_us = rows[0]
    return Link(
        ref=ref,
        part=part,
        entity_id=entity_id,
        rule=rule,
        score=score,
        evidence=_evidence(evidence),
        decided_by=decided_by,
        at=from_us(at_us),
    )


@dataclass(frozen=True, slots=True)
class Orphan:
    """A linked record whose copy is gone. `others`: how many live records its entity has besides."""

    ref: Ref
    entity_id: str
    state: str
    others: int


def orphans(tx: Tx, kind: Kind | None = None) -> Iterator[Orphan]:
    """Links to records that are deleted, or of which there is no copy, by kind, system and id; a thousand at a time."""
    live = """
        SELECT count(*) FROM link m JOIN observed p
        ON p.system = m.system AND p.kind = m.kind AND p.external_id = m.external_id
        WHERE m.entity_id = l.entity_id AND p.state = 'live'
    """
    sql = f"""
        SELECT l.system, l.kind, l.external_id, l.entity_id, coalesce(o.state, 'missing'), ({live}) FROM link l
        LEFT JOIN observed o ON o.system = l.system AND o.kind = l.kind AND o.external_id = l.external_id
        WHERE l.kind = ? AND (o.state IS NULL OR o.state = 'deleted') AND (l.system > ? OR (l.system = ? AND l.external_id > ?))
        ORDER BY l.system, l.external_id LIMIT {_PAGE}
    """
    for one in (kind,) if kind is not None else (Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT):
        system = external_id = ""
        while rows := bulk.rows_of(tx, sql, (one.value, system, system, external_id)):
            for row in rows:
                yield Orphan(Ref(system=row[0], kind=Kind(row[1]), external_id=row[2]), row[3], row[4], int(row[5]))
            system, external_id = rows[-1][0], rows[-1][2]


def alone_counts(tx: Tx) -> dict[tuple[Kind, str], int]:
    """How many live records are the only live one of their entity, by kind and system."""
    sql = """
        SELECT kind, system, count(*) FROM (
            SELECT l.kind AS kind, min(l.system) AS system FROM link l JOIN observed o
            ON o.system = l.system AND o.kind = l.kind AND o.external_id = l.external_id AND o.state = 'live'
            GROUP BY l.kind, l.entity_id HAVING count(DISTINCT l.system) = 1
        ) AS alone GROUP BY kind, system ORDER BY kind, system
    """
    return {(Kind(row[0]), row[1]): int(row[2]) for row in bulk.rows_of(tx, sql, ())}


def _key(one: Ref, other: Ref) -> tuple[str, str, str, str, str]:
    left, right = ordered(one, other)
    return left.kind.value, left.system, left.external_id, right.system, right.external_id


def _refs(row: Sequence[Any]) -> RefPair:
    kind = Kind(row[0])
    left = Ref(system=row[1], kind=kind, external_id=row[2])
    return left, Ref(system=row[3], kind=kind, external_id=row[4])


def _decision(row: Sequence[Any]) -> LinkDecision:
    left, right = _refs(row)
    return LinkDecision(left=left, right=right, verdict=LinkVerdict(row[5]), who=row[6], why=row[7], at=_moment(row[8]))


def _doubt(row: Sequence[Any]) -> LinkDoubt:
    left, right = _refs(row)
    rivals = tuple(
        Ref(system=system, kind=left.kind, external_id=external_id) for system, external_id in json.loads(row[7])
    )
    return LinkDoubt(
        left=left,
        right=right,
        score=row[5],
        reasons=tuple(json.loads(row[6])),
        rivals=rivals,
        evidence=_evidence(row[8]),
        first_seen_at=_moment(row[9]),
        last_seen_at=_moment(row[10]),
    )


def _evidence(text: str | None) -> tuple[Evidence, ...]:
    return tuple(Evidence.model_validate(one) for one in json.loads(text)) if text else ()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _moment(value: int) -> datetime:
    return from_us(int(value))
