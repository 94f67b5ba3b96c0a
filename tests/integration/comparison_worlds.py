"""Sandbox worlds pulled into a store and linked by what is true, and what a comparison of them must say."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ledgerbridge.bootstrap import App, open_app
from ledgerbridge.cli.sandboxing import make_workspace
from ledgerbridge.model.base import Kind
from ledgerbridge.reconciler.comparison import BalanceComparison, Difference, Scope
from ledgerbridge.sandbox import launch
from ledgerbridge.sandbox.world import SystemName, World
from ledgerbridge.sandbox.world.facts import Planted
from ledgerbridge.store import Store, bulk, copies
from ledgerbridge.store.observed import State
from ledgerbridge.store.tables_identity import link
from ledgerbridge.sync.comparing import comparing
from ledgerbridge.sync.pull import pull_all
from ledgerbridge.testing.fakes import FakeClock

SYSTEMS = {
    SystemName.YONYOU_U8: "erp",
    SystemName.YONYOU_BIP: "bip",
    SystemName.FXIAOKE: "crm",
    SystemName.ZOHO_CRM: "zoho",
    SystemName.SHEET: "sheet",
}
CODES = {
    "missing": "missing",
    "amount_differs": "amount_differs",
    "tax_differs": "tax_differs",
    "currency_differs": "currency_differs",
    "customer_differs": "customer_differs",
    "payment_to_wrong_customer": "customer_differs",
    "date_differs": "date_differs",
    "status_differs": "status_differs",
    "duplicate": "duplicate",
    "voided_on_one_side": "void_on_one_side",
    "timing": "timing",
}
UNSEEN_IN_SHEET = {"status_differs", "voided_on_one_side", "duplicate"}
"""The salespersons' list has no column for the status, and its connector sets a row aside that repeats a number."""
Found = Counter[tuple[str, str, str, str, int]]
"""By code, kind, number, currency and what it does to the balance of the document's own customer."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A world as our store holds it."""

    world: World
    app: App

    @property
    def store(self) -> Store:
        return self.app.store

    def compare(self, system: SystemName, leading: SystemName = SystemName.YONYOU_U8) -> Compared:
        """Compare a system with the ERP as of the world's last day."""
        sheet = system is SystemName.SHEET
        kinds = (Kind.INVOICE,) if sheet else (Kind.INVOICE, Kind.PAYMENT)
        scope = Scope(SYSTEMS[leading], SYSTEMS[system], kinds, as_of=self.world.last_day)
        with self.store.reading() as tx:
            under_way = comparing(tx, scope, partial=sheet)
            return Compared(list(under_way.differences()), list(under_way.balances()))


@dataclass(frozen=True, slots=True)
class Compared:
    """All that one comparison said."""

    differences: list[Difference]
    balances: list[BalanceComparison]

    def found(self) -> Found:
        """Its findings, as :data:`Found`."""
        found: Found = Counter()
        for difference in self.differences:
            if (finding := difference.finding) is not None:
                assert finding.difference is not None
                money = finding.difference
                found[(finding.code, finding.kind, str(finding.number), money.currency, money.minor)] += 1
        return found


def _seen(world: World, system: SystemName) -> list[Planted]:
    rows = [one for one in world.planted if one.system is system and one.kind_of_record != "customer"]
    return [one for one in rows if system is not SystemName.SHEET or one.planted not in UNSEEN_IN_SHEET]


def planted(world: World, system: SystemName) -> Found:
    """What must be found in a system's documents."""
    found: Found = Counter()
    for one in _seen(world, system):
        if one.finding:
            found[(CODES[one.planted], one.kind_of_record, one.record_number, one.currency, one.amount)] += 1
    return found


def planted_gaps(world: World, system: SystemName) -> dict[tuple[str, str], int]:
    """Every customer's balance in a system less its true one, by true key and currency."""
    gaps: Counter[tuple[str, str]] = Counter()
    for one in _seen(world, system):
        if one.company is not None:
            gaps[(one.company, one.currency)] += one.amount
    return {key: minor for key, minor in gaps.items() if minor}


@contextmanager
def pulled(
    folder: Path, *, seed: int, customers: int, months: int, share: float | None = None, database: str | None = None
) -> Iterator[Pulled]:
    """All systems of a world, pulled and linked."""
    with launch.start(
        seed=seed, customers=customers, months=months, folder=folder / "sandbox", planted_share=share
    ) as running:
        environ = {} if database is None else {"LEDGERBRIDGE_DATABASE__URL": database}
        workspace = make_workspace(running.settings_path, folder / "workspace")
        app = open_app(workspace, environ=environ, clock=FakeClock(datetime.now(UTC)))
        result = pull_all(app.store, [app.source(system, full=False, sweep=False) for system in SYSTEMS.values()])
        assert all(step.certificate.ties for step in result.steps)
        assert not running.failures()
        _link_by_truth(app.store, running.world)
        try:
            yield Pulled(running.world, app)
        finally:
            app.close()


def _link_by_truth(store: Store, world: World) -> None:
    """Customers with the same true key are one entity, which is that key."""
    for name, system in SYSTEMS.items():
        companies = world.holdings[name].companies
        keys = {_folded(company.name): company.key for company in companies}
        keys |= {company.code: company.key for company in companies if company.code}
        rows = []
        with store.reading() as tx:
            for copy in copies.every(tx, system, Kind.CUSTOMER, states=(State.LIVE, State.QUARANTINED)):
                key = keys[copy.number or _folded(copy.party_name or copy.ref.external_id)]
                rows.append((system, "customer", copy.ref.external_id, copy.ref.external_id, key, "truth", "test", 0))
        with store.writing() as tx:
            columns = ("system", "kind", "external_id", "part", "entity_id", "rule", "decided_by", "at_us")
            bulk.insert(tx, link, columns, rows)


def _folded(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split())
