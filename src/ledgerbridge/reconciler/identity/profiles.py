"""What one record says about who it is, made ready for comparing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from stdnum.cn import uscc

from ledgerbridge.model.customer import Customer
from ledgerbridge.model.party import Address

from .name import NameParts, fold, parts
from .places import Place
from .vocabulary import KNOWN, Vocabulary

_FREE_MAIL_TEXT: Final = """
qq.com vip.qq.com foxmail.com 163.com vip.163.com 126.com 188.com yeah.net 139.com 189.cn wo.cn sina.com sina.cn
vip.sina.com sohu.com tom.com 21cn.com 263.net aliyun.com eyou.com chinaren.com gmail.com googlemail.com hotmail.com
outlook.com live.com live.cn msn.com yahoo.com yahoo.cn yahoo.com.cn yahoo.com.hk icloud.com me.com proton.me gmx.de
web.de mail.ru
"""
FREE_MAIL: Final = frozenset(_FREE_MAIL_TEXT.split())
"""Mail domains that say nothing about whose an address is."""

_NONE: Final[frozenset[str]] = frozenset()
_SIGNS: Final = re.compile(r"\W")
_LEGACY_TAX: Final = re.compile(r"[0-9]{6}[0-9A-Z]{9}")


@dataclass(frozen=True, slots=True)
class Profile:
    """One record's identity. Everything is folded; what a record does not say is empty."""

    ref: str
    """Names the record in its system; unique there."""
    name: NameParts
    aliases: frozenset[str] = frozenset()
    """Folded short names."""
    code: str = ""
    """A valid unified social credit code."""
    failing_code: str = ""
    """What stands for a credit code and is none. Never compared, only reported."""
    tax: str = ""
    """A tax number of before 2015: six region digits and the nine characters of the organisation code."""
    keys: frozenset[str] = frozenset()
    """Codes and numbers that mean the same in both systems, because the caller says so; with a prefix for each kind."""
    phones: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    """Mail domains of its own."""
    accounts: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()
    addresses: tuple[str, ...] = ()
    """Streets with numbers."""
    seats: frozenset[Place] = frozenset()
    """Where the addresses are."""

    @property
    def organisation(self) -> str:
        """The nine characters of the organisation code: the same in a firm's credit code and its old tax number."""
        return self.code[8:17] or self.tax[6:15]

    @property
    def has_facts(self) -> bool:
        """Is anything known besides the name and short names?"""
        return bool(
            self.code or self.failing_code or self.tax or self.keys or self.phones or self.emails
            or self.accounts or self.contacts or self.addresses or self.seats
        )  # fmt: skip


def named(
    ref: str,
    name: str,
    *,
    short_names: Iterable[str] = (),
    codes: Iterable[str] = (),
    keys: Iterable[str] = (),
    phones: Iterable[str] = (),
    emails: Iterable[str] = (),
    accounts: Iterable[str] = (),
    contacts: Iterable[str] = (),
    addresses: Iterable[Address] = (),
    vocabulary: Vocabulary = KNOWN,
) -> Profile:
    """The profile of anything that has a name: a customer, a payer on a bank row.

    `codes` are credit codes or tax numbers as they are written: the first valid credit code counts, one of 18 characters
    that fails its check is kept apart. `phones` are E.164.
    """
    said = parts(name, vocabulary)
    texts = [text for short in short_names if short and (text := parts(short, vocabulary).text) and text != said.text]
    code, failing, tax = _codes(codes) if codes else ("", "", "")
    mails = frozenset([mail.strip().casefold() for mail in emails if mail])
    places = tuple(addresses)
    return Profile(
        ref=ref,
        name=said,
        aliases=frozenset(texts),
        code=code,
        failing_code=failing,
        tax=tax,
        keys=frozenset(keys),
        phones=frozenset([phone for phone in phones if phone]),
        emails=mails,
        domains=frozenset([mail.rpartition("@")[2] for mail in mails]) - FREE_MAIL if mails else _NONE,
        accounts=frozenset([plain for account in accounts if len(plain := _SIGNS.sub("", account)) >= 8]),
        contacts=frozenset([text for contact in contacts if (text := _person(contact))]),
        addresses=tuple(sorted({text for place in places if (text := fold(place.street or ""))})) if places else (),
        seats=frozenset([seat for place in places if (seat := _seat(place, vocabulary))]) if places else frozenset(),
    )


def profile(ref: str, customer: Customer, *, keys: Iterable[str] = (), vocabulary: Vocabulary = KNOWN) -> Profile:
    """The profile of a canonical customer. `keys`: see :attr:`Profile.keys`; the customer's own code is not one by itself."""
    people = customer.contacts
    return named(
        ref,
        customer.name,
        short_names=_present([customer.short_name]),
        codes=_present([customer.credit_code, customer.tax_number]),
        keys=keys,
        phones=_present([customer.phone, *(one.phone for one in people), *(one.mobile for one in people)]),
        emails=_present([customer.email, *(one.email for one in people)]),
        accounts=[one.account for one in customer.bank_accounts],
        contacts=_present([one.name for one in people]),
        addresses=customer.addresses,
        vocabulary=vocabulary,
    )


def _present(values: Sequence[str | None]) -> list[str]:
    return [value for value in values if value]


def _codes(written: Iterable[str]) -> tuple[str, str, str]:
    """Valid credit code, failing credit code, legacy tax number; the first of each."""
    code = failing = tax = ""
    for text in written:
        plain = uscc.compact(fold(text)).upper().replace(" ", "")
        if len(plain) == 18 and uscc.is_valid(plain):
            code = code or plain
        elif len(plain) == 18:
            failing = failing or plain
        elif _LEGACY_TAX.fullmatch(plain):
            tax = tax or plain
    return code, failing, tax


def _person(name: str) -> str:
    text = fold(name).replace(" ", "")
    for title in ("先生", "女士", "小姐", "经理", "会计", "老板", "总"):
        if text.endswith(title) and len(text) > len(title) + 1:
            text = text.removesuffix(title)
    return text if len(text) >= 2 else ""


def _seat(address: Address, vocabulary: Vocabulary) -> Place:
    """The most exact known place that an address names in its own fields or at the head of its street."""
    words = [address.province or "", address.city or "", address.district or "", address.street or ""]
    found: Place = ()
    for place in parts("".join(words) + "某某某某", vocabulary).places:
        if len(place) > len(found) and place[0]:
            found = place
    return found
