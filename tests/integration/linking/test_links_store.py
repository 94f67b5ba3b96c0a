"""Links in the store: one to one, stable ids, bulk look-ups, pairs of systems; on both engines."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from linking_books import customer, delete, payment, put

from ledgerbridge.errors import LinkError, StoreError
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.identity import LinkRule, entity_id_of
from ledgerbridge.store import Store, audit, links

AT = datetime(2026, 3, 2, 4, 5, 6, tzinfo=UTC)


def ref(text: str, kind: Kind = Kind.CUSTOMER) -> Ref:
    system, external_id = text.split("/")
    return Ref(system=system, kind=kind, external_id=external_id)


def bound(store: Store, *groups: list[str]) -> list[str]:
    """An entity for each group of records, begun by the first."""
    made = []
    with store.writing(lock=links.LOCK) as tx:
        for group in groups:
            entity_id = links.new_entity(tx, Kind.CUSTOMER, ref(group[0]), AT)
            for one in group:
                links.bind(tx, ref(one), entity_id, at=AT, rule=LinkRule.ALONE)
            made.append(entity_id)
    return made


def test_ids_are_made_of_the_first_record(store: Store) -> None:
    first, second = bound(store, ["erp/1", "crm/a"], ["erp/2"])
    assert first == entity_id_of("erp", Kind.CUSTOMER, "1")
    with store.reading() as tx:
        assert links.entity_of(tx, ref("crm/a")) == first
        assert links.entity_of(tx, ref("crm/b")) is None
        assert links.entities_of(tx, "erp", Kind.CUSTOMER, ["1", "2", "3"]) == {"1": first, "2": second}
        assert links.entities_of(tx, "erp", Kind.INVOICE, ["1"]) == {}
        assert [str(one.ref) for one in links.refs_of(tx, [first])[first]] == ["crm/customer/a", "erp/customer/1"]
        assert links.kind_of(tx, first) is Kind.CUSTOMER


def test_a_taken_id_counts_up(store: Store) -> None:
    with store.writing() as tx:
        first = links.new_entity(tx, Kind.CUSTOMER, ref("erp/1"), AT)
        again = links.new_entities(tx, Kind.CUSTOMER, [("erp", "1"), ("erp", "2")], AT)
        third = links.new_entity(tx, Kind.CUSTOMER, ref("erp/1"), AT)
    assert [first, again[0], third] == [entity_id_of("erp", "customer", "1", ordinal) for ordinal in range(3)]
    assert again[1] == entity_id_of("erp", "customer", "2")


def test_two_records_of_one_system_do_not_share_an_entity(store: Store) -> None:
    (first,) = bound(store, ["erp/1", "crm/a"])
    with store.writing() as tx:
        with pytest.raises(LinkError, match="crm/customer/a of the same system"):
            links.bind(tx, ref("crm/b"), first, at=AT)
        row = links.NewLink("crm", "customer", "b", "", first, "alone", None, None, "machine", 0, None)
    with pytest.raises(StoreError), store.writing() as tx:
        links.add(tx, [row])


def test_parts_of_a_payment_share_an_entity(store: Store) -> None:
    with store.writing() as tx:
        entity_id = links.new_entity(tx, Kind.PAYMENT, ref("erp/1", Kind.PAYMENT), AT)
        links.bind(tx, ref("erp/1", Kind.PAYMENT), entity_id, at=AT)
        for part in ("p1", "p2"):
            links.bind(tx, ref(f"crm/{part}", Kind.PAYMENT), entity_id, at=AT, part=part)
        with pytest.raises(LinkError):
            links.bind(tx, ref("crm/p3", Kind.PAYMENT), entity_id, at=AT, part="p2")
    put(store, payment("crm", "p2", "SK1"))
    with store.reading() as tx:
        (pair,) = links.pairs(tx, Kind.PAYMENT, "erp", "crm")
    assert [one.part for one in pair.right] == ["p1", "p2"]
    assert [one.state for one in pair.right] == [None, "live"]


def test_a_record_that_was_read_before_its_creation_was_confirmed_joins_its_entity(store: Store) -> None:
    target, alone, shared = bound(store, ["erp/1"], ["crm/a"], ["crm/b", "erp/2"])
    with store.writing() as tx:
        assert links.bind(tx, ref("crm/a"), target, at=AT) == target
        assert links.bind(tx, ref("crm/a"), alone, at=AT) == target, "the id that was merged away still resolves"
        assert links.resolve(tx, alone) == target
        assert [str(one.ref) for one in links.refs_of(tx, [alone, shared])[alone]] == [
            "crm/customer/a",
            "erp/customer/1",
        ]
        with pytest.raises(LinkError, match="together with erp/customer/2"):
            links.bind(tx, ref("crm/b"), links.new_entity(tx, Kind.CUSTOMER, ref("erp/9"), AT), at=AT)
        with pytest.raises(LinkError, match="no entity of kind"):
            links.bind(tx, ref("crm/z"), "0" * 32, at=AT)


def test_merged_entities_resolve_through_every_step(store: Store) -> None:
    first, second, third = bound(store, ["erp/1"], ["erp/2"], ["erp/3"])
    with store.writing() as tx:
        links.merge_away(tx, first, second)
        links.merge_away(tx, second, third)
        assert links.resolved(tx, [first, second, third, "f" * 32]) == {
            first: third, second: third, third: third, "f" * 32: "f" * 32,
        }  # fmt: skip
        with pytest.raises(ValueError, match="itself"):
            links.merge_away(tx, third, third)


def test_unbinding_is_logged(store: Store) -> None:
    (first,) = bound(store, ["erp/1", "crm/a"])
    with store.writing() as tx:
        assert links.unbind(tx, ref("crm/a"), at=AT, actor="wang", why="wrong") == first
        assert links.unbind(tx, ref("crm/a"), at=AT, actor="wang") is None
        assert links.entity_of(tx, ref("crm/a")) is None
        said = [(one.actor, one.action, one.subject) for one in audit.entries(tx)]
    assert said[-1] == ("wang", "record unlinked", "crm/customer/a")
    assert [one[1] for one in said].count("record linked") == 2


def test_pairs_walk_all_entities_of_two_systems_in_order(store: Store) -> None:
    made = bound(store, *[[f"erp/{at:03}", f"crm/{at:03}"] for at in range(25)], ["erp/x"], ["crm/y"], ["other/1"])
    put(store, *[customer("erp", f"{at:03}", f"公司{at}") for at in range(25)], customer("crm", "007", "公司7"))
    delete(store, [ref("crm/007")])
    with store.reading() as tx:
        whole = list(links.every_pair(tx, Kind.CUSTOMER, "erp", "crm"))
        steps, after = [], ""
        while some := links.pairs(tx, Kind.CUSTOMER, "erp", "crm", after_entity=after, limit=4):
            assert len(some) <= 4
            steps += some
            after = some[-1].entity_id
    assert whole == steps
    assert [one.entity_id for one in whole] == sorted(made[:-1]), "the third system's entity is not theirs"
    by_left = {one.left[0].external_id: one for one in whole if one.left}
    assert by_left["x"].right == ()
    assert by_left["007"].right[0].state == "deleted"
    assert by_left["008"].right[0].id is None
    assert isinstance(by_left["008"].left[0].canonical_hash, bytes)
    assert sum(not one.left for one in whole) == 1


def test_unlinked_lists_live_copies_without_an_entity(store: Store) -> None:
    bound(store, ["erp/2"])
    put(store, *[customer("erp", str(at), f"公司{at}") for at in range(5)])
    delete(store, [ref("erp/4")])
    with store.reading() as tx:
        assert links.unlinked(tx, "erp", Kind.CUSTOMER) == ["0", "1", "3"]
        assert links.unlinked(tx, "erp", Kind.CUSTOMER, after="0", limit=1) == ["1"]
