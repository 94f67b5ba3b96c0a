"""What people do at the far sides, at random by a seed: create, edit, empty, rename, void, delete."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

from ledgerbridge.model.base import Kind

from .far_sides import LEAD, Town

_WORDS: Final = "华泰 远东 明日 精工 恒源 宏图 天和 永兴 金石 瑞丰 安达 博远 长虹 德隆 富康 广厦 海润 佳兴 凯旋 联创"
_TRADES: Final = "机电 轴承 纸业 贸易 塑料 化工 电缆 五金 食品 纺织 仪表 阀门 钢构 玻璃 陶瓷 包装"
_PEOPLE: Final = "王伟 李娜 张敏 刘洋 陈静 杨帆 赵磊 黄丽 周杰 吴迪"
FIELDS: Final = ("name", "days", "phone", "mail", "seller", "memo", "state", "people")
"""The wire fields of a customer that people edit."""
_DAY: Final = date(2026, 2, 1)


class People:
    """Everybody who works at the far sides of a town. Same seed, same deeds."""

    def __init__(self, town: Town, seed: int) -> None:
        self.town = town
        self.rng = random.Random(seed)
        self.made = 0
        self.deeds: list[str] = []
        self.deleted: set[tuple[str, Kind, str]] = set()
        """Numbers and codes of what people deleted, by system."""

    def fill(self, customers: int, invoices: int, payments: int) -> None:
        """The ERP's books before the first round; some of the customers are known in the CRMs already."""
        for _ in range(customers):
            code = self.new_customer(LEAD)
            for system in self.town.systems[1:]:
                if self.rng.random() < 0.3:
                    self._put_customer(system, code)
        for _ in range(invoices):
            self.new_document(Kind.INVOICE)
        for _ in range(payments):
            self.new_document(Kind.PAYMENT)

    def edit(self) -> None:
        """One deed of somebody."""
        deed, weight = zip(*DEEDS, strict=True)
        self.rng.choices(deed, weight)[0](self)

    def new_customer(self, system: str) -> str:
        """A customer with a code of its own in one system."""
        self.made += 1
        code = f"{system[0].upper()}{self.made:05}"
        self._put_customer(system, code)
        return code

    def _put_customer(self, system: str, code: str) -> None:
        name = self._name(code, random.Random(code))
        body: dict[str, Any] = {"code": code, "name": name, "state": "1"}
        for field in ("days", "phone", "mail", "seller", "memo", "people"):
            if self.rng.random() < 0.5:
                body[field] = self.value(field, code)
        self._put(system, Kind.CUSTOMER, f"{system}-{code}", body)

    def new_document(self, kind: Kind) -> None:
        """An invoice or a payment of one of the ERP's customers."""
        customers = self._ids(LEAD, Kind.CUSTOMER)
        if not customers:
            return
        self.made += 1
        number = f"{'XS' if kind is Kind.INVOICE else 'SK'}{self.made:06}"
        party = self.rng.choice(customers)
        body = {"no": number, "day": self._day(), "cur": self.rng.choice(("CNY", "CNY", "USD", "JPY")), "state": "1"}
        body |= {"buyer": party, "total": self._money(body["cur"])} if kind is Kind.INVOICE else {
            "payer": party, "amount": self._money(body["cur"])
        }  # fmt: skip
        self._put(LEAD, kind, f"{kind.value}-{number}", body)

    # -- deeds

    def _create(self) -> None:
        kind = self.rng.choice((Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT))
        if kind is Kind.CUSTOMER:
            self.new_customer(self.rng.choice(self.town.systems))
        else:
            self.new_document(kind)

    def _same_on_both(self) -> None:
        """Two people enter the same new customer, each in their system."""
        code = self.new_customer(LEAD)
        self._put_customer(self.rng.choice(self.town.systems[1:]), code)

    def _edit_customer(self) -> None:
        self._edit_at(self.rng.choice(self.town.systems))

    def _edit_at(self, system: str, code: str | None = None, field: str | None = None) -> None:
        bodies = self.town.sides[system].bodies(Kind.CUSTOMER)
        ids = sorted(key for key, body in bodies.items() if code is None or body["code"] == code)
        if not ids:
            return
        external_id = self.rng.choice(ids)
        body = bodies[external_id]
        for one in [field] if field else self.rng.sample(FIELDS, self.rng.choice((1, 1, 2))):
            body[one] = self.value(one, str(body["code"]))
        self._put(system, Kind.CUSTOMER, external_id, body)

    def _edit_same_field(self) -> None:
        codes = sorted(str(body["code"]) for body in self.town.sides[LEAD].bodies(Kind.CUSTOMER).values())
        if codes:
            code, field = self.rng.choice(codes), self.rng.choice(FIELDS)
            for system in self.rng.sample(self.town.systems, self.rng.randint(2, len(self.town.systems))):
                self._edit_at(system, code, field)

    def _edit_document(self) -> None:
        kind, system = self.rng.choice((Kind.INVOICE, Kind.PAYMENT)), self.rng.choice(self.town.systems)
        bodies = self.town.sides[system].bodies(kind)
        if not bodies:
            return
        external_id = self.rng.choice(sorted(bodies))
        body = bodies[external_id]
        field = self.rng.choice(("day", "memo", "money", "money"))
        if field == "money":
            body["total" if kind is Kind.INVOICE else "amount"] = self._money(str(body["cur"]))
        elif field == "day":
            body["day"] = self._day()
        else:
            body["memo"] = self.value("memo", "")
        self._put(system, kind, external_id, body)

    def _void(self) -> None:
        kind = self.rng.choice((Kind.INVOICE, Kind.PAYMENT))
        system = self.rng.choice((LEAD, LEAD, LEAD, *self.town.systems[1:]))
        bodies = self.town.sides[system].bodies(kind)
        if bodies:
            external_id = self.rng.choice(sorted(bodies))
            self._put(system, kind, external_id, {**bodies[external_id], "state": "9"})

    def _delete(self) -> None:
        kind, system = self.rng.choice((Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT)), self.rng.choice(self.town.systems)
        bodies = self.town.sides[system].bodies(kind)
        if bodies:
            external_id = self.rng.choice(sorted(bodies))
            self.deleted.add((system, kind, str(bodies[external_id].get("code") or bodies[external_id].get("no"))))
            self.town.sides[system].remove(kind, external_id)
            self.deeds.append(f"delete {system} {kind} {external_id}")

    # -- values

    def _put(self, system: str, kind: Kind, external_id: str, body: dict[str, Any]) -> None:
        self.town.clock.advance(1)
        self.deeds.append(f"put {system} {kind} {external_id} {body}")
        self.town.sides[system].put(kind, external_id, body, modified_at=self.town.clock.now())

    def _ids(self, system: str, kind: Kind) -> list[str]:
        return sorted(self.town.sides[system].bodies(kind))

    def _name(self, code: str, rng: random.Random | None = None) -> str:
        rng = rng or self.rng
        return f"{rng.choice(_WORDS.split())}{rng.choice(_WORDS.split())}{rng.choice(_TRADES.split())}{code}有限公司"

    def value(self, field: str, code: str) -> Any:
        """What somebody types into a field of a customer; sometimes nothing."""
        rng = self.rng
        if field not in ("name", "state") and rng.random() < 0.2:
            return [] if field == "people" else ""
        made: dict[str, Callable[[], Any]] = {
            "name": lambda: self._name(code),
            "days": lambda: str(rng.choice((0, 15, 30, 45, 60, 90))),
            "phone": lambda: f"138{rng.randrange(10**8):08}",
            "mail": lambda: f"c{rng.randrange(1000)}@example.com",
            "seller": lambda: rng.choice(_PEOPLE.split()),
            "memo": lambda: rng.choice(("月结", "款到发货", "易碎", "两行\n备注", " 有空格 ")),
            "state": lambda: rng.choice("01"),
            "people": self._contacts,
        }
        return made[field]()

    def _contacts(self) -> list[dict[str, str]]:
        some = self.rng.sample(_PEOPLE.split(), self.rng.randint(1, 3))
        return [{"name": name, "mobile": f"139{self.rng.randrange(10**8):08}"} for name in some]

    def _day(self) -> str:
        return (_DAY + timedelta(days=self.rng.randrange(28))).isoformat()

    def _money(self, currency: str) -> str:
        minor = self.rng.randrange(1, 10_000_000)
        return str(minor) if currency == "JPY" else f"{minor // 100}.{minor % 100:02}"


DEEDS: Final[tuple[tuple[Callable[[People], None], float], ...]] = (
    (People._create, 3),
    (People._same_on_both, 0.5),
    (People._edit_customer, 6),
    (People._edit_same_field, 2),
    (People._edit_document, 3),
    (People._void, 0.7),
    (People._delete, 0.4),
)
"""What people do, and how often compared with the rest."""
