"""Who may have paid: customers by account, by name in any spelling, by what was learned, and by what the text quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import log2
from typing import Final

from ledgerbridge.reconciler.identity import (
    IdentityPolicy,
    NameParts,
    Profile,
    Rarity,
    fold,
    index_of,
    matches,
    named,
    vocabulary_of,
)

from .policy import RowPolicy
from .values import Confirmed, LearnedPayer, Party, Said

_SIGNS: Final = re.compile(r"\W")
_ACCOUNT_MIN: Final = 6
_CODE: Final = re.compile(r"[0-9A-Z]{6,20}")
_HAN: Final = re.compile(r"[㐀-鿿]")
_TOLD_APART: Final = -6.0
"""The payer's name is surely another customer's: an affiliate may pay, but seldom does."""
_STRANGE: Final = -2.0
"""Nobody's name: an affiliate or an agent of any customer."""
_ELSEWHERE: Final = {Confirmed.PERSON: -6.0, Confirmed.ERP: -4.0, Confirmed.MATCH: -2.5}
_OWN_ELSEWHERE: Final = -6.0
_OTHER_BRAND: Final = 0.3
_BRAND_HOLDS: Final = frozenset({"brands differ", "names contradict", "no brand"})
_AGENT_MAX: Final = 8
"""A payer for more customers than this (a payment platform) tells nothing about any."""
_HOLDS: Final = {Confirmed.PERSON: 0.98, Confirmed.ERP: 0.95, Confirmed.MATCH: 0.85}
"""How likely a payer that has paid for a customer once pays for the same one next time."""


class Payers:
    """The customers, to be asked who a payer may be. What was learned can be added to; the rest never changes."""

    def __init__(self, parties: Sequence[Party], learned: Iterable[LearnedPayer], policy: RowPolicy) -> None:
        self._count = max(len(parties), 2)
        self._policy = policy
        self._identity = IdentityPolicy(candidates_max=policy.names_max, doubtful_bits=-40.0)
        self._words = vocabulary_of(name for party in parties for name in party.names)
        profiles = [
            named(f"{at}#{number}", name, vocabulary=self._words)
            for at, party in enumerate(parties)
            for number, name in enumerate(dict.fromkeys(party.names))
            if name
        ]
        self._rarity = Rarity(profiles)
        self._index = index_of(profiles, self._identity)
        self._sounds: dict[str, set[int]] = {}
        self._seats: dict[int, set[str]] = {}
        self._sounds_made = False
        self._profiles = profiles
        self._whole: dict[str, set[int]] = {}
        self._codes: dict[str, set[int]] = {}
        self._accounts: dict[str, set[int]] = {}
        for at, party in enumerate(parties):
            for name in party.names:
                self._whole.setdefault(_plain(name), set()).add(at)
            for code in party.codes:
                self._codes.setdefault(_SIGNS.sub("", code).upper(), set()).add(at)
            for account in party.accounts:
                if len(plain := account_key(account)) >= _ACCOUNT_MIN:
                    self._accounts.setdefault(plain, set()).add(at)
        self._whole.pop("", None)
        self._places = {party.id: at for at, party in enumerate(parties)}
        self._learned: dict[str, dict[int, LearnedPayer]] = {}
        for one in learned:
            self.learn(one)
        self._names_seen: dict[str, dict[int, Said]] = {}

    def learn(self, one: LearnedPayer) -> None:
        """Use a payer from now on. One for a customer that is not here is passed over."""
        at = self._places.get(one.customer)
        key = "a" + account_key(one.account) if one.account else "n" + _plain(one.name)
        if at is None or len(key) < 3:
            return
        held = self._learned.setdefault(key, {}).get(at)
        if held is None or _HOLDS[held.confirmed] < _HOLDS[one.confirmed]:
            self._learned[key][at] = one

    def speaks(self, name: str, account: str, text: str) -> tuple[dict[int, list[Said]], list[Said]]:
        """What is said for each customer that anything speaks for, and what is said for (against) every other one.

        The first account that is known decides for accounts; of names, the best reading of each customer.
        """
        found: dict[int, list[Said]] = {}
        others: list[Said] = []
        for part, told, strange in (
            ("account", self._of_account(account), 0.0),
            ("payer name", self._of_name(name), _STRANGE if name else 0.0),
            ("text", self._of_text(text), 0.0),
        ):
            given, against = told
            if not given:
                if strange:
                    others.append(Said(part, "nobody's", strange))
                    for said in found.values():
                        said.append(Said(part, "nobody's", strange))
                continue
            rest = Said(part, "somebody else's", against)
            for at in given:
                found.setdefault(at, list(others))
            for at, said in found.items():
                said.append(given.get(at, rest))
            others.append(rest)
        return found, others

    def _share(self, count: int, holds: float) -> float:
        return log2(holds * self._count / count)

    def _of_account(self, account: str) -> tuple[dict[int, Said], float]:
        plain = account_key(account)
        if len(plain) < _ACCOUNT_MIN:
            return {}, 0.0
        own = self._accounts.get(plain, set())
        found = {at: Said("account", "the customer's", self._share(len(own), 0.98)) for at in own}
        learned = self._learned_for("a" + plain, "account")
        against = min([_OWN_ELSEWHERE] if own else [], default=0.0)
        return {**learned[0], **found}, against if own else learned[1]

    def _learned_for(self, key: str, part: str) -> tuple[dict[int, Said], float]:
        held = self._learned.get(key)
        if not held or len(held) > _AGENT_MAX:
            return {}, 0.0
        found = {
            at: Said(part, f"has paid for it ({one.confirmed})", self._share(len(held), _HOLDS[one.confirmed]))
            for at, one in held.items()
        }
        against = min(_ELSEWHERE[one.confirmed] for one in held.values())
        return found, against / len(held)

    def _of_name(self, name: str) -> tuple[dict[int, Said], float]:
        plain = _plain(name)
        if len(plain) < 2:
            return {}, 0.0
        learned, against = self._learned_for("n" + plain, "payer name")
        own = self._names_seen.get(plain)
        if own is None:
            own = self._names_seen[plain] = self._by_spelling(name, plain)
        if not own:
            return learned, against
        best = max(said.bits for said in own.values())
        worst = max(_TOLD_APART, -best / 2) if best > 0 else -0.5
        for at, said in learned.items():
            if at not in own or own[at].bits < said.bits:
                own = {**own, at: said}
        return own, worst if not learned else min(worst, against)

    def _by_spelling(self, name: str, plain: str) -> dict[int, Said]:
        """Customers whose name may be the payer's, with the bits that this gains them, best spelling first."""
        found: dict[int, Said] = {}
        whole = self._whole.get(plain, set())
        for at in whole:
            found[at] = Said("payer name", "the customer's", self._share(len(whole), 0.9) + 2.0)
        asked = named("payer", name, vocabulary=self._words)
        limit = log2(self._count)
        for one in matches(asked, self._index, self._rarity, self._identity):
            at = int(one.right.partition("#")[0])
            bits = min(one.score - self._rarity.prior, limit)
            bits = round(bits * (_OTHER_BRAND if _BRAND_HOLDS & {*one.held_back} else 1.0), 2)
            if at not in found and bits > 0:
                found[at] = Said("payer name", "like the customer's", bits)
        if not whole and not _HAN.search(name):
            for at, said in self._by_sound(asked).items():
                if at not in found or found[at].bits < said.bits:
                    found[at] = said
        return found

    def _by_sound(self, asked: Profile) -> dict[int, Said]:
        """A name in Latin letters as the sound of a Chinese one: brand, and the place if both tell it."""
        if not self._sounds_made:
            for one in self._profiles:
                if _HAN.search(one.name.brand):
                    at = int(one.ref.partition("#")[0])
                    self._sounds.setdefault(_sound(one.name), set()).add(at)
                    self._seats.setdefault(at, set()).update(part for place in one.name.places for part in place)
            self._sounds_made = True
        tried = dict.fromkeys(_latin_brands(asked.name))
        for brand in tried:
            alike = self._sounds.get(brand)
            if not alike or len(brand) < _ACCOUNT_MIN - 1:
                continue
            places = {place[-1] for place in asked.name.places}
            near = {at for at in alike if places & self._seats.get(at, set())} or alike
            bits = self._share(len(near), 0.5) - 1.0
            return {at: Said("payer name", f"sounds like {brand}", round(bits, 2)) for at in near}
        return {}

    def _of_text(self, text: str) -> tuple[dict[int, Said], float]:
        found: dict[int, Said] = {}
        for run in _CODE.findall(text.upper()):
            held = self._codes.get(run)
            if held:
                for at in held:
                    found[at] = Said("text", f"quotes {run}", self._share(len(held), 0.8))
        for piece in re.split(r"[\s,，、;；:：。/\d]+|代|付|货款|收", text):
            held = self._whole.get(_plain(piece)) if len(piece) >= 4 else None
            if held:
                for at in held:
                    found.setdefault(at, Said("text", f"names {piece}", self._share(len(held), 0.8)))
        return found, _TOLD_APART


def account_key(account: str) -> str:
    """A bank account as it is compared: letters and digits, upper case."""
    return _SIGNS.sub("", account).upper()


def _plain(name: str) -> str:
    return fold(name).replace(" ", "").replace("(", "").replace(")", "")


def _sound(name: NameParts) -> str:
    from pypinyin import lazy_pinyin

    return "".join(lazy_pinyin(name.brand)).lower()


def _latin_brands(name: NameParts) -> Iterable[str]:
    """What may be the brand of a name in Latin letters: neighbouring words that are no trade or form, the most first."""
    words = [unit for unit in name.units if unit.isascii() and unit.isalpha()]
    for count in range(len(words), 0, -1):
        for first in range(len(words) - count + 1):
            yield "".join(words[first : first + count])
