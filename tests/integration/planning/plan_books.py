"""Two or three systems' books without any far side: copies are put down, plans are carried out by hand on the copies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ledgerbridge.bootstrap import built_in_mapping
from ledgerbridge.connectors.base import Capabilities
from ledgerbridge.mapping.apply import Context, canonical_bytes
from ledgerbridge.mapping.canonical import MODELS, Record
from ledgerbridge.model.agreed import Base
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.flow import Flow
from ledgerbridge.model.invoice import Invoice
from ledgerbridge.model.operation import OpState
from ledgerbridge.model.party import PartyRef
from ledgerbridge.model.payment import Payment
from ledgerbridge.model.plan import PlanState
from ledgerbridge.model.raw import Raw, digest_of
from ledgerbridge.reconciler.planning import EXCEPTION, PERSON, FlowRules
from ledgerbridge.store import Store, Tx, agreed, copies, links, operations, plans, to_us
from ledgerbridge.store.runs import StepCounts
from ledgerbridge.store.tables import stream
from ledgerbridge.store.tables_operations import operation
from ledgerbridge.sync.carrying.agreeing import value_in
from ledgerbridge.sync.carrying.laying import entities_named, laid_over, with_targets
from ledgerbridge.sync.decode import Accepted, Decoded, DecodeWith
from ledgerbridge.sync.flowrules import SideMaps, flow_rules
from ledgerbridge.sync.judge import Judge, Scope
from ledgerbridge.sync.linking import link_all
from ledgerbridge.sync.planning import Made, make_plan
from ledgerbridge.testing.fakes import FakeClock

TYPES: Mapping[str, Mapping[Kind, tuple[str, str]]] = {
    "erp": {
        Kind.CUSTOMER: ("yonyou_u8", "customer"),
        Kind.INVOICE: ("yonyou_u8", "oughtreceive"),
        Kind.PAYMENT: ("yonyou_u8", "accept"),
    },
    "crm": {
        Kind.CUSTOMER: ("fxiaoke", "AccountObj"),
        Kind.INVOICE: ("fxiaoke", "receivable"),
        Kind.PAYMENT: ("fxiaoke", "PaymentObj"),
    },
    "zoho": {
        Kind.CUSTOMER: ("zoho_crm", "Accounts"),
        Kind.INVOICE: ("zoho_crm", "Invoices"),
        Kind.PAYMENT: ("zoho_crm", "Payments"),
    },
}
KINDS = frozenset({Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT})
CONTEXT = Context(ZoneInfo("Asia/Shanghai"), "CNY", {})


def customer(code: str, **more: Any) -> Customer:
    return Customer(**{"code": code, "name": f"{code}号精密机械有限公司", **more})


def invoice(number: str, party: str, minor: int = 10_000, **more: Any) -> Invoice:
    values = {
        "number": number,
        "customer": PartyRef(external_id=party),
        "issued_on": date(2026, 10, 1),
        "currency": "CNY",
        "total_minor": minor,
    }
    return Invoice(**{**values, **more})


def payment(number: str, party: str, minor: int = 10_000, **more: Any) -> Payment:
    values = {
        "number": number,
        "customer": PartyRef(external_id=party),
        "received_on": date(2026, 10, 5),
        "currency": "CNY",
        "amount_minor": minor,
    }
    return Payment(**{**values, **more})


def capabilities(system: str) -> Capabilities:
    types = TYPES[system]
    return Capabilities(
        reads=KINDS,
        writes=KINDS,
        wire_types={kind: (types[kind][1],) for kind in KINDS},
        write_types={kind: types[kind][1] for kind in KINDS},
        voids=frozenset() if system == "erp" else KINDS - {Kind.CUSTOMER},
    )


def maps_of(system: str, kind: Kind) -> SideMaps:
    connector, wire_type = TYPES[system][kind]
    spec = built_in_mapping(connector, f"{kind}.{wire_type}.yaml")
    assert spec is not None
    return SideMaps(system, capabilities(system), (spec,), CONTEXT)


def rules_of(name: str, flow: Flow) -> FlowRules:
    return flow_rules(name, flow, maps_of(flow.left, flow.kind), maps_of(flow.right, flow.kind))


def _as_sent(raw: Raw) -> Decoded:
    record: Record = MODELS[raw.kind].model_validate_json(raw.body)
    return Accepted(record, canonical_bytes(record), ())


DECODE = DecodeWith({types[kind][1]: _as_sent for types in TYPES.values() for kind in KINDS}, "as sent")


@dataclass(slots=True)
class Books:
    """A store whose copies say what the test says."""

    store: Store
    clock: FakeClock
    systems: tuple[str, ...] = ("erp", "crm", "zoho")
    made: int = 0
    flows: dict[str, Flow] = field(default_factory=dict)

    def ready(self, *without: tuple[str, Kind]) -> Books:
        """Mark all streams as read to their end."""
        with self.store.writing() as tx:
            for system in self.systems:
                for kind in sorted(KINDS - {gap for name, gap in without if name == system}):
                    row = {"system": system, "kind": kind.value, "full_walk": False, "complete_us": 1}
                    tx.connection.execute(stream.insert().values(**row))
        return self

    def put(
        self, system: str, external_id: str, record: Record, *, deleted: bool = False, at: datetime | None = None
    ) -> None:
        with self.store.writing() as tx:
            self._put(tx, system, external_id, record, deleted=deleted, at=at)

    def _put(
        self,
        tx: Tx,
        system: str,
        external_id: str,
        record: Record,
        *,
        deleted: bool = False,
        at: datetime | None = None,
    ) -> None:
        self.clock.advance(1)
        kind = next(kind for kind, model in MODELS.items() if type(record) is model)
        body = canonical_bytes(record)
        raw = Raw(
            kind,
            TYPES[system][kind][1],
            external_id,
            b"{}" if deleted else body,
            digest_of(body),
            self.clock.now(),
            None,
            at or self.clock.now(),
            deleted,
        )
        judge = Judge(tx, Scope(system, kind, "run", to_us(self.clock.now()), DECODE), StepCounts())
        judge.take((raw,))
        judge.close()

    def get(self, system: str, kind: Kind, external_id: str) -> Any:
        with self.store.reading() as tx:
            copy = copies.get(tx, Ref(system=system, kind=kind, external_id=external_id))
        assert copy is not None
        return copy.record()

    def link(self) -> None:
        link_all(self.store, self.systems, self.clock)

    def entity(self, system: str, kind: Kind, external_id: str) -> str:
        with self.store.reading() as tx:
            found = links.entity_of(tx, Ref(system=system, kind=kind, external_id=external_id))
        assert found is not None
        return found

    def plan(self, name: str, flow: Flow) -> Made:
        """Link, then plan."""
        self.clock.advance(60)
        self.flows[name] = flow
        self.link()
        return make_plan(self.store, rules_of(name, flow), self.clock)

    def changes(self, made: Made) -> list[Change]:
        assert made.head is not None
        with self.store.reading() as tx:
            return [one.change for one in plans.every_row(tx, made.head.plan_id)]

    def held(self, made: Made) -> list[tuple[str, tuple[str, ...]]]:
        assert made.head is not None
        with self.store.reading() as tx:
            return [(one.reason.value, one.fields) for one in plans.held(tx, made.head.plan_id)]

    def carry_out(self, made: Made, lossy: Mapping[str, Any] | None = None) -> list[Change]:
        """Do what a plan says, on the copies. `lossy`: fields that a target keeps otherwise than it was told."""
        assert made.head is not None
        flow = self.flows[made.flow]
        done = self.changes(made)
        if not done:
            return done
        with self.store.writing() as tx:
            plans.set_state(tx, made.head.plan_id, PlanState.APPROVED, now_us=to_us(self.clock.now()))
            operations.release(tx, made.head.plan_id, "test", self.clock.now())
        for change in done:
            with self.store.writing() as tx:
                self._do(tx, change, flow, made.flow, lossy or {})
        with self.store.writing() as tx:
            plans.set_state(tx, made.head.plan_id, PlanState.DONE, now_us=to_us(self.clock.now()))
        return done

    def _do(self, tx: Tx, change: Change, flow: Flow, name: str, lossy: Mapping[str, Any]) -> None:
        target = change.target
        before: dict[str, Any] = {}
        if target is None:
            self.made += 1
            target = Ref(system=change.system, kind=change.kind, external_id=f"new-{self.made}")
        else:
            copy = copies.get(tx, target)
            assert copy is not None
            assert copy.canonical is not None
            assert change.expected is not None
            assert copy.raw_hash.hex() == change.expected.digest
            before = json.loads(copy.canonical)
        after = laid_over(before, change.fields)
        named = {
            entity: {"external_id": self._in(tx, change.system, entity).external_id} for entity in entities_named(after)
        }
        after = {**with_targets(after, named), **{path: value for path, value in lossy.items() if path in after}}
        if change.action is Action.VOID:
            after["status"] = "void"
        if change.part and change.action is Action.CREATE:
            after["part"] = target.external_id
        self._put(tx, target.system, target.external_id, MODELS[change.kind].model_validate_json(json.dumps(after)))
        if change.action is Action.CREATE:
            links.bind(tx, target, change.entity, at=self.clock.now(), part=target.external_id if change.part else "")
        state = OpState.VERIFIED.value
        query = operation.update().where(operation.c.idem_key == change.key)
        tx.connection.execute(query.values(state=state, updated_us=to_us(self.clock.now())))
        before_row = agreed.get(tx, name, change.entity)
        values = {}
        for one in change.fields:
            written = one.after if entities_named({"x": one.after}) else value_in(after, one.path)
            source = one.after
            by_conflict = one.decided_by.startswith(PERSON) and not change.because.startswith(EXCEPTION)
            if by_conflict and before_row is not None:
                base = before_row.bases()[one.path]
                source = base.left if change.system == flow.right else base.right
            pair = (source, written) if change.system == flow.right else (written, source)
            values[one.path] = Base(*pair)
        agreed.note_written(tx, name, change.entity, values, now_us=to_us(self.clock.now()))

    def _in(self, tx: Tx, system: str, entity: str) -> Ref:
        return next(one.ref for one in links.refs_of(tx, [entity])[entity] if one.system == system)
