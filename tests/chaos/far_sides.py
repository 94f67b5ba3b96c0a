"""Far sides in memory with real mappings, a store, and rounds of all flows between them: a whole company in one thread."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from ledgerbridge.connectors.base import Outcome, Write
from ledgerbridge.mapping.apply import Context
from ledgerbridge.mapping.load import load_mapping
from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.flow import Caps, Direction, Flow, VoidRule
from ledgerbridge.model.raw import Raw
from ledgerbridge.model.wirejson import WireValue
from ledgerbridge.queue.worker import Worker
from ledgerbridge.reconciler.planning import FlowRules
from ledgerbridge.store import Store
from ledgerbridge.sync.applying import approve
from ledgerbridge.sync.carrying import AgreedValues, SystemCarrier, WriteMaps
from ledgerbridge.sync.flowrules import SideMaps, flow_rules
from ledgerbridge.sync.linking import LinkResult, link_all
from ledgerbridge.sync.mapped import mapped_by
from ledgerbridge.sync.pull import Source, StreamOrder
from ledgerbridge.sync.syncing import SyncResult, Tools, kinds_to_read, sync_all
from ledgerbridge.testing.fakes import FAKE_CAPABILITIES, FakeClock, FakeConnector

LEAD: Final = "erp"
KINDS: Final = (Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT)
CONTEXT: Final = Context(zone=ZoneInfo("Asia/Shanghai"), base_currency="CNY", options={})
VOIDING: Final = replace(FAKE_CAPABILITIES, voids=frozenset({Kind.INVOICE, Kind.PAYMENT}))
NO_CAPS: Final = Caps(creates_max=None, updates_max=None, voids_max=None, percent_max=None)
_HEAD: Final = "name: fake/{kind}\nrevision: 1\nconnector: fake\nkind: {kind}\nwire_type: fake_{kind}\nfields:\n"
_CUSTOMER: Final = """
  code: {wire: code, write: create}
  name: {wire: name, required: true}
  credit_days: days
  phone: {wire: phone, args: {write_as: national}}
  email: mail
  sales_owner: seller
  remark: memo
  status: {wire: state, values: {"1": active, "0": disabled}, default: active}
  contacts[]:
    wire: people
    fields:
      name: name
      mobile: {wire: mobile, args: {write_as: national}}
"""
_INVOICE: Final = """
  number: {wire: no, required: true, write: create}
  customer.external_id: {wire: buyer, required: true}
  issued_on: {wire: day, required: true}
  due_on: due
  currency: {wire: cur, required: true}
  total_minor: {wire: total, required: true}
  remark: memo
  status: {wire: state, values: {"1": approved, "0": draft, "9": void}, default: approved}
"""
_PAYMENT: Final = """
  number: {wire: no, required: true, write: create}
  customer.external_id: {wire: payer, required: true}
  received_on: {wire: day, required: true}
  currency: {wire: cur, required: true}
  amount_minor: {wire: amount, required: true}
  remittance_text: memo
  status: {wire: state, values: {"1": approved, "0": draft, "9": void}, default: approved}
"""
SPECS: Final = {
    kind: load_mapping(_HEAD.format(kind=kind.value) + text.lstrip("\n"), f"{kind.value}.yaml")
    for kind, text in ((Kind.CUSTOMER, _CUSTOMER), (Kind.INVOICE, _INVOICE), (Kind.PAYMENT, _PAYMENT))
}
DECODES: Final = {kind: mapped_by([spec], CONTEXT) for kind, spec in SPECS.items()}


EMPTY: Final[Mapping[Kind, Mapping[str, Any]]] = {
    Kind.CUSTOMER: {"days": "", "phone": "", "mail": "", "seller": "", "memo": "", "people": []},
    Kind.INVOICE: {"due": "", "memo": ""},
    Kind.PAYMENT: {"memo": ""},
}
"""What a record says of the fields that nobody has filled: that they are empty."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """One write of ours as the far side took it: the record before (None: it was made) and after; `at` is their order."""

    at: int
    system: str
    kind: Kind
    action: Action
    external_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person made of a record; `at` counts with our writes."""

    at: int
    system: str
    kind: Kind
    after: Mapping[str, Any]


class FarSide(FakeConnector):
    """A far side that lists every write that changed it and what people typed, also while a round is under way."""

    def __init__(self, system: str, clock: FakeClock, order: Iterator[int] | None = None) -> None:
        super().__init__(system, capabilities=VOIDING, clock=clock)
        self.pushed: list[Pushed] = []
        self.typed: list[Typed] = []
        self.order = itertools.count() if order is None else order
        self.meanwhile: Callable[[], None] | None = None
        self._pushing: Change | None = None

    def bodies(self, kind: Kind) -> dict[str, dict[str, Any]]:
        """Wire bodies by id."""
        return {raw.external_id: dict(raw.payload()) for raw in self.records(kind)}

    def put(self, kind: Kind, external_id: str, body: Mapping[str, WireValue] | bytes, **more: Any) -> Raw:
        """As the fake does, with all fields said."""
        assert not isinstance(body, bytes)
        held = self._held.get((kind, external_id))
        before = dict(held.raw.payload()) if held is not None and not held.raw.deleted else None
        after = {**EMPTY[kind], **body}
        if self._pushing is not None and self._pushing.action is Action.VOID:
            after["state"] = "9"  # a void carries no fields: each vendor has its own way
        if self._pushing is None:
            self.typed.append(Typed(next(self.order), self.system, kind, after))
        elif before != after:
            action = self._pushing.action
            self.pushed.append(Pushed(next(self.order), self.system, kind, action, external_id, before, after))
        return super().put(kind, external_id, after, **more)

    def heal(self) -> None:
        """Forget the faults that have not happened."""
        with self._lock:
            self._faults.clear()

    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        """As the fake does; people may be quicker by a moment."""
        if self.meanwhile is not None:
            self.meanwhile()
        outcomes = []
        for write in writes:
            self._pushing = write.change
            outcomes.append(self._push_one(write))
            self._pushing = None
        return tuple(outcomes)


def flows_between(followers: Sequence[str]) -> dict[str, Flow]:
    """Customers two-way, invoices and payments from the ERP, for each of the following systems."""
    found: dict[str, Flow] = {}
    for right in followers:
        common: dict[str, Any] = {
            "left": LEAD,
            "right": right,
            "unattended": True,
            "caps": NO_CAPS,
            "writes_max": 10_000,
        }
        customers = Flow(kind=Kind.CUSTOMER, direction=Direction.TWO_WAY, create_left=True, **common)
        found[f"customers_{right}"] = customers
        found[f"invoices_{right}"] = Flow(kind=Kind.INVOICE, void=VoidRule.VOID, **common)
        found[f"payments_{right}"] = Flow(kind=Kind.PAYMENT, void=VoidRule.VOID, **common)
    return dict(sorted(found.items(), key=lambda item: KINDS.index(item[1].kind)))


class Town:
    """An ERP, one or more CRMs, the flows between them, and our books of it all."""

    def __init__(self, store: Store, clock: FakeClock, followers: Sequence[str] = ("crm",)) -> None:
        self.store, self.clock = store, clock
        self.systems = (LEAD, *followers)
        order = itertools.count()
        self.sides = {system: FarSide(system, clock, order) for system in self.systems}
        self.rules: dict[str, FlowRules] = {
            name: flow_rules(name, flow, *(_maps(system, flow.kind) for system in (flow.left, flow.right)))
            for name, flow in flows_between(followers).items()
        }
        self.rounds = 0

    def round(self, flows: Sequence[str] | None = None) -> SyncResult:
        """One round of the flows; first plans are approved by a person and carried on."""
        self.rounds += 1
        self.clock.advance(60)
        rules = [self.rules[name] for name in flows or self.rules]
        return sync_all(self.store, self._sources(rules), rules, self._tools(), run_id=f"sync-{self.rounds:06}")

    def begin(self, name: str) -> SyncResult:
        """Run a flow for the first time: its first plan is approved by a person, the next round carries it on."""
        [one] = self.round([name]).flows
        if one.head is not None and one.head.why_waiting:
            approve(self.store, one.head.plan_id, actor="li", unkeyed=_never)
        return self.round([name])

    def writes(self) -> int:
        """How many writes any far side was ever asked for."""
        return sum(len(side.writes) for side in self.sides.values())

    def _sources(self, rules: Sequence[FlowRules]) -> list[Source]:
        return [
            Source(system, lambda system=system: self.sides[system], tuple(_order(kind) for kind in kinds))  # type: ignore[misc]
            for system, kinds in kinds_to_read(rules).items()
        ]

    def _tools(self) -> Tools:
        def link(_stop: Callable[[], bool]) -> LinkResult:
            return link_all(self.store, self.systems, self.clock)

        @contextmanager
        def worker(stop: Callable[[], bool]) -> Iterator[Worker]:
            with ExitStack() as closing:
                carriers = {system: closing.enter_context(self._carrier(system)) for system in self.systems}
                yield Worker(self.store, carriers, self.clock, stop=stop, seed=1)

        return Tools(link, worker, _never, "here", wait_s=4000.0)

    def _carrier(self, system: str) -> SystemCarrier:
        agree = AgreedValues(lambda name: self.rules[name])
        maps = WriteMaps(SPECS, DECODES, CONTEXT)
        return SystemCarrier(system, lambda: self.sides[system], self.store, maps, VOIDING, agree=agree)


def _order(kind: Kind) -> StreamOrder:
    return StreamOrder(kind, DECODES[kind])


def _maps(system: str, kind: Kind) -> SideMaps:
    return SideMaps(system, VOIDING, (SPECS[kind],), CONTEXT)


def _never(_system: str, _kind: Kind) -> bool:
    return False
