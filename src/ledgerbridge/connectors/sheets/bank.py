"""Bank statements: one signed amount per row, a stable id per row, and the balance chain as proof that no row is missing.

Banks speak from their side: 贷 is money into our account, 借 money out (finance-formats.md 5.0, 5.4).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise

from .table import TableRow

_IN = frozenset({"贷", "贷方", "收入", "收", "入", "c", "cr", "credit", "in", "贷cr", "+"})
_OUT = frozenset({"借", "借方", "支出", "支", "付", "出", "d", "dr", "debit", "out", "借dr", "-"})
_NONE = frozenset({"", "-", "--", "—", "/"})


def number(text: str | None) -> Decimal | None:
    """An amount as banks print it: 1,234.50, ¥ 12, （12.00） or -12; None for an empty cell or a dash; else ValueError."""
    if text is None:
        return None
    folded = re.sub(r"[\s,¥￥元+]", "", unicodedata.normalize("NFKC", text))
    if folded in _NONE:
        return None
    if folded.startswith("(") and folded.endswith(")"):
        folded = f"-{folded[1:-1]}"
    if not re.fullmatch(r"-?\d+(\.\d+)?", folded):
        raise ValueError(f"{text!r} is no amount")
    try:
        return Decimal(folded)
    except InvalidOperation:  # pragma: no cover (the pattern admits decimal numbers only)
        raise ValueError(f"{text!r} is no amount") from None


def signed_amount(values: dict[str, str | None]) -> Decimal:
    """The row's amount, + is money in; ValueError says what is wrong with it."""
    came, went = number(values.get("amount_in")), number(values.get("amount_out"))
    if came or went:
        if came and went:
            raise ValueError("both an amount in and an amount out")
        return came or -abs(went or Decimal(0))
    amount = number(values.get("amount"))
    if amount is None:
        if came is not None or went is not None:
            return Decimal(0)
        raise ValueError("no amount in the row")
    direction = values.get("direction")
    if direction:
        word = re.sub(r"\s", "", unicodedata.normalize("NFKC", direction)).casefold()
        if word in _IN:
            return abs(amount)
        if word in _OUT:
            return -abs(amount)
        raise ValueError(f"{direction!r} is no direction; known are 借, 贷, 收入, 支出, debit, credit")
    return amount


def row_ids(rows: Sequence[TableRow], amounts: Sequence[Decimal | None], account: str) -> list[str]:
    """A stable id per row: the bank's serial where it has one, else a hash of what identifies a movement, plus an ordinal for
    rows that are otherwise alike (two equal payments on one day are two payments).
    """
    seen: Counter[str] = Counter()
    ids = []
    for row, amount in zip(rows, amounts, strict=True):
        values = row.values
        if values.get("serial"):
            base = f"{account}:{values['serial']}"
        else:
            facts = [values.get(name) or "" for name in ("booked_at", "booked_time", "balance", "counterparty_account")]
            facts += [values.get("counterparty_name") or "", str(amount)]
            base = f"{account}:h{hashlib.blake2b(chr(31).join(facts).encode(), digest_size=10).hexdigest()}"
        seen[base] += 1
        ids.append(base if seen[base] == 1 else f"{base}#{seen[base]}")
    return ids


def balance_break(rows: Sequence[TableRow], amounts: Sequence[Decimal | None]) -> str | None:
    """Where the running balance does not follow from the amounts, in words; None if it does or there is no balance column.

    Files run oldest or newest first: either direction may hold.
    """
    chain: list[tuple[int, Decimal, Decimal]] = []
    for row, amount in zip(rows, amounts, strict=True):
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
