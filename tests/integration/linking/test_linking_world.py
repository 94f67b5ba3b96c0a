"""The seeded company's year as five systems hold it, whose true identities are known: nothing is linked wrongly."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from linking_books import Record, customer, invoice, payment, put
from stdnum.cn import uscc

from ledgerbridge.model.base import Kind
from ledgerbridge.sandbox.world import World, make_world
from ledgerbridge.sandbox.world.facts import Company, PlantedKind, SystemName
from ledgerbridge.store import Store, identity, links
from ledgerbridge.sync.linking import link_all
from ledgerbridge.testing.fakes import FakeClock

ORDER = (
    SystemName.YONYOU_U8,
    SystemName.YONYOU_BIP,
    SystemName.FXIAOKE,
    SystemName.ZOHO_CRM,
    SystemName.SHEET,
)
Truth = dict[tuple[str, Kind, str], str]
"""What every record really is."""
KINDS = {"other_receivable": "adjustment"}


def records(world: World) -> tuple[list[Record], Truth]:
    """Every record of every system, in the systems' order, and whose it is."""
    found: list[Record] = []
    truth: Truth = {}
    twins = {  # a document that was entered twice is one document, whichever of the two came first
        one.held.removeprefix("twice (").removesuffix(")"): one.record_key
        for one in world.planted
        if one.planted is PlantedKind.DUPLICATE
    }

    def add(record: Record, key: str) -> None:
        found.append(record)
        truth[record.ref.system, record.ref.kind, record.ref.external_id] = twins.get(key, key)

    for system in ORDER:
        holding = world.holdings[system]
        ids: dict[str, str] = {}
        for at, company in enumerate(holding.companies):
            ids.setdefault(company.key, f"C{at:04}")
            add(_customer(system, f"C{at:04}", company), company.key)
        for at, one in enumerate(holding.invoices):
            said = {
                "kind": KINDS.get(one.kind.value, one.kind.value),
                "issued_on": one.issued_on.isoformat(),
                "currency": one.currency,
                "total_minor": one.gross,
                "status": one.status.value,
            }
            add(invoice(system, f"I{at:05}", one.number, ids.get(one.company, "?"), **said), one.key)
        for at, money in enumerate(holding.receipts):
            said = {
                "kind": money.kind.value,
                "received_on": money.received_on.isoformat(),
                "currency": money.currency,
                "amount_minor": money.amount,
                "status": money.status.value,
            }
            owner = ids.get(money.company or "", "?")
            add(payment(system, f"P{at:05}", money.number, owner, **said), money.key)
    return found, truth


def _customer(system: str, external_id: str, one: Company) -> Record:
    return customer(
        system,
        external_id,
        one.name,
        code=one.code or None,
        credit_code=one.credit_code if one.credit_code and uscc.is_valid(one.credit_code) else None,
        tax_number=one.credit_code,
        email=one.email or None,
        contacts=[{"name": one.contact}] if one.contact else [],
        bank_accounts=[{"account": one.bank_account}] if one.bank_account else [],
        addresses=[{"province": one.province, "city": one.city, "street": one.address}],
    )


def entities(store: Store) -> dict[str, list[tuple[str, Kind, str]]]:
    found: dict[str, list[tuple[str, Kind, str]]] = {}
    with store.reading() as tx:
        for kind in (Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT):
            for system in ORDER:
                for one in links.every_linked(tx, system, kind):
                    found.setdefault(one.entity_id, []).append((one.system, kind, one.external_id))
    return found


def arrivals(found: list[Record], pieces: int) -> Iterator[list[Record]]:
    yield from (found[at::pieces] for at in range(pieces))


@pytest.mark.parametrize(("seed", "pieces"), [(1, 1), (14, 3)])
def test_nothing_is_linked_wrongly(fresh_sqlite: Callable[[], Store], seed: int, pieces: int) -> None:
    found, truth = records(make_world(seed=seed, customers=80, months=3))
    with fresh_sqlite() as store:
        for some in arrivals(found, pieces):
            put(store, *some)
            link_all(store, ORDER, store.clock)
        groups = entities(store)
        with store.reading() as tx:
            waiting = {ref for doubt in identity.doubts(tx) for ref in (doubt.left, doubt.right)}
    assert sum(len(group) for group in groups.values()) == len(found), "every record has an entity"
    wrong = [group for group in groups.values() if len({truth[key] for key in group}) > 1]
    assert wrong == []
    for kind, least in ((Kind.CUSTOMER, 0.85), (Kind.INVOICE, 0.97), (Kind.PAYMENT, 0.97)):
        there = [key for key in truth if key[1] is kind]
        lead = {truth[key] for key in there if key[0] == ORDER[0]}
        expected = [key for key in there if key[0] != ORDER[0] and truth[key] in lead]
        linked = {key for group in groups.values() if any(one[0] == ORDER[0] for one in group) for key in group}
        missed = [key for key in expected if key not in linked]
        assert 1 - len(missed) / len(expected) >= least, (kind, missed)
    assert len(waiting) < len(found) * 0.05


@pytest.mark.postgres
def test_both_engines_give_the_same_entities(sqlite_address: str, postgres_address: str) -> None:
    found, _ = records(make_world(seed=4, customers=25, months=2))
    said = []
    for address in (sqlite_address, postgres_address):
        with Store.open(address, clock=FakeClock()) as store:
            for some in arrivals(found, 3):
                put(store, *some)
                link_all(store, ORDER, store.clock)
            with store.reading() as tx:
                said.append((links.digest(tx), [(d.left, d.right, d.reasons) for d in identity.doubts(tx)]))
    assert said[0] == said[1]
