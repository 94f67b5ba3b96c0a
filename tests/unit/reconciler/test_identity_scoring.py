from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.model.customer import Customer
from ledgerbridge.model.party import Address, BankAccount, Contact
from ledgerbridge.reconciler.identity import (
    Evidence,
    IdentityPolicy,
    Profile,
    Rarity,
    Scored,
    Verdict,
    named,
    profile,
    score,
)

POLICY = IdentityPolicy()
SURE, DOUBTFUL, NO = Verdict.SURE, Verdict.DOUBTFUL, Verdict.NO
CODE = "91110000600037341L"
GOOD, GOOD_TOO = "91310000132200821H", "91110000100003962Y"
CITIES = ["苏州", "上海", "无锡", "杭州", "深圳"]
TRADES = ["贸易", "机械", "科技", "电子", "物流", "建材"]
OTHERS = [
    named(
        f"o{at}",
        f"{CITIES[at % 5]}{chr(0x5000 + 7 * at % 331)}{chr(0x5600 + 11 * at % 397)}{TRADES[at % 6]}有限公司",
    )
    for at in range(400)
]


def judged(left: Profile, right: Profile, policy: IdentityPolicy = POLICY) -> Scored:
    return score(left, right, Rarity([left, right, *OTHERS]), policy)


def by_names(left: str, right: str) -> Scored:
    return judged(named("l", left), named("r", right))


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        ("苏州恒泰精密机械有限公司", "苏州恒泰精密机械有限公司", SURE),
        ("苏州恒泰精密机械有限公司", "苏州市恒泰精密机械有限责任公司", SURE),
        ("恒泰（苏州）机械有限公司", "苏州恒泰机械 有限公司", SURE),
        ("恒泰(苏州)机械有限公司", "恒泰机械（苏州）有限公司", SURE),
        ("上海恒泰貿易有限公司", "上海恒泰贸易有限公司", SURE),
        ("ＡＢＫ电子科技（深圳）有限公司", "深圳abk电子科技有限公司", SURE),
        ("苏州恒泰汽配经营部", "苏州恒泰汽车配件经营部（个体工商户）", SURE),
        ("Evergreen Trading Pte. Ltd.", "EVERGREEN TRADING PTE LTD", SURE),
        ("Chengxing Development (H.K.) Limited", "Chengx ing Development (H.K.) Limited", SURE),
        ("苏州恒泰精密机械有限公司", "恒泰精密机械有限公司", SURE),
        # sisters: same brand, another city or another trade
        ("苏州恒泰机械有限公司", "无锡恒泰机械有限公司", DOUBTFUL),
        ("苏州恒泰机械有限公司", "苏州恒泰贸易有限公司", DOUBTFUL),
        ("苏州恒泰机械有限公司", "苏州恒泰精密机械有限公司", DOUBTFUL),
        ("苏州恒泰机械有限公司", "无锡恒泰贸易有限公司", NO),
        # group and member, parent and branch
        ("上海恒泰贸易有限公司", "上海恒泰（集团）有限公司", DOUBTFUL),
        ("恒泰集团有限公司", "上海恒泰贸易有限公司", DOUBTFUL),
        ("恒泰贸易有限公司", "恒泰贸易有限公司苏州分公司", DOUBTFUL),
        ("恒泰贸易有限公司苏州分公司", "恒泰贸易有限公司无锡分公司", DOUBTFUL),
        ("恒泰贸易有限公司苏州分公司", "恒泰贸易有限公司（苏州分公司）", SURE),
        # a wrong character, a short name
        ("苏州恒泰鑫精密机械有限公司", "苏州恒秦鑫精密机械有限公司", DOUBTFUL),
        ("苏州恒泰精密机械有限公司", "苏州恒秦精密机械有限公司", DOUBTFUL),
        ("苏州恒泰精密机械有限公司", "恒泰", DOUBTFUL),
        ("苏州恒泰精密机械有限公司", "苏州恒泰", DOUBTFUL),
        ("张伟", "张伟", DOUBTFUL),
        ("苏州市第一中学", "苏州第一中学", SURE),
        # other firms
        ("苏州恒泰机械有限公司", "苏州瑞达机械有限公司", NO),
        ("苏州恒泰机械有限公司", "上海瑞达贸易有限公司", NO),
        ("苏州市第一中学", "苏州市第二中学", NO),
        ("苏州恒泰机械厂", "苏州恒泰机械有限公司", DOUBTFUL),
    ],
)
def test_pairs_of_names(left: str, right: str, verdict: Verdict) -> None:
    found = by_names(left, right)
    assert verdict is found.verdict, found.why
    assert by_names(right, left).verdict is verdict


def test_the_score_is_the_sum_of_its_evidence_and_says_why() -> None:
    found = by_names("苏州恒泰机械有限公司", "无锡恒泰机械有限公司")
    assert found.score == pytest.approx(sum(one.points for one in found.evidence))
    place = next(one for one in found.evidence if one.part == "place")
    assert place == Evidence("place", "different", -8.0, "江苏苏州", "江苏无锡")
    assert found.held_back == ("places differ",)
    assert "place different -8.0" in found.why


WORDS = st.sampled_from(
    ["苏州", "上海", "恒泰", "瑞达", "鑫", "贸易", "机械", "（集团）", "有限公司", "厂", "分公司", "abk", " ", "江苏"]
)
FIRMS = st.lists(WORDS, min_size=1, max_size=7).map("".join)
FACTS = st.fixed_dictionaries(
    {
        "phones": st.sets(st.sampled_from(["+8613800000001", "+8613800000002"])),
        "accounts": st.sets(st.sampled_from(["6222000011112222", "6217000011112222"])),
        "emails": st.sets(st.sampled_from(["a@hengtai.cn", "b@hengtai.cn", "a@qq.com"])),
        "codes": st.lists(st.sampled_from([GOOD, GOOD_TOO, "91110000600037341M", "110000600037341"]), max_size=2),
        "contacts": st.sets(st.sampled_from(["张伟", "张伟先生", "李娜"])),
        "short_names": st.sets(st.sampled_from(["恒泰", "瑞达"])),
        "addresses": st.lists(
            st.sampled_from([Address(city="苏州市", street="人民路1号"), Address(province="上海市")]), max_size=2
        ),
    }
)  # fmt: skip


@given(FIRMS, FIRMS, FACTS, FACTS)
def test_scores_are_symmetric(
    left: str, right: str, left_facts: dict[str, object], right_facts: dict[str, object]
) -> None:
    one = named("l", left, **left_facts)  # type: ignore[arg-type]
    other = named("r", right, **right_facts)  # type: ignore[arg-type]
    rarity = Rarity([one, other, *OTHERS[:50]])
    there, back = score(one, other, rarity, POLICY), score(other, one, rarity, POLICY)
    assert (there.score, there.verdict, there.held_back) == (back.score, back.verdict, back.held_back)
    assert [(item.part, item.finding, item.points, item.right, item.left) for item in there.evidence] == [
        (item.part, item.finding, item.points, item.left, item.right) for item in back.evidence
    ]


@given(st.permutations(OTHERS[:40]))
def test_rarity_does_not_depend_on_order(profiles: list[Profile]) -> None:
    one, other = named("l", "苏州恒泰机械有限公司"), named("r", "苏州恒秦机械厂")
    expected = score(one, other, Rarity(OTHERS[:40]), POLICY)
    assert score(one, other, Rarity(profiles), POLICY) == expected


def test_a_rare_brand_says_more_than_a_frequent_one() -> None:
    crowd = [
        named(f"c{at}", f"{city}恒泰{trade}有限公司")
        for at, (city, trade) in enumerate(zip(CITIES * 9, TRADES * 9, strict=False))
    ]
    rarity = Rarity([*OTHERS, *crowd])
    brands = []
    for name in ("恒泰贸易有限公司", "瑞达贸易有限公司"):
        found = score(named("l", name), named("r", name), rarity, POLICY)
        brands.append(next(one.points for one in found.evidence if one.part == "brand"))
    assert brands[0] < brands[1] - 2


def test_an_equal_credit_code_decides_though_names_are_spelled_apart() -> None:
    found = judged(named("l", "苏州恒泰机械有限公司", codes=[GOOD]), named("r", "恒泰", codes=[f" {GOOD.lower()} "]))
    assert found.verdict is SURE
    assert found.by_code


def test_an_equal_credit_code_under_contradicting_names_is_doubtful() -> None:
    found = judged(named("l", "苏州恒泰机械有限公司", codes=[GOOD]), named("r", "上海瑞达贸易有限公司", codes=[GOOD]))
    assert (found.verdict, found.held_back) == (DOUBTFUL, ("names contradict",))


def test_an_equal_credit_code_of_parent_and_branch_is_doubtful() -> None:
    found = judged(named("l", "恒泰贸易有限公司", codes=[GOOD]), named("r", "恒泰贸易有限公司苏州分公司", codes=[GOOD]))
    assert (found.verdict, found.held_back) == (DOUBTFUL, ("branch",))


@pytest.mark.parametrize(
    ("right", "reason"),
    [
        ("恒泰鑫贸易有限公司苏州分公司", "branch"),
        ("恒泰鑫贸易集团有限公司", "group"),
        ("上海恒泰鑫贸易有限公司", None),
        ("恒泰鑫机械有限公司", "trades differ"),
    ],
)
def test_what_cannot_be_sure_is_not_even_with_much_in_common(right: str, reason: str | None) -> None:
    facts = {"phones": ["+8651262881234"], "accounts": ["6222000011112222"], "contacts": ["张伟"]}
    found = judged(named("l", "恒泰鑫贸易有限公司", **facts), named("r", right, **facts))  # type: ignore[arg-type]
    assert found.score > POLICY.sure_bits
    assert (found.verdict, found.held_back) == ((DOUBTFUL, (reason,)) if reason else (SURE, ()))


@pytest.mark.parametrize(
    ("right", "least", "most"),
    [
        ("苏州恒泰鑫精密机械有限责任公司", -0.5, 0.0),
        ("恒泰鑫精密机械有限责任公司", -9.0, -1.0),
        ("无锡恒泰鑫精密机械有限责任公司", -9.0, -2.0),
    ],
    ids=["place and trade", "place missing", "other place"],
)
def test_sisters_are_possible_unless_place_and_trade_agree(right: str, least: float, most: float) -> None:
    facts = {"accounts": ["6222000011112222"]}
    found = judged(named("l", "苏州恒泰鑫精密机械有限公司", **facts), named("r", right, **facts))  # type: ignore[arg-type]
    assert least <= next(one.points for one in found.evidence if one.part == "sisters") <= most


def test_different_credit_codes_are_never_sure_under_equal_names() -> None:
    names = "苏州恒泰鑫精密机械有限公司"
    facts = {"phones": ["+8651262881234"], "accounts": ["6222000011112222"]}
    found = judged(named("l", names, codes=[GOOD], **facts), named("r", names, codes=[GOOD_TOO], **facts))  # type: ignore[arg-type]
    assert found.verdict is DOUBTFUL
    assert "credit codes differ" in found.held_back


def test_a_failing_credit_code_matches_nothing_and_is_reported() -> None:
    failing = "91110000600037341M"
    left, right = named("l", "恒泰机械有限公司", codes=[failing]), named("r", "瑞达贸易有限公司", codes=[failing])
    assert (left.code, left.failing_code) == ("", failing)
    found = judged(left, right)
    assert found.verdict is NO
    assert Evidence("credit code", "fails its check", 0.0, failing, failing) in found.evidence
    assert found.score == judged(replace(left, failing_code=""), replace(right, failing_code="")).score


def test_an_old_tax_number_meets_the_credit_code_that_replaced_it() -> None:
    left = named("l", "恒泰机械有限公司", codes=[CODE])
    right = named("r", "恒泰机械厂", codes=[CODE[2:17]])
    assert (left.code, right.tax) == (CODE, CODE[2:17])
    assert any(one[:2] == ("organisation code", "same") for one in judged(left, right).evidence)


def test_keys_count_only_where_the_caller_says_so() -> None:
    left, right = Customer(name="恒泰", code="C1"), Customer(name="恒泰机械有限公司", code="C1")
    assert judged(profile("l", left), profile("r", right)).verdict is DOUBTFUL
    found = judged(profile("l", left, keys=["code:C1"]), profile("r", right, keys=["code:C1"]))
    assert found.verdict is SURE


def test_a_bank_account_confirms_a_misspelt_name_and_nothing_else_does() -> None:
    left, right = "苏州恒泰鑫精密机械有限公司", "苏州恒秦鑫精密机械有限公司"
    account, contact = ["6222 0000 1111 2222"], ["张伟先生"]
    assert judged(named("l", left, accounts=account), named("r", right, accounts=["6222000011112222"])).verdict is SURE
    by_contact = judged(named("l", left, contacts=contact), named("r", right, contacts=["张伟"]))
    assert any(one[:2] == ("contact", "same") for one in by_contact.evidence)
    assert by_contact.held_back == ("brands differ",)
    bold = IdentityPolicy(misspelt_may_be_sure=True)
    assert judged(named("l", left), named("r", right), bold).verdict is SURE


def test_contact_data_in_common_never_links_other_names() -> None:
    facts = {"phones": ["+8651262881234"], "accounts": ["6222000011112222"], "emails": ["a@hengtai.cn"]}
    found = judged(named("l", "苏州恒泰机械有限公司", **facts), named("r", "上海瑞达贸易有限公司", **facts))  # type: ignore[arg-type]
    assert found.verdict is DOUBTFUL
    assert "names contradict" in found.held_back


def test_a_number_that_many_hold_says_little() -> None:
    phone = ["+8651262881234"]
    left, right = named("l", "恒泰机械有限公司", phones=phone), named("r", "恒泰贸易有限公司", phones=phone)
    crowd = [named(f"c{at}", f"代理{at}", phones=phone) for at in range(30)]
    rare, common = (score(left, right, Rarity([left, right, *more]), POLICY) for more in (OTHERS, [*OTHERS, *crowd]))
    points = [next(one.points for one in found.evidence if one.part == "phone") for found in (rare, common)]
    assert points == [8.0, 0.0]


def test_free_mail_domains_are_no_evidence_and_own_ones_are() -> None:
    free = judged(named("l", "恒泰", emails=["a@qq.com"]), named("r", "恒泰", emails=["b@qq.com"]))
    own = judged(named("l", "恒泰", emails=["a@hengtai.cn"]), named("r", "恒泰", emails=["b@hengtai.cn"]))
    assert not any(one.part == "mail domain" for one in free.evidence)
    assert any(one[:2] == ("mail domain", "same") for one in own.evidence)


@pytest.mark.parametrize(("city", "finding"), [("苏州市", "same"), ("无锡市", "different")])
def test_an_address_tells_the_place_that_a_name_leaves_out(city: str, finding: str) -> None:
    found = judged(named("l", "苏州恒泰机械有限公司"), named("r", "恒泰机械有限公司", addresses=[Address(city=city)]))
    assert any(one[:2] == ("seat", finding) for one in found.evidence)


def test_a_customer_becomes_a_profile() -> None:
    customer = Customer(
        name="苏州恒泰机械有限公司",
        short_name="恒泰机械",
        credit_code=GOOD,
        tax_number="110000600037341",
        contacts=(Contact(name="张伟经理", mobile="+8613800000001", email="Zhang@Hengtai.cn"),),
        phone="+8651262881234",
        email="office@163.com",
        addresses=(Address(province="江苏省", city="苏州市", district="吴江区", street="人民路 1号"),),
        bank_accounts=(BankAccount(account="6222 0000-1111 2222"),),
    )
    found = profile("erp/customer/1", customer)
    assert found.aliases == {"恒泰机械"}
    assert (found.code, found.tax, found.failing_code) == (GOOD, "110000600037341", "")
    assert found.phones == {"+8651262881234", "+8613800000001"}
    assert (found.emails, found.domains) == ({"zhang@hengtai.cn", "office@163.com"}, {"hengtai.cn"})
    assert (found.contacts, found.accounts) == ({"张伟"}, {"6222000011112222"})
    assert (found.addresses, found.seats) == (("人民路1号",), {("江苏", "苏州", "吴江")})
    assert found.keys == frozenset()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sure_bits": 1.0, "doubtful_bits": 1.0}, "must be below sure_bits"),
        ({"margin_bits": 0.0}, "ties would be guessed"),
        ({"candidates_max": 1}, "a runner-up is needed"),
    ],
)
def test_a_policy_that_would_guess_is_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        IdentityPolicy(**wrong)  # type: ignore[arg-type]
