"""A far side in memory with mappings of its own, a store with links, and operations as the queue hands them over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ledgerbridge.connectors.base import Capabilities
from ledgerbridge.mapping.apply import Context
from ledgerbridge.mapping.load import load_mapping
from ledgerbridge.model.base import Kind, Ref, Version
from ledgerbridge.model.change import Action, Change, FieldChange
from ledgerbridge.model.operation import Intent, Operation, OpState
from ledgerbridge.model.plan import REFERENCE, PlanHead, Planned, PlanState
from ledgerbridge.queue.worker import Worker
from ledgerbridge.store import Store, audit, copies, links, operations, plans, runs, to_us
from ledgerbridge.sync.applying import Applied, approve, carry_out
from ledgerbridge.sync.carrying import SystemCarrier, WriteMaps
from ledgerbridge.sync.mapped import mapped_by
from ledgerbridge.sync.walk import walk
from ledgerbridge.testing.fakes import FAKE_CAPABILITIES, FakeClock, FakeConnector

SYSTEM = "crm"
CUSTOMER = load_mapping(
    """
name: fake/customer
revision: 1
connector: fake
kind: customer
wire_type: fake_customer
fields:
  code: {wire: code, write: create}
  name: {wire: name, required: true}
  phone: {wire: phone, args: {write_as: national}}
  industry: {wire: industry, write: never}
  status: {wire: state, values: {"1": active, "0": disabled}, default: active}
  remark: memo
""",
    "customer.yaml",
)
INVOICE = load_mapping(
    """
name: fake/invoice
revision: 1
connector: fake
kind: invoice
wire_type: fake_invoice
fields:
  number: {wire: no, required: true, write: create}
  customer.external_id: {wire: buyer, required: true}
  customer.code: {wire: buyer_code, write: create}
  issued_on: {wire: day, required: true}
  currency: {wire: cur, required: true}
  total_minor: {wire: total, required: true}
  status: {wire: state, values: {"1": approved, "0": draft, "9": void}, default: approved}
  remark: memo
""",
    "invoice.yaml",
)
PAYMENT = load_mapping(
    """
name: fake/payment
revision: 1
connector: fake
kind: payment
wire_type: fake_payment
fields:
  number: {wire: no, required: true, write: create}
  part: {wire: part, write: never}
  customer.external_id: {wire: payer, required: true}
  received_on: {wire: day, required: true}
  currency: {wire: cur, required: true}
  amount_minor: {wire: amount, required: true}
""",
    "payment.yaml",
)
SPECS = {Kind.CUSTOMER: CUSTOMER, Kind.INVOICE: INVOICE, Kind.PAYMENT: PAYMENT}
CONTEXT = Context(zone=ZoneInfo("Asia/Shanghai"), base_currency="CNY", options={})
VOIDING = replace(FAKE_CAPABILITIES, voids=frozenset(Kind))
BLIND = replace(VOIDING, conditional_update=frozenset())
"""A far side that does not look at versions."""


class Desk:
    """One far side and our books of it."""

    def __init__(self, store: Store, clock: FakeClock, *, capabilities: Capabilities = VOIDING) -> None:
        self.store = store
        self.clock = clock
        self.far = FakeConnector(SYSTEM, capabilities=capabilities, clock=clock)
        self.decodes = {kind: mapped_by([spec], CONTEXT) for kind, spec in SPECS.items()}
        self.agreed: list[tuple[int, bool]] = []
        self.carrier = SystemCarrier(
            SYSTEM,
            lambda: self.far,
            store,
            WriteMaps(SPECS, self.decodes, CONTEXT),
            capabilities,
            agree=lambda _tx, operation, found: self.agreed.append((operation.id, found.record is not None)),
        )
        self._runs = 0
        self._ops = 0
        self._plans = 0

    def pull(self, kind: Kind) -> dict[str, int]:
        """Pull a stream; records by bucket."""
        self._runs += 1
        run_id = f"pull-{self._runs}"
        with self.store.writing() as tx:
            runs.begin(tx, run_id, "pull", to_us(self.clock.now()))
        done = walk(self.store, self.far, SYSTEM, kind, self.decodes[kind], run_id=run_id, limit=50)
        assert done.certificate.ties, done.certificate.faults
        return {str(tally.bucket): tally.records for tally in done.certificate.tallies}

    def entity(self, kind: Kind, seed: str, *, at: Ref | None = None) -> str:
        """A new entity that began in the ERP, linked to `at` as well if given."""
        now = self.clock.now()
        seed_ref = Ref(system="erp", kind=kind, external_id=seed)
        with self.store.writing(lock=links.LOCK) as tx:
            made = links.new_entity(tx, kind, seed_ref, now)
            links.bind(tx, seed_ref, made, at=now)
            if at is not None:
                links.bind(tx, at, made, at=now)
        return made

    def expected(self, ref: Ref) -> Version:
        with self.store.reading() as tx:
            copy = copies.get(tx, ref)
        assert copy is not None
        return copy.version()

    def linked(self, entity: str) -> list[str]:
        with self.store.reading() as tx:
            found = links.refs_of(tx, (entity,)).get(entity, [])
        return [one.external_id for one in found if one.system == SYSTEM]

    def plan(
        self, changes: Sequence[Change], *, state: PlanState = PlanState.PROPOSED, why: tuple[str, ...] = ()
    ) -> str:
        """Store a plan with its operations, as planning does; its id."""
        self._plans += 1
        plan_id, now = f"plan-{self._plans}", self.clock.now()
        head = PlanHead(plan_id=plan_id, flow="books", state=state, made_at=now, why_waiting=why)
        rows = [
            Planned(seq=seq, change=change, title=f"record {seq}", needs=change.needs)
            for seq, change in enumerate(changes, 1)
        ]
        intents = [Intent(change=row.change, order_key=row.change.entity, needs=row.needs) for row in rows]
        with self.store.writing(lock=plans.lock_of("books")) as tx:
            plans.add(tx, head, rows)
            operations.add(tx, plan_id, intents, OpState.PLANNED, now)
            audit.append(tx, actor="wang", action="plan made", subject=f"plan/{plan_id}", details={}, at=now)
        return plan_id

    def worker(self, *, stop: Callable[[], bool] = lambda: False) -> Worker:
        return Worker(self.store, {SYSTEM: self.carrier}, self.clock, stop=stop, seed=1)

    def apply(self, plan_id: str, *, actor: str = "li", **more: Any) -> Applied:
        """Approve and carry out."""
        approve(self.store, plan_id, actor=actor, unkeyed=self.unkeyed, **more)
        return carry_out(self.store, self.worker(), plan_id, wait_s=1000.0)

    def unkeyed(self, _system: str, kind: Kind) -> bool:
        return not self.carrier.terms(kind, Action.CREATE).unattended

    def operation(self, change: Change, **values: Any) -> Operation:
        self._ops += 1
        plain: dict[str, Any] = {
            "id": self._ops,
            "plan_id": "plan-1",
            "idem_key": change.key,
            "change": change,
            "state": OpState.SENT,
            "order_key": change.entity,
            "revision": 0,
            "fence": 1,
            "tries": 1,
            "looks": 0,
            "epoch": 0,
            "not_before": datetime(2026, 3, 2, tzinfo=UTC),
            "send_deadline": None,
            "foreign": None,
            "why": None,
        }
        return Operation(**{**plain, **values})


def a_change(action: Action, kind: Kind, entity: str, fields: Mapping[str, Any] | None = None, **more: Any) -> Change:
    made = tuple(
        FieldChange(path=path, before=(value if isinstance(value, tuple) else (None, value))[0],
                    after=(value if isinstance(value, tuple) else (None, value))[1], decided_by="erp")
        for path, value in (fields or {}).items()
    )  # fmt: skip
    return Change(action=action, system=SYSTEM, kind=kind, entity=entity, fields=made, because="a test", **more)


def an_invoice(number: str, buyer: str, **more: Any) -> dict[str, Any]:
    """The planned fields of a new invoice; `buyer` is the customer's entity."""
    return {
        "number": number,
        "customer": {"external_id": f"{REFERENCE}{buyer}"},
        "issued_on": "2026-02-28",
        "currency": "CNY",
        "total_minor": 113_00,
        "status": "approved",
        **more,
    }
