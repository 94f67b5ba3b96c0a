"""Names of companies, shops, institutions, foreign firms and persons, distinct but often close to one another."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .places import Place, short_city, short_province
from .words import (
    BRAND_CHARS,
    FOREIGN,
    FORMS,
    GIVEN,
    HONG_KONG_TRADES,
    INSTITUTIONS,
    LATIN_BRANDS,
    SHOPS,
    SURNAMES,
    TRADES,
    TRADITIONAL,
)

_SAME_BRAND_SHARE: Final = 0.18
_TO_FULL_WIDTH: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def full_width(text: str) -> str:
    """ASCII letters, digits and signs in their full-width forms."""
    return text.translate(_TO_FULL_WIDTH)


def traditional(text: str) -> str:
    """The characters that company names use, in traditional form."""
    return "".join(TRADITIONAL.get(character, character) for character in text)


@dataclass(frozen=True, slots=True)
class Person:
    """A person's name, and in pinyin for mail addresses."""

    name: str
    pinyin: str


@dataclass(frozen=True, slots=True)
class Name:
    """A firm's registered name. `domain` is the first label of its mail domain."""

    full: str
    short: str
    industry: str
    domain: str


def person(rng: random.Random) -> Person:
    """Two or three characters."""
    surname, surname_pinyin = rng.choice(SURNAMES)
    given = rng.choices(GIVEN, k=rng.choice((1, 2, 2)))
    return Person(
        surname + "".join(character for character, _ in given),
        f"{surname_pinyin}.{''.join(pinyin for _, pinyin in given)}",
    )


class Names:
    """Draws names that are not `taken` and that it has not drawn before.

    About one brand in six is used again, in another city or trade.
    """

    def __init__(self, rng: random.Random, taken: Iterable[str] = ()) -> None:
        self._rng = rng
        self._taken = set(taken)
        self._brands: list[tuple[str, str]] = []

    def company(self, place: Place) -> Name:
        """A mainland company with limited liability: region, brand, trade, legal form in the usual orders."""
        while True:
            name = self._company(place)
            if self._take(name.full):
                return name

    def shop(self, place: Place) -> Name:
        """An individual's business (个体工商户): city, district, brand and what kind of shop."""
        while True:
            brand, pinyin = self._brand()
            kind = self._rng.choice(SHOPS)
            full = f"{place.city}{place.district if place.district != place.city else ''}{brand}{kind}"
            if self._take(full):
                return Name(full, brand + kind, "批发零售", pinyin)

    def institution(self, place: Place) -> Name:
        """A hospital, school or institute of a city; numbered when the city has one already."""
        city = short_city(place.city)
        kind = self._rng.choice(INSTITUTIONS)
        for name in (f"{place.city}{kind}", f"{place.city}{place.district}{kind}"):
            if self._take(name):
                return Name(name, city + kind, "公共机构", f"{place.region_code}.org")
        while True:
            branch = self._rng.randint(2, 9999)
            if self._take(f"{place.city}{place.district}{kind}第{branch}分部"):
                return Name(f"{place.city}{place.district}{kind}第{branch}分部", city + kind, "公共机构", "org")

    def foreign(self) -> tuple[Name, Place, str]:
        """A firm abroad: its name, where it is (the area code is the country's prefix), its currency."""
        while True:
            stems, seconds, forms, country, city, currency, prefix = self._rng.choice(FOREIGN)
            stem = self._rng.choice(stems.split())
            if self._rng.random() < 0.3 or len(self._taken) > 2000:
                stem = f"{stem} {self._rng.choice(LATIN_BRANDS).title()}{self._rng.randint(2, 99)}"
            full = f"{stem} {self._rng.choice(seconds.split())} {self._rng.choice(forms.split('|'))}"
            if self._take(full):
                label = "".join(c for c in stem.lower() if c.isascii() and c.isalnum()) or "mail"
                return Name(full, stem, "贸易", label), Place(country, city, "", "", prefix), currency

    def hong_kong(self) -> Name:
        """A Hong Kong firm, in traditional characters or in English."""
        while True:
            brand, pinyin = self._brand()
            if self._rng.random() < 0.7:
                trade = self._rng.choice(HONG_KONG_TRADES)
                prefix = self._rng.choice(("香港", "", ""))
                full = f"{prefix}{traditional(brand)}{trade}有限公司"
                short = traditional(brand) + trade
            else:
                full = f"{pinyin.title()} {self._rng.choice(('Trading', 'Industrial', 'Development'))} (H.K.) Limited"
                short = pinyin.title()
            if self._take(full):
                return Name(full, short, "贸易", pinyin)

    def _take(self, name: str) -> bool:
        if name in self._taken:
            return False
        self._taken.add(name)
        return True

    def _brand(self) -> tuple[str, str]:
        if self._brands and self._rng.random() < _SAME_BRAND_SHARE:
            return self._rng.choice(self._brands)
        chars = self._rng.choices(BRAND_CHARS, k=2 if self._rng.random() < 0.8 else 3)
        brand = "".join(char for char, _ in chars), "".join(pinyin for _, pinyin in chars)
        self._brands.append(brand)
        return brand

    def _company(self, place: Place) -> Name:
        rng = self._rng
        brand, pinyin = self._brand()
        if rng.random() < 0.04:
            latin = rng.choice(LATIN_BRANDS)
            brand, pinyin = (full_width(latin) if rng.random() < 0.5 else latin), latin.lower()
        trade, industry = rng.choice(TRADES)
        form = rng.choices([form for form, _ in FORMS], [weight for _, weight in FORMS])[0]
        city, province = short_city(place.city), short_province(place.province)
        draw = rng.random()
        if draw < 0.58:
            full = f"{city}{brand}{trade}{form}"
        elif draw < 0.70:
            full = f"{place.city}{brand}{trade}{form}"
        elif draw < 0.80:
            full = f"{province}{brand}{trade}{form}"
        elif draw < 0.88:
            full = f"{brand}（{city}）{trade}{form}"
        elif draw < 0.94:
            full = f"{brand}{trade}({city}){form}"
        elif draw < 0.96:
            full = f"中国{brand}{trade}（{city}）{form}"
        else:
            full = f"{brand}{trade}{form}"
        short = brand + trade[:2] if rng.random() < 0.6 else city + brand
        return Name(full, short, industry, pinyin)
