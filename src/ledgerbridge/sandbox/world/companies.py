"""The customers: who they are, where they sit, who sells to them, and under which terms."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from .amounts import EXPONENTS
from .codes import credit_code, legacy_tax_number, organisation_code
from .facts import Company
from .moments import imported_at, office_hours
from .names import Name, Names, person
from .places import HONG_KONG, HONG_KONG_STREETS, SEVEN_DIGIT_CITIES, STREETS, Place, mainland, short_city
from .words import BANKS, CLASSES, TITLES

# Which slot of every forty customers is what, so that even a small world has one of each.
_SLOTS: Final = {7: "foreign", 19: "hong_kong", 11: "shop", 31: "shop", 23: "institution"}
_KIND_OF_CODE: Final = {"company": "91", "shop": "92", "institution": "12"}
_CREDIT_DAYS: Final = (0, 15, 30, 30, 30, 45, 60, 60, 90)
_CLASS_NAMES: Final = dict(CLASSES)


@dataclass(frozen=True, slots=True)
class Salesperson:
    """Who looks after customers."""

    code: str
    name: str
    department_code: str


def make_salespersons(rng: random.Random, customers: int) -> tuple[Salesperson, ...]:
    """About one for forty customers, at least five, in up to four departments; names are distinct."""
    people: list[Salesperson] = []
    taken: set[str] = set()
    while len(people) < max(5, min(120, customers // 40)):
        name = person(rng).name
        if name not in taken:
            taken.add(name)
            people.append(Salesperson(f"S{len(people) + 1:03d}", name, f"020{len(people) % 4 + 1}"))
    return tuple(people)


def bank_account(rng: random.Random, city: str) -> tuple[str, str]:
    """A bank's branch and an account number of the length that bank uses."""
    bank, prefix, length = rng.choice(BANKS)
    digits = "".join(rng.choices("0123456789", k=length - len(prefix)))
    return f"{bank}{short_city(city)}分行", prefix + digits


class Customers:
    """Makes companies one after the other from one stream of random numbers."""

    def __init__(self, rng: random.Random, names: Names, first_day: date, last_day: date, customers: int) -> None:
        self._rng = rng
        self._names = names
        self._first_day = first_day
        self._last_day = last_day
        self._salespersons = make_salespersons(rng, customers)
        self._code_width = max(4, len(str(customers)))
        self._agents = [self._names.company(self._place()).full for _ in range(3 + customers // 100)]

    @property
    def salespersons(self) -> tuple[Salesperson, ...]:
        """Everyone who sells."""
        return self._salespersons

    def _place(self) -> Place:
        places, weights = mainland()
        return self._rng.choices(places, weights)[0]

    def make(self, index: int) -> Company:
        """Customer number `index`, counted from 0."""
        kind = _SLOTS.get(index % 40, "company")
        currency = "CNY"
        if kind == "foreign":
            name, place, currency = self._names.foreign()
        elif kind == "hong_kong":
            name, place = self._names.hong_kong(), self._rng.choice(HONG_KONG)
            currency = self._rng.choice(("HKD", "HKD", "USD"))
        else:
            place = self._place()
            name = {"company": self._names.company, "shop": self._names.shop, "institution": self._names.institution}[
                kind
            ](place)
            if kind == "company" and self._rng.random() < 0.015:
                currency = "USD"
        return self._company(index, kind, name, place, currency)

    def _company(self, index: int, kind: str, name: Name, place: Place, currency: str) -> Company:
        rng = self._rng
        class_code = self._class_code(kind)
        sales = rng.choice(self._salespersons)
        contact = person(rng)
        bank_name, account = bank_account(rng, place.city)
        opened_on, disabled_on = self._life(index)
        created_at = office_hours(rng, opened_on)
        touched = self._first_day + timedelta(days=rng.randrange((self._last_day - self._first_day).days + 1))
        touched = max(touched, opened_on, disabled_on or touched)
        modified_at = imported_at(touched.replace(day=1)) if rng.random() < 0.15 else office_hours(rng, touched)
        return Company(
            key=f"C{index + 1:06d}",
            code=f"{class_code}{index + 1:0{self._code_width}d}",
            name=name.full,
            short_name=name.short,
            credit_code=self._credit_code(kind, place),
            province=place.province,
            city=place.city,
            district=place.district,
            address=self._address(place),
            region_code=place.region_code,
            phone=self._phone(place) if rng.random() < 0.85 else "",
            mobile=self._mobile(place) if rng.random() < 0.8 else "",
            email=f"{contact.pinyin}@{name.domain}.example.com" if rng.random() < 0.7 else "",
            contact=(contact.name + rng.choice(TITLES)) if rng.random() < 0.93 else "",
            bank_name=bank_name,
            bank_account=account,
            class_code=class_code,
            class_name=_CLASS_NAMES[class_code],
            industry=name.industry,
            salesperson_code=sales.code,
            salesperson=sales.name,
            credit_limit=self._credit_limit(currency),
            credit_days=rng.choice(_CREDIT_DAYS),
            currency=currency,
            opened_on=opened_on,
            disabled_on=disabled_on,
            remark=rng.choice(("", "", "", "", "月结客户", "款到发货", "开票前需核对订单号", "老客户，注意回款")),
            created_at=created_at,
            modified_at=max(created_at, modified_at),
            payers=self._payers(kind, contact.name, place),
        )

    def _credit_limit(self, currency: str) -> int | None:
        """In minor units: 50 000 to 3 000 000 major units (yen: ten times that), None for a quarter of them."""
        ten_thousands = self._rng.choice((None, None, 5, 10, 20, 50, 100, 300))
        if ten_thousands is None:
            return None
        return ten_thousands * 10_000 * (10 if currency == "JPY" else 10 ** EXPONENTS[currency])

    def _class_code(self, kind: str) -> str:
        fixed = {"foreign": "04", "hong_kong": "04", "shop": "05", "institution": "06"}
        return fixed.get(kind) or self._rng.choices(("01", "02", "03"), (5, 4, 1))[0]

    def _credit_code(self, kind: str, place: Place) -> str | None:
        if kind not in _KIND_OF_CODE:
            return None
        organisation = organisation_code(self._rng)
        draw = self._rng.random()
        if draw < 0.03:
            return legacy_tax_number(place.region_code, organisation)
        return None if draw < 0.07 else credit_code(_KIND_OF_CODE[kind], place.region_code, organisation)

    def _address(self, place: Place) -> str:
        number = self._rng.randint(1, 1999)
        if not place.region_code:
            return f"{number} Industrial Road, {place.city}"
        if place.region_code == "810000":
            return f"香港{place.district}{self._rng.choice(HONG_KONG_STREETS)}{number}號"
        province = "" if place.province == place.city else place.province
        room = self._rng.choice(
            ("", "", f"{self._rng.randint(1, 30)}幢", f"{self._rng.randint(1, 28)}{number % 10:02d}室")
        )
        return f"{province}{place.city}{place.district}{self._rng.choice(STREETS)}{number}号{room}"

    def _phone(self, place: Place) -> str:
        digits = self._rng.randint(2_000_000, 8_999_999)
        if not place.region_code:
            return f"{place.area_code}{digits // 10000} {digits % 10000:04d}"
        if place.region_code == "810000":
            return f"+852 2{digits // 10000} {digits % 10000:04d}"
        number = str(digits) if place.city in SEVEN_DIGIT_CITIES else f"{self._rng.choice('5688')}{digits}"
        return f"{place.area_code}-{number}"

    def _mobile(self, place: Place) -> str:
        if not place.region_code:
            return ""
        if place.region_code == "810000":
            return f"+852 9{self._rng.randint(100, 999)} {self._rng.randint(1000, 9999)}"
        number = f"{self._rng.choice(('138', '139', '136', '158', '186', '177', '189'))}{self._rng.randint(0, 99_999_999):08d}"
        return f"+86{number}" if self._rng.random() < 0.5 else number

    def _life(self, index: int) -> tuple[date, date | None]:
        rng = self._rng
        span = (self._last_day - self._first_day).days
        if rng.random() < 0.12 and span > 40:
            return self._first_day + timedelta(days=rng.randrange(span // 2)), None
        opened_on = self._first_day - timedelta(days=rng.randint(30, 3650))
        if index % 40 == 37 and rng.random() < 0.5:  # of those without business, some are closed
            return opened_on, self._first_day + timedelta(days=rng.randrange(span + 1))
        return opened_on, None

    def _payers(self, kind: str, contact: str, place: Place) -> tuple[str, ...]:
        rng = self._rng
        if kind in ("foreign", "hong_kong") or rng.random() > 0.3:
            return ()
        found = []
        if kind == "shop" or rng.random() < 0.35:
            found.append(contact)
        if rng.random() < 0.5:
            found.append(rng.choice(self._agents))
        if not found or rng.random() < 0.4:
            found.append(self._names.company(place).full)
        return tuple(found)
