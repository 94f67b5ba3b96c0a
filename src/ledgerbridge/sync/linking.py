"""Who is who, kept up to date: every live record has an entity, records that are surely the same share one.

Only records that are new, or that say something new, are matched, against what exists; links that stand are never taken
apart by the machine, except that a deleted record makes room for the one that took its place. Deterministic: the same
records, decisions and order of arrival give the same entities on both engines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ledgerbridge import log
from ledgerbridge.clock import Clock
from ledgerbridge.errors import StaleRecord
from ledgerbridge.model.base import Kind
from ledgerbridge.model.identity import LINKED_KINDS
from ledgerbridge.reconciler.identity import IdentityPolicy
from ledgerbridge.store import Store, identity, identity_work

from .linking_customers import link_customers
from .linking_documents import link_documents
from .linking_people import keep_accepted

_LOG = log.get(__name__)
_TRIES = 3


@dataclass(slots=True)
class KindLinked:
    """What one linking did with one kind of record."""

    kind: Kind
    new_entities: int = 0
    joined: int = 0
    """Records that came to share an entity with others."""
    doubts: int = 0
    """Pairs that wait for a person now, these and earlier ones."""
    too_common: int = 0
    """Document numbers that so many records bear that they say nothing."""


@dataclass(frozen=True, slots=True)
class LinkResult:
    """What one linking did. `systems`: those that took part, the leading one first."""

    systems: tuple[str, ...]
    kinds: tuple[KindLinked, ...] = field(default=())

    @property
    def doubts(self) -> int:
        """How many pairs wait for a person."""
        return sum(one.doubts for one in self.kinds)


def link_all(
    store: Store,
    order: Sequence[str],
    clock: Clock,
    *,
    also: Sequence[str] = (),
    policy: IdentityPolicy | None = None,
    kinds: Sequence[Kind] = LINKED_KINDS,
    stop: Callable[[], bool] | None = None,
) -> LinkResult:
    """Link what is new. `order`: the systems, the leading one first; which of them take part: see :func:`taking_part`.

    Done in steps, each of which is whole by itself: after a stop or a crash the next linking goes on. Two linkings at once do
    not disturb each other. StaleRecord if people and other writers changed links faster than they could be read, three times.
    """
    with store.reading() as tx:
        systems = taking_part(order, identity_work.systems_with_customers(tx), also)
    done = []
    for kind in LINKED_KINDS:
        if kind not in kinds or not systems or (stop is not None and stop()):
            continue
        keep_accepted(store, kind, clock)
        if kind is Kind.CUSTOMER:
            one = _customers(store, systems, clock, policy or IdentityPolicy())
        else:
            made = link_documents(store, kind, systems, clock, stop=stop)
            one = KindLinked(kind, made.new_entities, made.joined, too_common=made.too_common)
        with store.reading() as tx:
            one.doubts = identity.doubt_count(tx).get(kind, 0)
        if one.new_entities or one.joined:
            _LOG.info("records linked", kind=kind, new=one.new_entities, matched=one.joined, conflicts=one.doubts)
        done.append(one)
    return LinkResult(systems, tuple(done))


def taking_part(order: Sequence[str], with_customers: Sequence[str], also: Sequence[str] = ()) -> tuple[str, ...]:
    """The systems whose records are linked: those of `order` that hold customers or stand in `also`, then the others, by name.

    A system without customers (a bank's statement, say) is only observed: its rows are evidence of payments, found by
    reference, payer and amount when cash is applied. Its numbers are the bank's own, and to link by them would be a guess.
    """
    held = {*with_customers, *also}
    named = [system for system in dict.fromkeys(order) if system in held]
    return (*named, *sorted(held.difference(named)))


def _customers(store: Store, systems: Sequence[str], clock: Clock, policy: IdentityPolicy) -> KindLinked:
    for attempt in range(_TRIES):
        try:
            made = link_customers(store, systems, clock, policy)
        except StaleRecord:
            if attempt == _TRIES - 1:
                raise
        else:
            return KindLinked(Kind.CUSTOMER, made.new_entities, made.joined)
    raise AssertionError("unreachable")
