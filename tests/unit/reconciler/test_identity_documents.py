"""Documents of one number: what a number says, what content says when it repeats, and that ties are never guessed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.reconciler.identity.documents import TOO_COMMON, Found, Unit, decide

ORDER = ("erp", "crm", "zoho")
BASE: dict[str, Any] = {
    "entity": None,
    "doc_kind": "invoice",
    "customer": "C",
    "currency": "CNY",
    "amount_minor": 100,
    "on": "2026-03-02",
    "void": False,
}


def unit(key: str, **said: Any) -> Unit:
    return Unit(**{"key": key, "system": key.partition("/")[0], **BASE, **said})


def joined(found: Found) -> set[tuple[str, str]]:
    return {(one.left, one.right) for one in found.joins}


def never(_left: str, _right: str) -> bool:
    return False


def run(*units: Unit, told_apart: Iterable[tuple[str, str]] = (), outside: tuple[Unit, ...] = ()) -> Found:
    pairs = {frozenset(pair) for pair in told_apart}
    return decide(units, ORDER, lambda left, right: frozenset((left, right)) in pairs, outside)


def test_a_unique_number_decides_whatever_else_differs() -> None:
    found = run(unit("erp/1"), unit("crm/a", customer="D", currency="USD", amount_minor=7, on="2026-04-01", void=True))
    assert joined(found) == {("erp/1", "crm/a")}
    assert not found.joins[0].by_content
    assert found.ties == []


def test_a_document_that_is_twice_there_is_paired_by_what_it_says() -> None:
    found = run(unit("erp/1"), unit("crm/a", amount_minor=90), unit("crm/b"))
    assert joined(found) == {("erp/1", "crm/b")}
    assert found.joins[0].by_content
    assert found.ties == []


def test_two_that_say_the_same_are_a_tie() -> None:
    found = run(unit("erp/1"), unit("crm/a"), unit("crm/b"))
    assert found.joins == []
    assert [(t.left, t.right, t.rivals) for t in found.ties] == [
        ("erp/1", "crm/a", ("crm/b",)),
        ("erp/1", "crm/b", ("crm/a",)),
    ]


def test_what_is_left_over_is_not_paired_by_elimination() -> None:
    found = run(unit("erp/1", entity="E"), unit("erp/2", amount_minor=5), unit("crm/a", entity="E"), unit("crm/b"))
    assert found.joins == []
    assert [(t.left, t.right, t.reasons) for t in found.ties] == [
        ("erp/2", "crm/b", ("number repeats", "amounts differ"))
    ]


def test_an_unknown_customer_does_not_differ() -> None:
    found = run(
        unit("erp/1", customer="A"),
        unit("erp/2", customer="B"),
        unit("crm/a", customer="B"),
        unit("crm/b", customer=None),
    )
    assert joined(found) == {("erp/2", "crm/a"), ("erp/1", "crm/b")}


def test_kinds_of_document_have_numbers_of_their_own() -> None:
    found = run(
        unit("erp/1"),
        unit("erp/2", doc_kind="adjustment", amount_minor=3),
        unit("crm/a"),
        unit("crm/b", doc_kind="adjustment", amount_minor=4),
    )
    assert joined(found) == {("erp/1", "crm/a"), ("erp/2", "crm/b")}


def test_another_kind_with_the_same_content_is_the_same() -> None:
    assert joined(run(unit("erp/1"), unit("crm/a", doc_kind="adjustment"))) == {("erp/1", "crm/a")}
    found = run(unit("erp/1"), unit("crm/a", doc_kind="adjustment", amount_minor=5))
    assert found.joins == []
    assert found.ties[0].reasons == ("document kinds differ",)


def test_a_person_is_not_contradicted_by_any_way() -> None:
    units = unit("erp/1"), unit("crm/a"), unit("zoho/z")
    assert joined(run(*units, told_apart=[("crm/a", "erp/1")])) == {("erp/1", "zoho/z")}
    assert joined(run(*units, told_apart=[("crm/a", "zoho/z")])) == {("erp/1", "crm/a")}
    other_number = unit("crm/old", entity="E")
    assert run(unit("erp/1", entity="E"), unit("crm/a"), outside=(other_number,)).joins == []


def test_a_number_that_everything_bears_is_none() -> None:
    found = run(unit("erp/1"), *(unit(f"crm/{at}", amount_minor=at) for at in range(TOO_COMMON + 1)))
    assert (found.joins, found.ties, found.too_common) == ([], [], True)


@st.composite
def numbers(draw: st.DrawFn) -> list[Unit]:
    made = []
    for system in ORDER:
        for at in range(draw(st.integers(0, 3))):
            said = {
                "amount_minor": draw(st.sampled_from([1, 2])),
                "customer": draw(st.sampled_from(["A", "B", None])),
                "doc_kind": draw(st.sampled_from(["invoice", "adjustment"])),
                "void": draw(st.booleans()),
            }
            made.append(unit(f"{system}/{at}", **said))
    return made


@given(numbers(), st.randoms(use_true_random=False), st.data())
def test_one_to_one_whatever_comes(units: list[Unit], rng: Any, data: st.DataObject) -> None:
    keys = [one.key for one in units]
    pairs = list(combinations(keys, 2))
    apart = data.draw(st.sets(st.sampled_from(pairs), max_size=3)) if pairs else set()
    found = run(*units, told_apart=apart)
    shuffled = list(units)
    rng.shuffle(shuffled)
    assert run(*shuffled, told_apart=apart) == found
    groups = {key: {key} for key in keys}
    for join in found.joins:
        both = groups[join.left] | groups[join.right]
        for key in both:
            groups[key] = both
    for group in groups.values():
        systems = [key.split("/")[0] for key in group]
        assert len(systems) == len(set(systems))
        assert not any(frozenset(pair) in {frozenset(one) for one in apart} for pair in combinations(group, 2))
    by_key = {one.key: one for one in units}
    for join in found.joins:  # no join has a twin that says the same
        left, right = by_key[join.left], by_key[join.right]
        twins = [one for one in units if one._replace(key="") == right._replace(key="")]
        if join.by_content and left.doc_kind == right.doc_kind and not apart:
            assert len(twins) == 1 or any(
                groups[one.key] != groups[right.key] and len(groups[one.key]) > 1 for one in twins if one != right
            )
