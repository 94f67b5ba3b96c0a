"""A company's name taken apart: places, brand, trade, legal form, branch.

Nothing is thrown away that tells two companies apart: what no list knows stays in the brand. Registered names of the
mainland are place + brand + trade + form (企业名称登记管理规定, articles 6 to 12), the place also in brackets after the brand
or before the form; people leave out the place, swap or drop the form and write brackets, blanks and widths as they like.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from .characters import SIMPLIFIED
from .places import LATIN, SUFFIXES, Place
from .trades import BRANCHES, FORMS, GROUPS, LATIN_BRANCHES, LATIN_FORMS, LATIN_GROUPS, STATES, Form
from .vocabulary import KNOWN, Vocabulary

_OPEN: Final = "([{<〔【〖《〈「『｛"
_CLOSE: Final = ")]}>〕】〗》〉」』｝"
_SIGNS: Final[dict[int, str | None]] = {
    **dict.fromkeys(map(ord, ".'`’‘“”\"·•・。、,，;；:：!！?？*#^~_|\\")),
    **dict.fromkeys(map(ord, _OPEN), "("),
    **dict.fromkeys(map(ord, _CLOSE), ")"),
    **dict.fromkeys(map(ord, "&+-–—－/@"), " "),
}
_SUFFIX_STARTS: Final = frozenset(suffix[0] for suffix in SUFFIXES)
_FORM_ENDS: Final = frozenset(word[-1] for word in FORMS)
_PLAIN: Final = re.compile(r"[\u3400-\u9fff()]*")
_PLAIN_LATIN: Final = re.compile(r"[\u3400-\u9fffa-z0-9()]*")
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_INVISIBLE: Final = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\x00-\x08\x0e-\x1f\x7f]"
)
_INNER: Final = re.compile(r"(?<=[a-z0-9]) (?=[a-z0-9])")
_UNIT: Final = re.compile(r"[a-z]+|[0-9]+|[^\sa-z0-9()]")
_CHINA: Final = ("中国",)
_BRACKETS: Final = re.compile(r"\(([^()]*)\)")
_ORDINAL: Final = re.compile(r"第?[一二三四五六七八九十0-9]+$")
_CITY: Final = re.compile(r"([\u4e00-\u9fff]{2,3})(?<![超夜菜股都城门上])市(?=[\u4e00-\u9fff]{4})")
_DISTRICT: Final = re.compile(
    r"([\u4e00-\u9fff]{1,3}?)(?<![园社小特景校])(?:新区|开发区|区|县|镇|街道)(?=[\u4e00-\u9fffa-z0-9]{3})"
)


def fold(text: str) -> str:
    """`text` in the one spelling that is compared: NFKC, lower case, no accents, simplified, plain brackets and blanks.

    Blanks stay only between Latin words or numbers; full stops, commas and quotation marks go. Folding a folded text
    changes nothing.
    """
    if _PLAIN.fullmatch(text):  # most Chinese names need nothing but this
        return text.translate(SIMPLIFIED)
    while True:
        once = _folded(text)
        if once == text or _PLAIN_LATIN.fullmatch(once):
            return once
        text = once


def _folded(text: str) -> str:
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.casefold())
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))
    text = text.casefold().translate(_SIGNS).translate(SIMPLIFIED)
    return _single_blanks(text)


def _single_blanks(text: str) -> str:
    """One blank between Latin words or numbers, none elsewhere."""
    text = " ".join(text.split())
    return text if " " not in text else "\x00".join(_INNER.split(text)).replace(" ", "").replace("\x00", " ")


@dataclass(frozen=True, slots=True)
class NameParts:
    """What a name says. Two names that differ only in spelling have equal parts."""

    text: str
    """The folded name without brackets and blanks; empty if the name holds nothing that can be compared."""
    units: tuple[str, ...]
    """The brand: one unit for each Chinese character, Latin word and number."""
    places: tuple[Place, ...]
    """Most exact first met; places that hold one another are one. Without 中国."""
    trade: tuple[str, ...]
    form: Form
    group: bool
    branch: str
    """What names the branch, with its word (苏州分公司); empty for a firm of its own."""

    @property
    def brand(self) -> str:
        """The brand as text; Latin words one after the other."""
        return "".join(self.units)

    @property
    def bare(self) -> bool:
        """Is this a brand only, as in a short name, so that it may stand for several firms?"""
        return not self.trade and self.form is Form.UNKNOWN


def parts(name: str, vocabulary: Vocabulary = KNOWN) -> NameParts:
    """The parts of `name`, as far as `vocabulary` knows its words. Any text has parts; an odd one is all brand."""
    folded = fold(name)
    return _Reading(folded, vocabulary).parts()


class _Reading:
    """One name being taken apart from both ends."""

    __slots__ = ("_branch", "_form", "_group", "_places", "_rest", "_whole", "_words")

    def __init__(self, folded: str, vocabulary: Vocabulary) -> None:
        self._words = vocabulary
        self._whole = folded.replace("(", "").replace(")", "").replace(" ", "")
        self._places: list[Place] = []
        self._form = Form.UNKNOWN
        self._group = False
        self._branch = ""
        self._rest = folded

    def parts(self) -> NameParts:
        if "(" in self._rest or ")" in self._rest:
            rest = _BRACKETS.sub(lambda match: f" {self._bracket(match)} ", self._rest)
            self._rest = _single_blanks(rest.replace("(", " ").replace(")", " "))
        self._take_branch()
        self._take_forms()
        self._take_latin_end()
        self._take_front_places()
        trade = self._take_trades()
        units = tuple(_UNIT.findall(self._rest))
        if not units and trade:  # 苏州机械有限公司: what it does is what it is called
            units, trade = tuple(_UNIT.findall("".join(trade))), ()
        places = tuple([place for place in self._places if place != _CHINA])
        return NameParts(self._whole, units, places, trade, self._form, self._group, self._branch)

    def _bracket(self, match: re.Match[str]) -> str:
        inner = match.group(1)
        if inner in STATES:
            self._whole = self._whole.replace(inner, "", 1) if self._whole != inner else self._whole
            return ""
        if inner in GROUPS:
            self._group = True
            return ""
        if inner in FORMS:
            self._set_form(FORMS[inner])
            return ""
        if inner in LATIN:
            self._add_place(LATIN[inner])
            return ""
        at = 0
        found: list[Place] = []
        while at < len(inner):
            end, place = self._place_at(inner, at)
            if place is None:
                return inner
            found.append(place)
            at = end
        for place in found:
            self._add_place(place)
        return ""

    def _set_form(self, form: Form) -> None:
        if self._form is Form.UNKNOWN or form is Form.JOINT_STOCK:
            self._form = form

    def _add_place(self, place: Place) -> None:
        for at, known in enumerate(self._places):
            if place[: len(known)] == known:
                self._places[at] = place
                return
            if known[: len(place)] == place:
                return
        self._places.append(place)

    def _place_at(self, text: str, at: int) -> tuple[int, Place | None]:
        """The longest known place at `at` with what follows its short form, and where it ends."""
        for size in self._words.place_sizes.get(text[at : at + 2], ()):
            word = text[at : at + size]
            place = self._words.places.get(word)
            if place is not None:
                end = at + len(word)
                if text[end : end + 1] not in _SUFFIX_STARTS:
                    return end, place
                for suffix in SUFFIXES:
                    if text.startswith(suffix, end) and not (
                        suffix == "区" and len(place) == 1 and len(text) - end < 4
                    ):
                        return end + len(suffix), place
                return end, place
        return at, None

    def _take_branch(self) -> None:
        if not self._rest.endswith(BRANCHES):
            return
        for word in BRANCHES:
            if not self._rest.endswith(word) or len(self._rest) < len(word) + 2:
                continue
            head = self._rest.removesuffix(word)
            cut = head.rfind("公司")
            if cut >= 0:
                self._branch = head[cut + 2 :] + word
                self._rest = head[: cut + 2]
                return
            shorter = _ORDINAL.sub("", head)
            for size in range(min(self._words.longest_place + 1, len(shorter) - 2), 1, -1):
                end, place = self._place_at(shorter, len(shorter) - size)
                if place is not None and end == len(shorter):
                    shorter = shorter[:-size]
                    break
            self._branch, self._rest = head[len(shorter) :] + word, shorter
            return

    def _take_forms(self) -> None:
        for _ in range(3):
            taken = self._take_form() or self._take_group()
            if not taken:
                return

    def _take_form(self) -> bool:
        if self._rest[-1:] not in _FORM_ENDS:
            return False
        for size in range(min(6, len(self._rest) - 1), 0, -1):
            form = FORMS.get(self._rest[-size:])
            if form is not None:
                self._set_form(form)
                self._rest = self._rest[:-size]
                return True
        return False

    def _take_group(self) -> bool:
        if not self._rest.endswith(GROUPS):
            return False
        for word in GROUPS:
            if self._rest.endswith(word) and len(self._rest) > len(word):
                self._group = True
                self._rest = self._rest.removesuffix(word)
                return True
        return False

    def _take_latin_end(self) -> None:
        rest = self._rest
        if not rest or not (rest[-1].isascii() and rest[-1].isalnum()):
            return
        tokens = rest.split(" ")
        while len(tokens) > 1:
            last = tokens[-1]
            if last in LATIN_FORMS:
                self._set_form(LATIN_FORMS[last])
            elif last in LATIN_GROUPS:
                self._group = True
            elif last in LATIN_BRANCHES:
                self._branch = last
            elif last in LATIN:
                self._add_place(LATIN[last])
            else:
                break
            tokens.pop()
        self._rest = " ".join(tokens)

    def _take_front_places(self) -> None:
        at = 0
        rest = self._rest
        for _ in range(4):
            end, place = self._place_at(rest, at)
            if place is None:
                break
            bare = rest[end - 1] == place[-1][-1]
            if bare and place[-1] in self._words.brandlike and not self._brand_after(rest[end:]):
                break
            if bare and len(place) > 1 and len(rest) - end < 2:
                break  # 苏州 alone, or with one character, is all the name there is
            self._add_place(place)
            at = end
        if at and self._places and (district := _DISTRICT.match(rest, at)):
            self._add_place((*self._places[-1], district.group(1)))
            at = district.end()
        if not at and (city := _CITY.match(rest)):
            rest = city.group(1) + rest[city.end() :]
        if len(rest) - at >= 2 or not at:
            self._rest = rest[at:]
        if not self._places:
            self._take_latin_front()

    def _take_latin_front(self) -> None:
        for word, place in LATIN.items():
            if self._rest.startswith(word + " ") and self._rest.count(" ") > 1:
                self._add_place(place)
                self._rest = self._rest.removeprefix(word + " ")
                return

    def _brand_after(self, text: str) -> bool:
        """Is there more in `text` than words for a trade?"""
        while text and (size := self._trade_at_end(text)):
            text = text[:-size]
        return len(text) >= 2

    def _trade_at_end(self, text: str) -> int:
        trades = self._words.trades
        if text[-1] <= "z":
            last = text.rsplit(" ", 1)[-1]
            return len(last) if last in trades else 0
        for size in self._words.trade_sizes.get(text[-2:], ()):
            word = text[-size:]
            if word in trades:
                return len(word)
        return 0

    def _take_trades(self) -> tuple[str, ...]:
        """Trade words from the end, in the order they stand; a brand of two characters (or one word) stays."""
        found: list[str] = []
        rest = self._rest
        while rest and (size := self._trade_at_end(rest)):
            before = rest[:-size].rstrip()
            if not before and not self._places:
                break
            if len(before) == 1 and before > "z":
                break
            found[:0] = self._words.trades[rest[-size:]]
            rest = before
        rest = self._take_place_at_end(rest)
        self._rest = rest
        return tuple(found)

    def _take_place_at_end(self, rest: str) -> str:
        """恒泰苏州机械: a place whose brackets were lost."""
        for size in range(min(self._words.longest_place + 1, len(rest) - 2), 1, -1):
            end, place = self._place_at(rest, len(rest) - size)
            if place is not None and end == len(rest) and place[-1] not in self._words.brandlike:
                self._add_place(place)
                return rest[:-size]
        return rest
