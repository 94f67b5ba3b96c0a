"""Approved plans through queue and carrier to every vendor's emulator over real sockets, with answers lost on the way.

Afterwards the far side's books hold exactly what was planned, once, and the next pull finds nothing new.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledgerbridge.bootstrap import App, open_app
from ledgerbridge.cli.sandboxing import make_workspace
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action, Change, FieldChange
from ledgerbridge.model.operation import Intent, OpState
from ledgerbridge.model.plan import PlanHead, Planned, PlanState
from ledgerbridge.queue.worker import Worker
from ledgerbridge.sandbox.launch import Sandbox, start
from ledgerbridge.store import copies, links, operations, plans
from ledgerbridge.sync.applying import Applied, approve, carry_out
from ledgerbridge.sync.pull import pull_all

FASTER = 8
NAMES = {"yonyou_u8": "erp", "yonyou_bip": "bip", "fxiaoke": "crm", "zoho_crm": "zoho"}
MORE = {
    "yonyou_bip": 'ar_family = "efi"\norg_code = "ORG01"\nreceivable_bustype = "AR01"\ncollection_bustype = "COL01"\n'
    'exchange_rate_type = "01"\nquick_type_receivable = "1"\nquick_type_advance = "2"\nquick_type_fee = "3"\n',
    "zoho_crm": 'stand_in_product = "{product}"\nproduct_key_field = "ERP_Id"\n',
}
TABLES = {
    "yonyou_u8": {"customer", "oughtreceive", "accept"},
    "yonyou_bip": {"merchant", "efi_receivable", "efi_collection"},
    "fxiaoke": {"AccountObj", "ar_bill__c", "PaymentObj"},
    "zoho_crm": {"Accounts", "Invoices", "Payments"},
}


class HurriedClock:
    """The system's clock, running several times as fast: what has to be waited for comes sooner."""

    def __init__(self) -> None:
        self._at, self._mark = datetime.now(UTC), time.monotonic()

    def now(self) -> datetime:
        return self._at + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._mark) * FASTER

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / FASTER)


class Bench:
    """One far side, a workspace that is connected to it, and plans made by hand."""

    def __init__(self, vendor: str, sandbox: Sandbox, app: App) -> None:
        self.vendor, self.system, self.sandbox, self.app = vendor, NAMES[vendor], sandbox, app
        self._plans = 0

    @property
    def faults(self) -> Any:
        return self.sandbox.running[self.vendor].emulator.faults

    def pull(self) -> Counter[str]:
        result = pull_all(self.app.store, [self.app.source(self.system, None, full=False, sweep=False)])
        assert not result.failures, result.failures
        assert all(step.certificate.ties for step in result.steps)
        return Counter(
            {
                str(tally.bucket): tally.records
                for step in result.steps
                for tally in step.certificate.tallies
                if tally.records
            }
        )

    def entity(self, kind: Kind, seed: str) -> str:
        ref, now = Ref(system="src", kind=kind, external_id=seed), self.app.clock.now()
        with self.app.store.writing(lock=links.LOCK) as tx:
            made = links.new_entity(tx, kind, ref, now)
            links.bind(tx, ref, made, at=now)
        return made

    def change(
        self, action: Action, kind: Kind, entity: str, fields: dict[str, Any] | None = None, **more: Any
    ) -> Change:
        made = tuple(FieldChange(path=path, after=value, decided_by="src") for path, value in (fields or {}).items())
        return Change(
            action=action, system=self.system, kind=kind, entity=entity, fields=made, because="a test", **more
        )

    def on_target(self, action: Action, kind: Kind, entity: str, fields: dict[str, Any] | None = None) -> Change:
        with self.app.store.reading() as tx:
            found = links.refs_of(tx, (entity,))[entity]
            [ref] = [one.ref for one in found if one.system == self.system]
            copy = copies.get(tx, ref)
        assert copy is not None
        return self.change(action, kind, entity, fields, target=ref, expected=copy.version())

    def apply(self, changes: Sequence[Change]) -> Applied:
        self._plans += 1
        plan_id, now, store = f"plan-{self._plans}", self.app.clock.now(), self.app.store
        rows = [Planned(seq=at, change=one, title=str(at), needs=one.needs) for at, one in enumerate(changes, 1)]
        intents = [Intent(change=row.change, order_key=row.change.entity, needs=row.needs) for row in rows]
        with store.writing() as tx:
            plans.add(tx, PlanHead(plan_id=plan_id, flow="by_hand", state=PlanState.PROPOSED, made_at=now), rows)
            operations.add(tx, plan_id, intents, OpState.PLANNED, now)
        approve(store, plan_id, actor="li", unkeyed=self.app.unkeyed)
        carrier = self.app.carrier(self.system)
        with carrier:
            worker = Worker(store, {self.system: carrier}, self.app.clock, seed=1)
            return carry_out(store, worker, plan_id, wait_s=60.0)


@pytest.fixture(params=sorted(NAMES))
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    vendor = request.param
    with start(seed=5, customers=3, months=1, folder=tmp_path / "sandbox", only={vendor}) as sandbox:
        folder = make_workspace(sandbox.settings_path, tmp_path / "ws")
        file = folder / "ledgerbridge.toml"
        head = f"[systems.{NAMES[vendor]}.settings]\n"
        more = MORE.get(vendor, "")
        if vendor == "zoho_crm":
            [product, *_] = sandbox.running[vendor].emulator.books.rows("Products")
            more = more.format(product=product["ERP_Id"])
        text = file.read_text("utf-8").partition("[flows.")[0].replace(head, head + more)
        file.write_text(f"{text}\n[apply]\nsettle_s = 2.0\n", "utf-8")
        app = open_app(folder, environ={}, clock=HurriedClock())
        try:
            made = Bench(vendor, sandbox, app)
            made.pull()
            sandbox.save(tmp_path / "before")
            yield made
        finally:
            app.close()
    assert sandbox.failures() == {}


def test_what_was_planned_is_there_once_and_comes_back_as_the_same(bench: Bench, tmp_path: Path) -> None:
    with bench.app.store.reading() as tx:
        known = next(iter(copies.every(tx, bench.system, Kind.CUSTOMER))).record()
    customer, invoice, payment = (
        bench.entity(kind, seed) for kind, seed in ((Kind.CUSTOMER, "C1"), (Kind.INVOICE, "I1"), (Kind.PAYMENT, "P1"))
    )
    buyer = {"external_id": f"entity:{customer}"}
    first = bench.change(
        Action.CREATE,
        Kind.CUSTOMER,
        customer,
        {"code": "990001", "name": "新客户有限公司", "category": getattr(known, "category", None), "status": "active",
         "phone": "+862158880001"},
    )  # fmt: skip
    creates = [
        first,
        bench.change(
            Action.CREATE,
            Kind.INVOICE,
            invoice,
            {"number": "LBT-0001", "kind": "invoice", "customer": buyer, "issued_on": "2026-10-05",
             "due_on": "2026-11-04", "currency": "CNY", "total_minor": 113_00, "net_minor": 100_00, "tax_minor": 13_00},
            needs=(first.key,),
        ),
        bench.change(
            Action.CREATE,
            Kind.PAYMENT,
            payment,
            {"number": "LBP-0001", "kind": "receipt", "customer": buyer, "received_on": "2026-10-06",
             "currency": "CNY", "amount_minor": 50_00, "remittance_text": "货款"},
            needs=(first.key,),
        ),
    ]  # fmt: skip
    bench.faults.fail_next("reply_lost_after_write", writes_only=True)
    bench.faults.fail_next("cut_before", writes_only=True, skip=1)
    done = bench.apply(creates)
    assert done.states == {OpState.VERIFIED: 3}, done.outstanding
    assert bench.faults.happened["reply_lost_after_write"] == 1
    assert bench.faults.happened["cut_before"] == 1
    assert new_rows(bench, tmp_path) == Counter(dict.fromkeys(TABLES[bench.vendor], 1))
    assert set(bench.pull()) <= {"same", "filtered"}

    again = [bench.on_target(Action.UPDATE, Kind.CUSTOMER, customer, {"phone": "+862158880002"})]
    if Kind.INVOICE in bench.app.capabilities(bench.system).voids:
        again.append(bench.on_target(Action.VOID, Kind.INVOICE, invoice))
    bench.faults.fail_next("reply_lost_after_write", writes_only=True)
    done = bench.apply(again)
    assert done.states == {OpState.VERIFIED: len(again)}, done.outstanding
    assert bench.faults.happened["reply_lost_after_write"] == 2
    assert new_rows(bench, tmp_path).total() in (2, 3), "a voided draft may be gone, nothing came on top"
    assert set(bench.pull()) <= {"same", "filtered", "deleted"}


def new_rows(bench: Bench, tmp_path: Path) -> Counter[str]:
    """The rows of business tables that were not there before, by table."""
    differences = bench.sandbox.compare(tmp_path / "before")[bench.vendor]
    return Counter(
        one.table for one in differences if one.before is None and one.after and one.table in TABLES[bench.vendor]
    )
