from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.reconciler.identity import KNOWN, Vocabulary, fold, parts, vocabulary_of
from ledgerbridge.reconciler.identity.characters import SIMPLIFIED
from ledgerbridge.reconciler.identity.places import BRANDLIKE, PLACES
from ledgerbridge.reconciler.identity.trades import Form
from ledgerbridge.sandbox.world.words import TRADITIONAL

NAMES = st.text(
    alphabet="苏州上海恒泰鑫機械贸易有限责任公司集团分厂店（）()[] 　ＡＢab1Co.,Ltd&-éßİ㎏가が\u200b市区省", max_size=30
)


@given(NAMES | st.text(max_size=30))
def test_folding_a_folded_text_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(NAMES | st.text(max_size=30))
def test_any_text_has_parts_and_blanks_and_width_do_not_change_them(name: str) -> None:
    found = parts(name)
    assert found.text == found.text.strip()
    assert parts(f" {name}\u3000") == found
    assert parts(fold(name)) == found


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("苏州恒泰（集团）有限公司", "苏州恒泰(集团)有限公司"),
        ("ＡＢＫ 电子　科技", "abk电子科技"),
        ("上海恆泰貿易有限公司", "上海恒泰贸易有限公司"),
        ("Müller  Maschinenbau GmbH", "muller maschinenbau gmbh"),
        ("Weiß & Söhne", "weiss sohne"),
        ("Co., Ltd.", "co ltd"),
        ("恒泰【苏州】", "恒泰(苏州)"),
        ("恒\u200b泰", "恒泰"),
        ("ガス", "ガス"),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_traditional_characters_of_company_names_are_all_known_and_settled() -> None:
    for simplified, traditional in TRADITIONAL.items():
        assert fold(traditional) == fold(simplified)
    assert not any(ord(new) in SIMPLIFIED for new in SIMPLIFIED.values())


@pytest.mark.parametrize(
    ("name", "brand", "places", "trade", "form"),
    [
        ("苏州恒泰精密机械有限公司", "恒泰", ["江苏苏州"], "精密机械", Form.COMPANY),
        ("苏州市恒泰精密机械有限责任公司", "恒泰", ["江苏苏州"], "精密机械", Form.COMPANY),
        ("江苏省苏州市恒泰机械有限公司", "恒泰", ["江苏苏州"], "机械", Form.COMPANY),
        ("苏州市吴江区恒泰机械有限公司", "恒泰", ["江苏苏州吴江"], "机械", Form.COMPANY),
        ("恒泰（苏州）机械股份有限公司", "恒泰", ["江苏苏州"], "机械", Form.JOINT_STOCK),
        ("恒泰机械(苏州市)有限公司", "恒泰", ["江苏苏州"], "机械", Form.COMPANY),
        ("恒泰苏州机械有限公司", "恒泰", ["江苏苏州"], "机械", Form.COMPANY),
        ("中国恒泰贸易（上海）有限公司", "恒泰", ["上海"], "贸易", Form.COMPANY),
        ("上海恒泰（苏州）贸易有限公司", "恒泰", ["江苏苏州", "上海"], "贸易", Form.COMPANY),
        ("北京市朝阳区恒泰建材经营部（个体工商户）", "恒泰", ["北京朝阳"], "建材", Form.SHOP),
        ("苏州恒泰五金厂", "恒泰", ["江苏苏州"], "五金", Form.FACTORY),
        ("苏州恒泰投资（有限合伙）", "恒泰", ["江苏苏州"], "投资", Form.PARTNERSHIP),
        ("恒泰汽配经营部", "恒泰", [], "汽车配件", Form.SHOP),
        ("大同机械有限公司", "大同", [], "机械", Form.COMPANY),
        ("大同恒泰机械有限公司", "恒泰", ["山西大同"], "机械", Form.COMPANY),
        ("苏州机械有限公司", "机械", ["江苏苏州"], "", Form.COMPANY),
        ("华联超市有限公司", "华联", [], "超市", Form.COMPANY),
        ("新昌市恒泰贸易有限公司", "新昌恒泰", [], "贸易", Form.COMPANY),
        ("恒泰轴瓦有限公司", "恒泰轴瓦", [], "", Form.COMPANY),
        ("苏州", "苏州", [], "", Form.UNKNOWN),
        ("恒泰贸易（已注销）", "恒泰", [], "贸易", Form.UNKNOWN),
        ("恒泰（丙）贸易有限公司", "恒泰丙", [], "贸易", Form.COMPANY),
        ("Evergreen Trading Pte. Ltd.", "evergreen", [], "trading", Form.COMPANY),
        ("ORION Trading (H.K.) Limited", "orion", ["香港"], "trading", Form.COMPANY),
        ("Müller Maschinenbau GmbH", "mullermaschinenbau", [], "", Form.COMPANY),
        ("", "", [], "", Form.UNKNOWN),
    ],
)
def test_parts(name: str, brand: str, places: list[str], trade: str, form: Form) -> None:
    found = parts(name)
    assert (brand, sorted(places), trade, form) == (
        found.brand,
        sorted("".join(place) for place in found.places),
        "".join(found.trade),
        found.form,
    )


@pytest.mark.parametrize(
    ("name", "branch", "group"),
    [
        ("恒泰贸易有限公司苏州分公司", "苏州分公司", False),
        ("恒泰贸易苏州第二分公司", "苏州第二分公司", False),
        ("恒泰贸易有限公司", "", False),
        ("恒泰（集团）有限公司", "", True),
        ("恒泰集团股份有限公司", "", True),
        ("恒泰集团", "", True),
    ],
)
def test_branches_and_groups(name: str, branch: str, group: bool) -> None:
    found = parts(name)
    assert ("恒泰", branch, group) == (found.brand, found.branch, found.group)


def test_a_name_parsed_without_any_word_is_all_brand() -> None:
    found = parts("苏州恒泰机械有限公司", Vocabulary(places={}, trades={}))
    assert found.brand == "苏州恒泰机械"
    assert found.form is Form.COMPANY


def test_words_that_begin_or_end_many_brands_are_learned_in_any_order() -> None:
    brands = [fold(chr(0x5000 + at) + chr(0x5400 + at)) for at in range(60)]
    names = [f"新昌{brand}轴瓦有限公司" for brand in brands]
    learned = vocabulary_of(names)
    assert learned == vocabulary_of(names[::-1] + names)
    found = parts(names[0], learned)
    assert (brands[0], (("", "新昌"),), ("轴瓦",)) == (found.brand, found.places, found.trade)
    assert vocabulary_of(names[:20]) == KNOWN
    longer = vocabulary_of([f"新昌浦{brand}滑动轴瓦有限公司" for brand in brands])
    assert (set(longer.places) - set(KNOWN.places), set(longer.trades) - set(KNOWN.trades)) == (
        {"新昌浦"},
        {"滑动轴瓦"},
    )


def test_every_brandlike_place_is_a_place_and_paths_begin_with_a_province() -> None:
    assert set(PLACES) >= BRANDLIKE
    assert all(PLACES[path[0]] == path[:1] and path[-1] == name for name, path in PLACES.items())


@pytest.mark.parametrize(
    "name", ["苏州", "恒泰（苏州）有限公司", "恒泰苏州机械", "苏州恒泰机械有限公司", "机械", "恒泰机械"]
)
def test_a_longer_word_that_begins_or_ends_alike_changes_no_name_that_lacks_it(name: str) -> None:
    places = {**KNOWN.places, "苏州湾畔": ("", "苏州湾畔")}
    trades = {**KNOWN.trades, "矿山用机械": ("矿山用机械",)}
    assert parts(name, Vocabulary(places, trades)) == parts(name)
