"""Seeded bank rows whose truth is known, damaged on purpose, and an account of which of them can be known at all.

Written from what payers and banks do, not from what the engine reads: five ways of numbering documents side by side, tax
invoice numbers, orders shared by documents, prices that many customers pay alike, the same rent every month, sister
companies with one brand, payers that stand in no list, agents that pay for several customers, prepayments, and money of
strangers.

Which of the rows can be known from what they say is decided in :mod:`knowable_rows`.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta

from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.reconciler.allocation import OpenItem
from ledgerbridge.reconciler.bankrows import BankRow, Party, PartyItem

FIRST = date(2026, 1, 1)
FEE_MAX = 5_000
REFERENCE_KINDS = (
    "missing",
    "doubled",
    "swapped",
    "cut",
    "split",
    "glued",
    "run_together",
    "first_only",
    "no_reference",
)
PAYER_KINDS = ("abbreviated", "translated", "affiliate", "no_payer")
KINDS = (*REFERENCE_KINDS, *PAYER_KINDS, "deduction")
DIGIT_KINDS = ("missing", "doubled", "swapped", "cut")

CITIES = {
    "苏州": "Suzhou", "无锡": "Wuxi", "上海": "Shanghai", "杭州": "Hangzhou", "宁波": "Ningbo", "深圳": "Shenzhen",
    "广州": "Guangzhou", "成都": "Chengdu", "武汉": "Wuhan", "青岛": "Qingdao", "大连": "Dalian", "天津": "Tianjin",
}  # fmt: skip
SYLLABLES = {
    "恒": "heng", "泰": "tai", "鑫": "xin", "瑞": "rui", "丰": "feng", "华": "hua", "盛": "sheng", "达": "da", "宏": "hong",
    "远": "yuan", "中": "zhong", "信": "xin", "天": "tian", "博": "bo", "联": "lian", "创": "chuang", "凯": "kai", "腾": "teng",
    "嘉": "jia", "德": "de", "顺": "shun", "安": "an", "金": "jin", "源": "yuan", "百": "bai", "川": "chuan", "隆": "long",
    "兴": "xing", "海": "hai", "通": "tong", "永": "yong", "祥": "xiang", "富": "fu", "康": "kang", "立": "li", "诚": "cheng",
}  # fmt: skip
TRADES = {
    "机械": "Machinery", "贸易": "Trading", "电子": "Electronics", "精密机械": "Precision Machinery", "科技": "Technology",
    "物流": "Logistics", "建材": "Building Materials", "包装材料": "Packaging", "汽车配件": "Auto Parts", "化工": "Chemical",
    "食品": "Food", "新材料": "New Materials",
}  # fmt: skip
FORMS = ("有限公司", "有限责任公司", "股份有限公司")
WORDS = ("货款", "付货款", "材料款", "支付货款", "采购款", "往来款")
PRICES = (100_000, 113_000, 226_000, 500_000, 565_000, 1_000_000, 1_130_000, 2_000_000, 3_390_000)


@dataclass(frozen=True)
class Firm:
    """A customer as it is registered."""

    id: str
    brand: str
    city: str
    trade: str
    form: str

    @property
    def name(self) -> str:
        return f"{self.city}{self.brand}{self.trade}{self.form}"

    def abbreviations(self) -> list[str]:
        return [f"{self.brand}{self.trade}", f"{self.city}{self.brand}", f"{self.city}{self.brand}{self.trade}"]

    def translations(self) -> list[str]:
        sound = "".join(SYLLABLES[one] for one in self.brand)
        trade = TRADES[self.trade]
        return [
            f"{CITIES[self.city]} {sound.title()} {trade} Co., Ltd.",
            f"{CITIES[self.city]} {' '.join(SYLLABLES[one] for one in self.brand)} {trade} Co Ltd".upper(),
        ]

    def spellings(self) -> list[str]:
        """The whole name in other words."""
        return [
            self.name, f"{self.brand}（{self.city}）{self.trade}{self.form}", f"{self.city}市{self.brand}{self.trade}{self.form}",
            f"{self.name} ",
        ]  # fmt: skip


@dataclass(frozen=True)
class Payer:
    """Somebody who pays for customers: the customer itself, an affiliate, an agent."""

    name: str
    account: str
    customers: tuple[str, ...]


@dataclass
class Truth:
    """What a row really is."""

    row: BankRow
    customer: str | None
    docs: tuple[str, ...]
    kinds: frozenset[str]
    typed: tuple[str, ...] = ()
    part: bool = False
    knowable: bool = False


@dataclass
class Books:
    """Customers, their documents and the rows."""

    firms: list[Firm]
    parties: list[Party]
    items: list[PartyItem]
    truths: list[Truth] = field(default_factory=list)


def make_books(seed: int, customers: int, documents: int, rows: int, kinds: tuple[str, ...], *, most: int = 1) -> Books:
    """Books with damaged rows: each row suffers up to `most` of `kinds` (with one kind, every row suffers it)."""
    rng = random.Random(seed)
    firms = make_firms(rng, customers)
    own_accounts = {firm.id: _account(rng) for firm in firms}
    parties = [
        Party(
            id=firm.id, names=(firm.name, *(firm.translations()[:1] if rng.random() < 0.25 else ())),
            accounts=(own_accounts[firm.id],) if rng.random() < 0.35 else (),
        )
        for firm in firms
    ]  # fmt: skip
    items = make_items(rng, firms, documents)
    books = Books(firms, parties, items)
    affiliates = _affiliates(rng, firms)
    by_customer: dict[str, list[OpenItem]] = defaultdict(list)
    for one in items:
        by_customer[one.customer].append(one.item)
    order = sorted(by_customer)
    weights = [len(by_customer[one]) for one in order]
    free = {customer: list(docs) for customer, docs in by_customer.items()}
    firm_of = {firm.id: firm for firm in firms}
    while len(books.truths) < rows:
        serial = len(books.truths)
        if rng.random() < 0.02:
            books.truths.append(_stranger(rng, serial))
            continue
        customer = rng.choices(order, weights)[0]
        if free[customer]:
            maker = _Row(rng, f"B{serial:06d}", firm_of[customer], own_accounts[customer], affiliates)
            books.truths.append(maker.make(free[customer], kinds, most))
        elif not any(free.values()):
            break
    return books


def make_firms(rng: random.Random, count: int) -> list[Firm]:
    """One in six has the brand of another, in another city or trade; some names differ in one character only."""
    firms: list[Firm] = []
    seen = set()
    brands: list[str] = []
    while len(firms) < count:
        if brands and rng.random() < 0.16:
            brand = rng.choice(brands)
        else:
            brand = "".join(rng.sample(sorted(SYLLABLES), rng.choice((2, 2, 3))))
            brands.append(brand)
        firm = Firm(
            f"C{len(firms):05d}", brand, rng.choice(sorted(CITIES)), rng.choice(sorted(TRADES)),
            rng.choices(FORMS, (85, 10, 5))[0],
        )  # fmt: skip
        if (firm.city, brand, firm.trade) not in seen:
            seen.add((firm.city, brand, firm.trade))
            firms.append(firm)
    return firms


def make_items(rng: random.Random, firms: list[Firm], count: int) -> list[PartyItem]:
    """Documents of half a year. Most customers have few, some many; each numbers its documents in one of five ways."""
    weights = [rng.paretovariate(1.3) for _ in firms]
    owners = rng.choices(firms, weights, k=count)
    rents = {firm.id: rng.randrange(200, 4_000) * 1_000 for firm in firms}
    items = []
    order = contract = ""
    for serial, firm in enumerate(owners, start=1):
        day = FIRST + timedelta(days=serial * 170 // count)
        draw = rng.random()
        if draw < 0.55:
            amount = int(10 ** rng.uniform(4.3, 7.6))
        elif draw < 0.75:
            amount = rng.randrange(5, 3_000) * 10_000
        elif draw < 0.90:
            amount = rng.choice(PRICES) * rng.choice((1, 1, 2, 3))
        else:
            amount = rents[firm.id]
        numbers = [_number(firm, serial, day)]
        if rng.random() < 0.6:
            numbers.append(f"2632200000{serial + 12_000_000:010d}" if serial % 3 else f"{41_000_000 + serial * 7:08d}")
        if not order or rng.random() < 0.7:
            order, contract = f"DD{day:%y%m}-{serial:05d}", f"HT-{day.year}-{serial:05d}"
            orderer = firm
        references = (order, contract) if orderer is firm and rng.random() < 0.5 else ()
        item = OpenItem(
            id=f"I{serial:07d}", numbers=tuple(numbers), references=references, kind=InvoiceKind.INVOICE,
            amount_minor=amount, open_minor=amount, currency="CNY", issued_on=day, due_on=day + timedelta(days=30),
        )  # fmt: skip
        items.append(PartyItem(firm.id, item))
    return items


def _number(firm: Firm, serial: int, day: date) -> str:
    return (
        f"XS{day:%Y%m}{serial:06d}", f"INV-{day.year}-{serial:06d}", f"SI/{day:%y/%m}/{serial:05d}", f"{day:%Y%m%d}{serial:06d}",
        f"AR{serial + 880_000:07d}",
    )[int(firm.id[1:]) % 5]  # fmt: skip


def _account(rng: random.Random) -> str:
    return "".join(rng.choices("0123456789", k=rng.choice((16, 17, 19))))


def _affiliates(rng: random.Random, firms: list[Firm]) -> dict[str, list[Payer]]:
    """Payers in no list: a holding of the same brand, a firm of another name, an owner; agents of two or three customers."""
    found: dict[str, list[Payer]] = defaultdict(list)
    for firm in firms:
        other = "".join(rng.sample(sorted(SYLLABLES), 3))
        name = rng.choice(
            (f"{firm.brand}控股集团有限公司", f"{rng.choice(sorted(CITIES))}{other}投资有限公司", f"王{other[:2]}")
        )
        found[firm.id].append(Payer(name, _account(rng), (firm.id,)))
    for _ in range(len(firms) // 40):
        some = rng.sample(firms, rng.choice((2, 3)))
        agent = Payer(f"{rng.choice(sorted(CITIES))}{''.join(rng.sample(sorted(SYLLABLES), 3))}供应链有限公司", _account(rng),
                      tuple(firm.id for firm in some))  # fmt: skip
        for firm in some:
            found[firm.id].append(agent)
    return found


def _stranger(rng: random.Random, serial: int) -> Truth:
    """Money that has nothing to do with any customer."""
    amount = rng.choice((int(10 ** rng.uniform(3, 7)), rng.choice(PRICES)))
    name = f"{rng.choice(sorted(CITIES))}{''.join(rng.sample(sorted(SYLLABLES), 3))}{rng.choice(('银行', '保险公司', '税务局'))}"
    text = rng.choice(("利息", "退税", "理赔款", f"退款{rng.randrange(10**7, 10**8)}"))
    row = BankRow(
        id=f"B{serial:06d}", amount_minor=amount, currency="CNY", received_on=FIRST + timedelta(days=rng.randrange(60, 200)),
        payer_name=name, payer_account=_account(rng), text=text,
    )  # fmt: skip
    return Truth(row, None, (), frozenset())


class _Row:
    """One row in the making."""

    def __init__(
        self, rng: random.Random, row_id: str, firm: Firm, account: str, affiliates: dict[str, list[Payer]]
    ) -> None:
        self.rng, self.id, self.firm, self.account, self.affiliates = rng, row_id, firm, account, affiliates

    def make(self, free: list[OpenItem], kinds: tuple[str, ...], most: int) -> Truth:
        rng = self.rng
        docs, part = self._choose(free)
        suffered = self._suffer(kinds, most, len(docs))
        for one in docs:
            free.remove(one)
        on_account = rng.random() < 0.03
        amount = int(10 ** rng.uniform(4.3, 7.3)) if on_account else sum(one.open_minor for one in docs)
        if on_account:
            free += docs
            docs, part, suffered = [], False, suffered & {*PAYER_KINDS}
        if part:
            amount = amount * rng.randrange(20, 80) // 100
        if "deduction" in suffered and not part:
            fees = (1_000, 1_500, 2_000, 2_500, 5_000, rng.randrange(1, FEE_MAX))
            amount -= min(rng.choice(fees), amount // 20)
        last = max((one.issued_on for one in docs), default=FIRST + timedelta(days=90))
        name, account = self._payer(suffered)
        typed, text = self._text(docs, suffered)
        row = BankRow(
            id=self.id, amount_minor=amount, currency="CNY", received_on=last + timedelta(days=rng.randrange(1, 75)),
            payer_name=name, payer_account=account, text=text,
        )  # fmt: skip
        return Truth(row, self.firm.id, tuple(sorted(one.id for one in docs)), frozenset(suffered), typed, part)

    def _choose(self, free: list[OpenItem]) -> tuple[list[OpenItem], bool]:
        rng = self.rng
        draw = rng.random()
        if draw < 0.70 or len(free) < 2:
            return [rng.choice(free)], draw < 0.03
        count = min(rng.choice((2, 2, 3, 4)), len(free))
        if rng.random() < 0.6:
            start = rng.randrange(len(free) - count + 1)
            return free[start : start + count], False
        return rng.sample(free, min(count, 3)), False

    def _suffer(self, kinds: tuple[str, ...], most: int, docs: int) -> set[str]:
        rng = self.rng
        if most == 1:
            return set(kinds[:1])
        some = set(rng.sample(kinds, rng.randint(0, min(most, len(kinds)))))
        if rng.random() < 0.8:
            some.discard("no_reference")
        if docs < 2:
            some -= {"first_only", "run_together"}
        if len(some & {*PAYER_KINDS}) > 1:
            keep = rng.choice(sorted(some & {*PAYER_KINDS}))
            some -= {*PAYER_KINDS} - {keep}
        return some

    def _payer(self, suffered: set[str]) -> tuple[str, str]:
        rng = self.rng
        account = self.account if rng.random() < 0.75 else ""
        if "affiliate" in suffered:
            payer = rng.choice(self.affiliates[self.firm.id])
            return payer.name, payer.account if rng.random() < 0.85 else ""
        if "no_payer" in suffered:
            return rng.choice(("", "支付宝（中国）网络技术有限公司", "财付通支付科技有限公司")), ""
        if "abbreviated" in suffered:
            return rng.choice(self.firm.abbreviations()), account if rng.random() < 0.5 else ""
        if "translated" in suffered:
            return rng.choice(self.firm.translations()), account if rng.random() < 0.5 else ""
        if suffered & {*DIGIT_KINDS, "split", "glued", "run_together"} and rng.random() < 0.35:
            return "", ""  # so that the numbers matter
        return rng.choice(self.firm.spellings()), account

    def _text(self, docs: list[OpenItem], suffered: set[str]) -> tuple[tuple[str, ...], str]:
        rng = self.rng
        word = rng.choice(WORDS)
        if not docs or "no_reference" in suffered:
            return (), rng.choice(("预付款", "订金") if not docs and rng.random() < 0.6 else (word, ""))
        named = docs[:1] if "first_only" in suffered else docs
        typed, written = [], []
        for one in named:
            number = rng.choice(one.numbers)
            if one.references and rng.random() < 0.12:
                number = rng.choice(one.references)
            for kind in DIGIT_KINDS:
                if kind in suffered and (kind != "cut" or len(suffered & {*DIGIT_KINDS}) < 2 or rng.random() < 0.5):
                    number = damage(rng, number, kind)
            typed.append(number)
            if "split" in suffered:
                at = rng.randrange(3, len(number) - 2) if len(number) > 6 else 2
                number = f"{number[:at]} {number[at:]}"
            written.append(number)
        if "glued" in suffered:
            before, after = ("付", "NO", "发票号", "货款单号", "FP"), ("款", "货款", "请查收")
            written = [f"{rng.choice(before)}{one}{rng.choice(after)}" for one in written]
        text = ("" if "run_together" in suffered else rng.choice(("、", ",", " / ", "；", "+", "，"))).join(written)
        if "first_only" in suffered and len(docs) > 1:
            text += f"等{len(docs)}张" if rng.random() < 0.7 else "等"
        return tuple(typed), rng.choice((text, f"{word}{text}", f"{text}{word}", f"{word} {text} 请查收"))


def damage(rng: random.Random, number: str, kind: str) -> str:
    """`number` with one damage. Signs are no digits; what cannot be damaged stays."""
    at_digits = [at for at, one in enumerate(number) if one.isdigit()]
    if kind == "cut":
        plain = len(at_digits)
        if plain < 7:
            return number
        if rng.random() < 0.75:
            return number[-rng.randint(4, min(9, plain - 1)) :]  # the last ones
        return number[: -rng.randint(1, 2)]
    at = rng.choice(at_digits[len(at_digits) // 3 :])
    if kind == "missing":
        return number[:at] + number[at + 1 :]
    if kind == "doubled":
        return number[:at] + number[at] + number[at:]
    swappable = [one for one in at_digits if one + 1 in at_digits and number[one] != number[one + 1]]
    if not swappable:
        return number
    at = rng.choice(swappable[len(swappable) // 3 :])
    return number[:at] + number[at + 1] + number[at] + number[at + 2 :]
