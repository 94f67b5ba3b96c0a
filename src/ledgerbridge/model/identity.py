"""Who is who, as it is stored and told: links between records and entities, people's decisions, pairs that wait for them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field

from .base import Frozen, Kind, Ref

MACHINE: Final = "machine"
"""Who decided a link that no person decided."""

EntityId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""The customer or document behind records of several systems; never changes, never comes again."""

LINKED_KINDS: Final = (Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT)
"""The kinds whose records have entities, customers first: documents are told apart by them."""


class LinkVerdict(StrEnum):
    """What a person said of a pair."""

    ACCEPT = "accept"
    REFUSE = "refuse"


class LinkRule(StrEnum):
    """Why a record belongs to its entity."""

    ALONE = "alone"  # the first record of its entity
    CREATED = "created"  # we created the record there from the entity
    ACCEPTED = "accepted"  # a person said so
    SPLIT = "split"  # a person took it out of another entity
    KEY = "key"  # an ERP code or a credit code in common, the names not contradicting
    NAME = "name"  # scored: names, telephones, addresses, …
    NUMBER = "number"  # the document number, unique on both sides
    NUMBER_AND_CONTENT = "number and content"  # the number repeats; customer, amount, currency and date tell which
    PART = "part"  # a further part of a payment whose other parts belong there


class Evidence(Frozen):
    """One thing that speaks for (above 0) or against a pair; `points` are hundredths of a bit."""

    part: str
    finding: str
    points: int = 0
    left: str = ""
    right: str = ""


class Link(Frozen):
    """A record and its entity. `score` is in hundredths of a bit, None where a key decided."""

    ref: Ref
    part: str = ""
    entity_id: str
    rule: str
    score: int | None = None
    evidence: tuple[Evidence, ...] = ()
    decided_by: str
    at: datetime


class LinkDecision(Frozen):
    """What a person said of two records of one kind; which one is `left` means nothing."""

    left: Ref
    right: Ref
    verdict: LinkVerdict
    who: str
    why: str
    at: datetime


class LinkDoubt(Frozen):
    """Two records of one kind that may be the same and wait for a person.

    `reasons` say why the machine did not decide, in the words of :mod:`ledgerbridge.reconciler.identity`; `rivals` are the
    records that either could be instead.
    """

    left: Ref
    right: Ref
    score: int | None = None
    reasons: tuple[str, ...]
    rivals: tuple[Ref, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    first_seen_at: datetime
    last_seen_at: datetime


RefPair: TypeAlias = tuple[Ref, Ref]


def ordered(one: Ref, other: Ref) -> RefPair:
    """The two in the order in which pairs are kept. ValueError if they are one record or of two kinds."""
    if one.kind is not other.kind:
        raise ValueError(f"{one} and {other} are of two kinds and can never be the same")
    if one == other:
        raise ValueError(f"{one} is one record, not two")
    first, second = sorted((one, other), key=lambda ref: (ref.system, ref.external_id))
    return first, second


def entity_id_of(system: str, kind: Kind | str, external_id: str, ordinal: int = 0) -> str:
    """The id of the entity that begins with this record: 32 hexadecimal characters, the same on every machine.

    `ordinal` counts up where the id is taken: the record began an entity before and was taken out of it.
    """
    text = "\x1f".join((system, str(kind), external_id, str(ordinal)))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def plain_evidence(evidence: tuple[Evidence, ...]) -> list[dict[str, Any]]:
    """Evidence as JSON values, what is empty left out."""
    return [one.model_dump(exclude_defaults=True) for one in evidence]
