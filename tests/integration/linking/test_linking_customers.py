"""Linking customers over a store: keys, scores, ties, decisions, and what comes later; on both engines."""

from __future__ import annotations

import pytest
from linking_books import Record, customer, delete, invoice, put

from ledgerbridge.errors import LinkError
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.identity import entity_id_of
from ledgerbridge.store import Store, audit, identity, links
from ledgerbridge.sync.linking import LinkResult, link_all, taking_part
from ledgerbridge.sync.linking_people import accept, merge, refuse, split

USCC = "91350211M000100Y46"
ORDER = ("erp", "crm", "zoho")
JIANGHE, LANHAI = "杭州江河泵业有限公司", "宁波蓝海模具有限公司"


def ref(text: str, kind: Kind = Kind.CUSTOMER) -> Ref:
    system, external_id = text.split("/")
    return Ref(system=system, kind=kind, external_id=external_id)


def linked(store: Store, *records: Record) -> LinkResult:
    put(store, *records)
    return link_all(store, ORDER, store.clock)


def groups(store: Store, kind: Kind = Kind.CUSTOMER) -> list[list[str]]:
    """The records of every entity."""
    made: dict[str, list[str]] = {}
    with store.reading() as tx:
        for system in ORDER:
            ids = [row.external_id for row in links.every_linked(tx, system, kind)]
            for external_id, entity_id in links.entities_of(tx, system, kind, ids).items():
                made.setdefault(entity_id, []).append(f"{system}/{external_id}")
    return sorted(sorted(group) for group in made.values())


def doubts(store: Store) -> list[tuple[str, str, tuple[str, ...]]]:
    with store.reading() as tx:
        return sorted(
            (f"{d.left.system}/{d.left.external_id}", f"{d.right.system}/{d.right.external_id}", d.reasons)
            for d in identity.doubts(tx)
        )


def test_the_same_name_and_phone_are_one_and_everybody_has_an_entity(store: Store) -> None:
    result = linked(
        store,
        customer("erp", "1", JIANGHE, phone="+8657188881111"),
        customer("erp", "2", LANHAI),
        customer("crm", "a", "杭州江河泵业有限责任公司", phone="+8657188881111"),
        customer("crm", "b", "苏州永昌电子有限公司"),
    )
    assert groups(store) == [["crm/a", "erp/1"], ["crm/b"], ["erp/2"]]
    assert result.systems == ("erp", "crm")
    (kind,) = [one for one in result.kinds if one.kind is Kind.CUSTOMER]
    assert (kind.new_entities, kind.joined, kind.doubts) == (3, 1, 0)
    with store.reading() as tx:
        assert links.entity_of(tx, ref("crm/a")) == entity_id_of("erp", "customer", "1")
        found = identity.link_of(tx, ref("crm/a"))
        assert found is not None
        assert (found.rule, found.decided_by) == ("name", "machine")
        assert "phone" in {one.part for one in found.evidence}
        said = [one for one in audit.entries(tx) if one.action == "records linked"]
    assert [one.details["links"] for one in said] == [[[entity_id_of("erp", "customer", "1"), "crm", "a", "name"]]]


def test_nothing_new_writes_nothing(store: Store) -> None:
    linked(store, customer("erp", "1", JIANGHE), customer("crm", "a", LANHAI))
    with store.reading() as tx:
        before = audit.head(tx)
    result = linked(store)
    assert [(one.new_entities, one.joined) for one in result.kinds] == [(0, 0)] * 3
    with store.reading() as tx:
        assert audit.head(tx) == before


def test_a_credit_code_decides_whatever_the_spelling(store: Store) -> None:
    linked(
        store,
        customer("erp", "1", JIANGHE, credit_code=USCC),
        customer("crm", "a", "江河泵业", credit_code=USCC),
    )
    assert groups(store) == [["crm/a", "erp/1"]]


def test_an_erp_code_decides_unless_the_names_contradict(store: Store) -> None:
    linked(
        store,
        customer("erp", "1", JIANGHE, code="0101"),
        customer("erp", "2", LANHAI, code="0102"),
        customer("crm", "a", "江河泵业", code="0101"),
        customer("crm", "b", "深圳飞鹏电子科技有限公司", code="0102"),
    )
    assert groups(store) == [["crm/a", "erp/1"], ["crm/b"], ["erp/2"]]
    assert [(one[:2]) for one in doubts(store)] == [("crm/b", "erp/2")]


def test_a_code_held_twice_is_not_guessed_in_whatever_order_they_come(store: Store) -> None:
    linked(store, customer("erp", "1", JIANGHE, credit_code=USCC))
    linked(
        store,
        customer("crm", "a", JIANGHE, credit_code=USCC),
        customer("crm", "b", JIANGHE, credit_code=USCC),
    )
    assert groups(store) == [["crm/a"], ["crm/b"], ["erp/1"]]
    assert [one[:2] for one in doubts(store)] == [("crm/a", "erp/1"), ("crm/b", "erp/1")]
    assert all("code held twice" in one[2] for one in doubts(store))
    delete(store, [ref("crm/b")])
    linked(store)
    assert groups(store) == [["crm/a", "erp/1"], ["crm/b"]], "the rival is gone"
    assert doubts(store) == []


def test_a_second_bearer_of_a_code_waits_when_the_first_is_linked(store: Store) -> None:
    linked(store, customer("erp", "1", JIANGHE, credit_code=USCC), customer("crm", "a", JIANGHE, credit_code=USCC))
    linked(store, customer("crm", "b", "江河泵业杭州公司", credit_code=USCC))
    assert groups(store) == [["crm/a", "erp/1"], ["crm/b"]]
    (found,) = doubts(store)
    assert found[:2] == ("crm/b", "erp/1")
    assert found[2][0] == "taken"


def test_a_tie_of_names_is_not_guessed(store: Store) -> None:
    result = linked(store, customer("erp", "1", JIANGHE), customer("erp", "2", JIANGHE), customer("crm", "a", JIANGHE))
    assert groups(store) == [["crm/a"], ["erp/1"], ["erp/2"]]
    assert result.doubts == 2
    assert {reason for one in doubts(store) for reason in one[2]} == {"tie"}


def test_a_tie_with_the_leader_is_not_settled_by_a_third_system(store: Store) -> None:
    linked(
        store,
        customer("erp", "1", JIANGHE, credit_code=USCC),
        customer("erp", "2", JIANGHE),
        customer("crm", "a", JIANGHE),
        customer("zoho", "z", JIANGHE, credit_code=USCC),
    )
    assert ["erp/1", "zoho/z"] in groups(store)
    assert not any({"crm/a", "erp/1"} <= set(group) for group in groups(store))


def test_two_crms_link_what_the_leader_lacks_and_the_leader_joins_later(store: Store) -> None:
    linked(store, customer("erp", "9", "天津启明照明有限公司"))
    linked(store, customer("crm", "a", JIANGHE, credit_code=USCC), customer("zoho", "z", JIANGHE, credit_code=USCC))
    assert groups(store) == [["crm/a", "zoho/z"], ["erp/9"]]
    with store.reading() as tx:
        before = links.entity_of(tx, ref("crm/a"))
        assert before is not None
    linked(store, customer("erp", "1", JIANGHE, credit_code=USCC))
    assert groups(store) == [["crm/a", "erp/1", "zoho/z"], ["erp/9"]]
    with store.reading() as tx:
        assert links.entity_of(tx, ref("erp/1")) == links.resolve(tx, before)


def test_a_record_that_says_more_is_matched_again(store: Store) -> None:
    linked(store, customer("erp", "1", JIANGHE, credit_code=USCC), customer("crm", "a", "江河"))
    assert groups(store) == [["crm/a"], ["erp/1"]]
    linked(store, customer("crm", "a", "江河", credit_code=USCC))
    assert groups(store) == [["crm/a", "erp/1"]]


def test_a_deleted_record_makes_room_for_its_successor(store: Store) -> None:
    linked(store, customer("erp", "1", JIANGHE, credit_code=USCC), customer("crm", "a", JIANGHE, credit_code=USCC))
    delete(store, [ref("crm/a")])
    linked(store)
    with store.reading() as tx:
        assert [(str(one.ref), one.state, one.others) for one in identity.orphans(tx)] == [
            ("crm/customer/a", "deleted", 1)
        ]
    linked(store, customer("crm", "b", JIANGHE, credit_code=USCC))
    assert groups(store) == [["crm/b", "erp/1"]]


def test_refused_pairs_are_never_proposed_again_by_any_way(store: Store) -> None:
    linked(
        store,
        customer("erp", "1", JIANGHE, credit_code=USCC),
        customer("crm", "a", JIANGHE, credit_code=USCC),
        customer("zoho", "z", JIANGHE, credit_code=USCC),
    )
    assert len(groups(store)) == 1
    refuse(store, ref("erp/1"), ref("crm/a"), who="wang", why="two firms", clock=store.clock)
    linked(store, customer("erp", "1", JIANGHE + "一"), customer("crm", "a", JIANGHE))
    assert not any({"erp/1", "crm/a"} <= set(group) for group in groups(store))
    assert ("crm/a", "erp/1") not in [one[:2] for one in doubts(store)]


def test_an_accepted_pair_wins_over_what_the_machine_linked(store: Store) -> None:
    linked(
        store,
        customer("erp", "1", JIANGHE, phone="+8657188881111"),
        customer("crm", "a", JIANGHE, phone="+8657188881111"),
        customer("crm", "b", "西溪水务设备"),
    )
    entity_id = accept(store, ref("erp/1"), ref("crm/b"), who="wang", why="renamed", clock=store.clock)
    assert groups(store) == [["crm/a"], ["crm/b", "erp/1"]]
    linked(store, customer("crm", "a", JIANGHE, phone="+8657188881111", remark="x"))
    assert groups(store) == [["crm/a"], ["crm/b", "erp/1"]]
    with store.writing() as tx:
        links.unbind(tx, ref("crm/b"), at=store.clock.now(), actor="test")
    linked(store)
    assert groups(store) == [["crm/a"], ["crm/b", "erp/1"]], "people are not asked twice"
    with store.reading() as tx:
        assert links.entity_of(tx, ref("crm/b")) == links.resolve(tx, entity_id)
    with pytest.raises(LinkError, match="people linked them"):
        accept(store, ref("erp/1"), ref("crm/a"), who="li", why="", clock=store.clock)
    assert groups(store) == [["crm/a"], ["crm/b", "erp/1"]]


def test_split_and_merge(store: Store) -> None:
    linked(
        store,
        customer("erp", "1", JIANGHE, credit_code=USCC),
        customer("crm", "a", JIANGHE, credit_code=USCC),
        customer("zoho", "z", JIANGHE, credit_code=USCC),
    )
    with store.reading() as tx:
        before = links.entity_of(tx, ref("erp/1"))
        assert before is not None
    made = split(store, ref("crm/a"), who="wang", why="another firm", clock=store.clock)
    linked(store)
    assert groups(store) == [["crm/a"], ["erp/1", "zoho/z"]]
    with pytest.raises(LinkError, match="stands alone"):
        split(store, ref("crm/a"), who="wang", why="", clock=store.clock)
    with pytest.raises(LinkError, match=r"told .* apart"):
        merge(store, before, made, who="li", why="", clock=store.clock)
    linked(store, customer("crm", "b", LANHAI))
    with store.reading() as tx:
        other = links.entity_of(tx, ref("crm/b"))
        assert other is not None
    assert merge(store, before, other, who="li", why="bought", clock=store.clock) == before
    with store.reading() as tx:
        assert links.resolve(tx, other) == before
        actions = [(one.actor, one.action) for one in audit.entries(tx) if one.actor != "machine"]
    assert actions == [("wang", "record split off"), ("li", "entities merged")]
    with pytest.raises(LinkError, match="one entity already"):
        merge(store, before, other, who="li", why="", clock=store.clock)
    with pytest.raises(LinkError, match="two records of one system"):
        merge(store, before, made, who="li", why="", clock=store.clock)


def test_systems_without_customers_are_only_observed(store: Store) -> None:
    assert taking_part(("crm", "erp", "bank"), ["erp", "crm", "list"]) == ("crm", "erp", "list")
    assert taking_part(("erp", "archive"), ["erp"], also=["archive"]) == ("erp", "archive")
    result = linked(store, customer("erp", "1", JIANGHE), invoice("archive", "i", "XS1"))
    assert result.systems == ("erp",)
    with store.reading() as tx:
        assert links.unlinked(tx, "archive", Kind.INVOICE) == ["i"]


def test_unknown_records_and_kinds_that_do_not_go_together(store: Store) -> None:
    linked(store, customer("erp", "1", JIANGHE), invoice("erp", "9", "XS1"))
    with pytest.raises(LinkError, match="there is no record crm/customer/zzz"):
        accept(store, ref("erp/1"), ref("crm/zzz"), who="w", why="", clock=store.clock)
    with pytest.raises(ValueError, match="two kinds"):
        accept(store, ref("erp/1"), ref("erp/9", Kind.INVOICE), who="w", why="", clock=store.clock)
