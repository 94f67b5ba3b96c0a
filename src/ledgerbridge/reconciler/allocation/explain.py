"""Why a payment went where it went, or why it did not."""

from __future__ import annotations

import msgspec

from .values import Match, Note, Result, Rule


class Look(msgspec.Struct, frozen=True):
    """What one pass made of the payment: `match` if it settled (a part of) it; `note` why it did not.

    Neither: the pass looked and nothing fitted, or, if not `reached`, the payment was used up before its turn.
    """

    rule: Rule
    reached: bool
    matches: tuple[Match, ...] = ()
    note: Note | None = None


class Explanation(msgspec.Struct, frozen=True):
    """All passes in order, and what is left of the payment in minor units (0: all applied)."""

    payment_id: str
    left_minor: int
    looks: tuple[Look, ...]

    def lines(self) -> list[str]:
        """One line per pass, for people."""
        return [_line(look) for look in self.looks]


def explain(result: Result, payment_id: str) -> Explanation:
    """Which passes looked at a payment, which candidates they had, and why those were not taken.

    ValueError for a payment that took no part, which says so.
    """
    matches = [match for match in result.matches if any(payment_id == one for one, _ in match.payments)]
    left = next((one.left_minor for one in result.payments_left if one.id == payment_id), 0)
    if not matches and not left:
        raise ValueError(f"payment {payment_id!r} took no part in this run, or had nothing left to apply")
    notes = result.notes.get(payment_id, ())
    last = max((result.rules.index(match.rule) for match in matches), default=-1)
    looks = []
    for at, rule in enumerate(result.rules):
        own = tuple(match for match in matches if match.rule is rule)
        note = next((one for one in notes if one.rule is rule), None)
        looks.append(Look(rule, reached=bool(left) or at <= last, matches=own, note=note))
    return Explanation(payment_id, left, tuple(looks))


def _line(look: Look) -> str:
    if look.matches:
        parts = [
            f"{', '.join(f'{item} {amount}' for item, amount in match.items) or 'another payment'}"
            f" ({match.difference}; {'; '.join(match.evidence)})"
            for match in look.matches
        ]
        text = f"settled {'; '.join(parts)}"
    elif look.note is not None:
        text = str(look.note.outcome)
        if look.note.candidates:
            text += ": " + " | ".join(" + ".join(ids) for ids in look.note.candidates)
        if look.note.detail:
            text += f" ({look.note.detail})"
    else:
        text = "nothing fits" if look.reached else "not reached: used up before"
    return f"{look.rule}: {text}"
