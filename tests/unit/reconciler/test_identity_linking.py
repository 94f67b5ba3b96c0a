from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.reconciler.identity import (
    Assignment,
    CandidateIndex,
    IdentityPolicy,
    Profile,
    Rarity,
    Scored,
    Verdict,
    assign,
    duplicates,
    index_of,
    link,
    matches,
    named,
)

POLICY = IdentityPolicy()
GOOD = "91310000132200821H"
FIRMS = [f"{place}{brand}{trade}有限公司" for brand in ("恒泰", "瑞达", "鑫源", "华茂") for place, trade in
         (("苏州", "机械"), ("上海", "贸易"), ("", "机械"))]  # fmt: skip


def pair(left: str, right: str, score: float, *, by_code: bool = False, held_back: tuple[str, ...] = ()) -> Scored:
    sure = (by_code or score >= POLICY.sure_bits) and not held_back
    verdict = Verdict.SURE if sure else Verdict.DOUBTFUL if score >= POLICY.doubtful_bits else Verdict.NO
    return Scored(left, right, score, verdict, (), held_back, by_code)


def linked(found: Assignment) -> set[tuple[str, str]]:
    return {(one.pair.left, one.pair.right) for one in found.links}


PAIRS = st.dictionaries(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from("uvwxyz")),
    st.tuples(st.integers(-6, 20), st.booleans()),
    max_size=14,
).map(lambda found: [pair(*refs, float(score), by_code=code and score > 10) for refs, (score, code) in found.items()])
DECIDED = st.sets(st.tuples(st.sampled_from("abcdef"), st.sampled_from("uvwxyz")), max_size=4)


@given(PAIRS, st.randoms(), DECIDED)
def test_links_are_one_to_one_clear_and_independent_of_order(
    pairs: list[Scored], rng: object, refused: set[tuple[str, str]]
) -> None:
    found = assign(pairs, POLICY, refused=refused)
    shuffled = list(pairs)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert assign(shuffled, POLICY, refused=refused) == found
    assert len({left for left, _ in linked(found)}) == len({right for _, right in linked(found)}) == len(found.links)
    assert not linked(found) & refused
    for one in found.links:
        assert one.pair.verdict is Verdict.SURE
        assert one.margin >= POLICY.margin_bits or one.pair.by_code
    taken = {ref for refs in linked(found) for ref in refs}
    assert not any({one.pair.left, one.pair.right} & taken for one in found.doubtful)
    assert all(one.reasons for one in found.doubtful)
    assert all(one.confidence >= other.confidence for one, other in pairwise(found.links))


@given(PAIRS)
def test_nothing_that_is_not_no_is_lost(pairs: list[Scored]) -> None:
    found = assign(pairs, POLICY)
    taken = {ref for refs in linked(found) for ref in refs}
    shown = linked(found) | {(one.pair.left, one.pair.right) for one in found.doubtful}
    for one in pairs:
        expected = one.verdict is not Verdict.NO and (
            not {one.left, one.right} & taken or (one.left, one.right) in linked(found)
        )
        assert ((one.left, one.right) in shown) == expected


@given(PAIRS, DECIDED)
def test_swapping_the_systems_swaps_the_answer(pairs: list[Scored], refused: set[tuple[str, str]]) -> None:
    swapped = [Scored(one.right, one.left, one.score, one.verdict, (), (), one.by_code) for one in pairs]
    there = assign(pairs, POLICY, refused=refused)
    back = assign(swapped, POLICY, refused={(right, left) for left, right in refused})
    assert linked(back) == {(right, left) for left, right in linked(there)}


@pytest.mark.parametrize(
    ("pairs", "links", "reasons"),
    [
        ([pair("a", "u", 12), pair("a", "v", 3)], {("a", "u")}, {}),
        ([pair("a", "u", 12), pair("a", "v", 12)], set(), {("a", "u"): "tie", ("a", "v"): "tie"}),
        ([pair("a", "u", 12), pair("a", "v", 9)], set(), {("a", "u"): "near tie", ("a", "v"): "better rival"}),
        ([pair("a", "u", 12), pair("b", "u", 11)], set(), {("a", "u"): "near tie", ("b", "u"): "better rival"}),
        ([pair("a", "u", 3)], set(), {("a", "u"): "score too low"}),
        ([pair("a", "u", 12, held_back=("branch",))], set(), {("a", "u"): "branch"}),
        (
            [pair("a", "u", 40, by_code=True), pair("a", "v", 60, by_code=True)],
            set(),
            {("a", "u"): "code held twice", ("a", "v"): "code held twice"},
        ),
        # b is u's best rival only until b itself is found to be v
        ([pair("a", "u", 10), pair("b", "u", 8), pair("b", "v", 20)], {("a", "u"), ("b", "v")}, {}),
    ],
    ids=["clear", "tie", "near tie", "near tie on the right", "low", "held back", "one code twice", "freed by a link"],
)
def test_who_is_linked_and_why_not(
    pairs: list[Scored], links: set[tuple[str, str]], reasons: dict[tuple[str, str], str]
) -> None:
    found = assign(pairs, POLICY)
    assert linked(found) == links
    assert {(one.pair.left, one.pair.right): one.reasons[-1] for one in found.doubtful} == reasons


def test_a_tie_names_the_rivals_and_has_no_confidence() -> None:
    found = assign([pair("a", "u", 12), pair("a", "v", 12)], POLICY).doubtful[0]
    assert (found.rivals, found.margin, found.confidence) == (("v",), 0.0, 0.0)


def test_a_refusal_makes_the_other_candidate_clear_and_is_never_shown_again() -> None:
    pairs = [pair("a", "u", 12), pair("a", "v", 11)]
    found = assign(pairs, POLICY, refused={("a", "u")})
    assert (linked(found), found.doubtful) == ({("a", "v")}, ())


def test_the_records_of_an_accepted_pair_are_taken_even_if_its_partner_is_absent() -> None:
    pairs = [pair("a", "u", 12), pair("b", "v", 12)]
    found = assign(pairs, POLICY, accepted={("a", "elsewhere")})
    assert (linked(found), found.doubtful) == ({("b", "v")}, ())


@pytest.mark.parametrize(
    ("refused", "accepted", "message"),
    [
        ({("a", "u")}, {("a", "u")}, "both refused and accepted"),
        (set(), {("a", "u"), ("a", "v")}, "left record 'a' is accepted with two"),
        (set(), {("a", "u"), ("b", "u")}, "right record 'u' is accepted with two"),
    ],
)
def test_contradicting_decisions_are_refused(
    refused: set[tuple[str, str]], accepted: set[tuple[str, str]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        assign([], POLICY, refused=refused, accepted=accepted)


def test_a_pair_scored_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="scored twice"):
        assign([pair("a", "u", 12), pair("a", "u", 1)], POLICY)


SIDES = st.tuples(
    st.lists(st.sampled_from(FIRMS), max_size=8).flatmap(st.permutations),
    st.lists(st.sampled_from(FIRMS), max_size=8).flatmap(st.permutations),
)


@given(SIDES, st.randoms())
def test_linking_does_not_depend_on_the_order_of_records(sides: tuple[list[str], list[str]], rng: object) -> None:
    lefts, rights = (
        [named(f"{side}{at}", name) for at, name in enumerate(names)] for side, names in zip("lr", sides, strict=True)
    )
    found = link(lefts, rights, POLICY)
    for records in (lefts, rights):
        rng.shuffle(records)  # type: ignore[attr-defined]
    assert link(lefts, rights, POLICY) == found
    assert link(lefts, rights, POLICY, refused=linked(found)).links == () or not linked(
        link(lefts, rights, POLICY, refused=linked(found))
    ) & linked(found)


def test_two_systems_are_linked() -> None:
    lefts = [
        named("l1", "苏州恒泰机械有限公司"),
        named("l2", "无锡恒泰机械有限公司"),
        named("l3", "上海瑞达贸易有限公司", codes=[GOOD]),
    ]
    rights = [
        named("r1", "恒泰（无锡）机械有限公司"),
        named("r2", "苏州市恒泰机械 有限责任公司"),
        named("r3", "瑞达", codes=[GOOD]),
        named("r4", "杭州华茂科技有限公司"),
    ]
    assert linked(link(lefts, rights, POLICY)) == {("l1", "r2"), ("l2", "r1"), ("l3", "r3")}


def test_one_record_that_two_could_be_is_left_to_a_person() -> None:
    lefts = [named("l1", "苏州恒泰机械有限公司"), named("l2", "无锡恒泰机械有限公司")]
    found = link(lefts, [named("r1", "恒泰机械有限公司")], POLICY)
    assert found.links == ()
    assert [one.rivals for one in found.doubtful] == [("l2",), ("l1",)]


def test_after_a_refusal_the_misspelt_candidate_is_found() -> None:
    left = named("l", "苏州恒泰鑫机械有限公司", phones=["+8651262881234"])
    rights = [named("r1", "苏州恒泰鑫机械有限公司"), named("r2", "苏州恒秦鑫机械有限公司")]
    index = index_of(rights, POLICY)
    assert [found.ref for found in index.search(left)] == ["r1"]
    assert [found.ref for found in index.search(left, {"r1"})] == ["r2"]
    found = link([left], rights, POLICY, refused={("l", "r1")})
    assert [(one.pair.right, one.pair.held_back) for one in found.doubtful] == [("r2", ("brands differ",))]


def test_a_short_name_in_common_does_not_hide_the_misspelt_candidate() -> None:
    left = named("l", "苏州恒泰鑫机械有限公司", short_names=["恒泰"])
    rights = [named("r1", "恒泰"), named("r2", "苏州恒秦鑫机械有限公司")]
    assert {found.ref for found in index_of(rights, POLICY).search(left)} == {"r1", "r2"}


def test_records_of_accepted_pairs_are_not_looked_at() -> None:
    lefts = [named("l1", "苏州恒泰机械有限公司"), named("l2", "苏州恒泰机械有限公司")]
    rights = [named("r1", "苏州恒泰机械有限公司"), named("r2", "苏州恒泰机械有限公司")]
    assert link(lefts, rights, POLICY).links == ()
    assert linked(link(lefts, rights, POLICY, accepted={("l1", "r2")})) == {("l2", "r1")}


def test_refs_must_be_unique_in_a_system() -> None:
    twice = [named("l1", "恒泰"), named("l1", "瑞达")]
    with pytest.raises(ValueError, match="two left records have one ref"):
        link(twice, [], POLICY)


@given(st.lists(st.sampled_from(FIRMS), min_size=1, max_size=10), st.randoms())
def test_an_index_finds_the_same_whatever_came_and_went_before(names: list[str], rng: object) -> None:
    profiles = [named(f"r{at}", name) for at, name in enumerate(names)]
    wanted = named("l", names[0])
    index = index_of(profiles, POLICY)
    other = CandidateIndex(POLICY)
    shuffled = list(profiles)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    for profile in shuffled:
        other.add(named(profile.ref, "别的名字"))
        other.add(profile)
    extra = named("extra", names[0])
    other.add(extra)
    assert extra in other.search(wanted)
    other.remove("extra")
    assert other.search(wanted) == index.search(wanted)
    assert profiles[0] in index.search(wanted)
    assert len(other) == len(profiles)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (named("l", "苏州恒泰机械有限公司"), named("r", "苏州恒秦机械有限公司")),
        (named("l", "恒泰鑫源"), named("r", "恒泰鑫元")),
        (named("l", "Evergreen Trading Ltd"), named("r", "Evergren Trading")),
        (named("l", "甲乙丙", phones=["+8651262881234"]), named("r", "丁戊己", phones=["+8651262881234"])),
        (named("l", "甲乙丙", emails=["a@hengtai.cn"]), named("r", "丁戊己", emails=["b@hengtai.cn"])),
        (named("l", "甲乙丙", accounts=["6222000011112222"]), named("r", "丁戊己", accounts=["6222000011112222"])),
        (named("l", "甲乙丙", codes=[GOOD]), named("r", "丁戊己", codes=[GOOD[2:17]])),
        (named("l", "甲乙丙", short_names=["恒泰机械"]), named("r", "恒泰机械")),
        (named("l", "甲乙丙", keys=["code:1"]), named("r", "丁戊己", keys=["code:1"])),
    ],
    ids=["character", "neighbours", "latin", "phone", "domain", "account", "organisation", "short name", "key"],
)
def test_what_a_record_is_found_by(left: Profile, right: Profile) -> None:
    assert index_of([right], POLICY).search(left) == (right,)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (named("l", "甲乙丙", emails=["a@qq.com"]), named("r", "丁戊己", emails=["b@qq.com"])),
        (named("l", "甲乙丙", codes=[GOOD[:-1] + "A"]), named("r", "丁戊己", codes=[GOOD[:-1] + "A"])),
        (named("same", "恒泰机械"), named("same", "恒泰机械")),
        (named("l", ""), named("r", "恒泰")),
    ],
    ids=["free mail", "failing code", "itself", "nothing"],
)
def test_what_a_record_is_not_found_by(left: Profile, right: Profile) -> None:
    assert index_of([right], POLICY).search(left) == ()


def test_a_common_key_is_not_searched_and_a_code_always_is() -> None:
    policy = IdentityPolicy(bucket_max=5, candidates_max=2)
    crowd = [named(f"r{at:02}", f"甲{chr(0x5000 + 3 * at)}", phones=["+8651262881234"]) for at in range(20)]
    assert index_of(crowd, policy).search(named("l", "丁戊己", phones=["+8651262881234"])) == ()
    coded = [named(f"r{at:02}", f"甲{chr(0x5000 + 3 * at)}", codes=[GOOD]) for at in range(20)]
    assert len(index_of(coded, policy).search(named("l", "丁戊己", codes=[GOOD]))) == 20


def test_removing_what_is_not_in_is_an_error() -> None:
    with pytest.raises(KeyError):
        CandidateIndex(POLICY).remove("nobody")


def test_a_new_record_is_matched_against_those_that_exist() -> None:
    known = [
        named("r1", "苏州恒泰机械有限公司"),
        named("r2", "苏州瑞达机械有限公司"),
        named("r3", "无锡恒泰机械有限公司"),
    ]
    new = named("l", "苏州市恒泰机械有限公司")
    found = matches(new, index_of(known, POLICY), Rarity([*known, new]), POLICY)
    assert (found[0].right, found[0].verdict) == ("r1", Verdict.SURE)
    assert all(one.verdict is not Verdict.NO for one in found)


def test_duplicates_in_one_system_are_suggested_as_groups() -> None:
    records = [
        named("1", "苏州恒泰机械有限公司"),
        named("2", "苏州市恒泰机械有限责任公司"),
        named("3", "恒泰（苏州）机械有限公司"),
        named("4", "无锡恒泰机械有限公司"),
        named("5", "上海瑞达贸易有限公司", codes=[GOOD]),
        named("6", "瑞达", codes=[GOOD]),
        named("7", "杭州华茂科技有限公司"),
    ]
    found = duplicates(records, POLICY)
    assert [(group.refs, group.certain) for group in found] == [(("1", "2", "3"), True), (("5", "6"), True)]
    assert duplicates(records[::-1], POLICY) == found
    told_apart = duplicates(records, POLICY, refused={("6", "5"), ("1", "2")})
    assert [(group.refs, group.certain) for group in told_apart] == [(("1", "2", "3"), False)]
