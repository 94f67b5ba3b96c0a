"""Bank statements: one signed amount per row, a stable id per row, and the balance chain as proof that no row is missing.

Banks speak from their side: 贷 is money into our account, 借 money out (finance-formats.md 5.0, 5.4).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from .table import TableRow

_IN = frozenset({"贷", "贷方", "收入", "收", "入", "c", "cr", "credit", "in", "贷cr", "+"})
_OUT = frozenset({"借", "借方", "支出", "支", "付", "出", "d", "dr", "debit", "out", "借dr", "-"})
_MINUS = str.maketrans("\u2212\u2013", "--")
_NONE = frozenset({"", "-", "--", "—", "/"})


def number(text: str | None) -> Decimal | None:
    """An amount as banks print it: 1,234.50, ¥ 12, （12.00） or -12; None for an empty cell or a dash; else ValueError.

    A comma groups three digits and nothing else: 12,50 is not taken for 1250.
    """
    if text is None:
        return None
    folded = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).translate(_MINUS)
    if folded in _NONE:
        return None
    bare = re.sub(r"^(\(?[+-]?)[¥$]?(.*?)元?(\)?)$", r"\1\2\3", folded)
    if bare.startswith("(") and bare.endswith(")"):
        bare = f"-{bare[1:-1]}"
    if not re.fullmatch(r"[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?", bare):
        raise ValueError(f"{text!r} is no amount")
    return Decimal(bare.replace(",", ""))


def minus_is_out(rows: Iterable[Mapping[str, str | None]]) -> bool:
    """Whether a file prints a minus before all money out. If only before some of it, those rows are reversals (红冲)."""
    out = [amount for values in rows if (amount := _out(values))]
    return bool(out) and all(amount < 0 for amount in out)


def _out(values: Mapping[str, str | None]) -> Decimal | None:
    """The amount of a row that stands under money out, as printed; None if it does not, or is no amount."""
    try:
        went = number(values.get("amount_out"))
        return went or (number(values.get("amount")) if _direction(values) in _OUT else None)
    except ValueError:
        return None


def _direction(values: Mapping[str, str | None]) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", values.get("direction") or "")).casefold()


def signed_amount(values: Mapping[str, str | None], *, minus_is_out: bool = False) -> Decimal:
    """The row's amount, + is money in; ValueError says what is wrong with it.

    A minus under money in is a reversal, and so is one under money out unless the file prints all of that with a minus.
    """
    came, went = number(values.get("amount_in")), number(values.get("amount_out"))
    if came and went:
        raise ValueError("both an amount in and an amount out")
    if came:
        return came
    if went:
        return went if minus_is_out else -went
    amount = number(values.get("amount"))
    if amount is None:
        if came is not None or went is not None:
            return Decimal(0)
        raise ValueError("no amount in the row")
    direction = _direction(values)
    if not direction or direction in _IN:
        return amount
    if direction in _OUT:
        return amount if minus_is_out else -amount
    raise ValueError(f"{values.get('direction')!r} is no direction; known are 借, 贷, 收入, 支出, debit, credit")


def row_ids(rows: Sequence[TableRow], amounts: Sequence[Decimal | None]) -> list[str]:
    """A stable id per row: account and the bank's serial where both are known, else a hash of what identifies a movement.

    A serial that several rows of a file carry (a transfer and its fee) does not tell them apart: those are hashed as well.
    An ordinal follows for rows that are otherwise alike (two equal payments on one day are two payments).
    """
    serials = Counter((row.values.get("account"), row.values.get("serial")) for row in rows)
    seen: Counter[str] = Counter()
    ids = []
    for row, amount in zip(rows, amounts, strict=True):
        values = row.values
        account, serial = values.get("account") or "", values.get("serial") or ""
        if account and serial and serials[account, serial] == 1:
            base = f"{account}:{serial}"
        else:
            facts = [values.get(name) or "" for name in ("booked_at", "booked_time", "balance", "counterparty_account")]
            facts += [values.get("counterparty_name") or "", str(amount), *([serial] if serial else [])]
            base = f"{account}:h{hashlib.blake2b(chr(31).join(facts).encode(), digest_size=10).hexdigest()}"
        seen[base] += 1
        ids.append(base if seen[base] == 1 else f"{base}#{seen[base]}")
    return ids


def balance_breaks(rows: Sequence[TableRow], amounts: Sequence[Decimal | None]) -> list[str]:
    """Where a running balance does not follow from the amounts, in words, for each account and currency of the file."""
    chains: dict[tuple[str, str], list[tuple[TableRow, Decimal | None]]] = {}
    for row, amount in zip(rows, amounts, strict=True):
        key = (row.values.get("account") or "", row.values.get("currency") or "")
        chains.setdefault(key, []).append((row, amount))
    return [broken for chain in chains.values() if (broken := _balance_break(chain))]


def _balance_break(rows: Sequence[tuple[TableRow, Decimal | None]]) -> str | None:
    """The first break of one account's chain; None if there is none, or if a balance is missing.

    Files run oldest or newest first: either direction may hold.
    """
    chain: list[tuple[int, Decimal, Decimal]] = []
    for row, amount in rows:
        try:
            balance = number(row.values.get("balance"))
        except ValueError:
            return None
        if balance is None or amount is None:
            return None
        chain.append((row.line, amount, balance))
    if len(chain) < 2:
        return None
    ascending = next((b[0] for a, b in pairwise(chain) if a[2] + b[1] != b[2]), None)
    if ascending is None:
        return None
    descending = next((a[0] for a, b in pairwise(chain) if b[2] + a[1] != a[2]), None)
    if descending is None:
        return None
    return (
        f"the balance of line {max(ascending, descending)} does not follow from the line before it: rows are missing or changed; "
        "export the statement again"
    )
