"""The open documents and unapplied payments of one customer in one currency while they are being allocated.

Everything is an index into lists sorted by date and id, so that the order of the input cannot matter; amounts are plain
integers. :meth:`Pool.settle` is the only way to change an amount and keeps the books: nothing is used beyond what is
left, nothing changes its sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from ledgerbridge.model.payment import DifferenceKind, PaymentKind

from .policy import Policy
from .references import Clue
from .values import Confidence, Match, Note, OpenItem, Outcome, Receipt, Rule

Shares = Iterable[tuple[int, int]]
"""Index and signed amount."""


_EXACT: Final = DifferenceKind.EXACT  # looked up some hundred thousand times: an enum's own look-up is slow
_PREPAYMENT: Final = PaymentKind.PREPAYMENT
_Record = TypeVar("_Record", OpenItem, Receipt)
_RawNote = tuple[Rule, Outcome, tuple[Sequence[int], ...], str]


class Pool:
    """`open` and `left` are what remains of `items` and `receipts`; `issued` and `received` are day numbers; `least` is the
    smallest amount that links anything by itself; `steps_now` counts the steps of one search, `steps` those of the run.

    For the whole run: `clues` are what texts say, `met` the receipts whose text was followed or that are applied in
    part, `reversals` the other half of an open document and the credit note that takes it back, with the day of the
    latter, `barred` receipts that nothing here may settle. Per round: `notes` says why a receipt was not settled,
    `held` are receipts that no later pass may touch, `claims` are documents named or wanted by receipts that could not
    be settled: an amount alone does not take them from those.
    """

    def __init__(self, currency: str, items: list[OpenItem], receipts: list[Receipt], policy: Policy) -> None:
        items, self.issued = _by_day([(item.issued_on.toordinal(), item.id, item) for item in items])
        receipts, self.received = _by_day(
            [(receipt.received_on.toordinal(), receipt.id, receipt) for receipt in receipts]
        )
        self.currency = currency
        self.policy = policy
        self.least = max(1, policy.amount_alone_min_minor)
        self._early_days = policy.early_days
        self.items = items
        self.receipts = receipts
        self.open = [item.open_minor for item in items]
        self.left = [
            receipt.amount_minor + receipt.fee_minor if receipt.open_minor is None else receipt.open_minor
            for receipt in receipts
        ]
        self.clues: dict[int, Clue] = {}
        self.reversals: dict[int, tuple[int, int]] = {}
        self.barred: dict[int, Note] = {}
        self.matches: list[Match] = []
        self.met = {  # of a payment that is applied in part already, the text has been followed before
            at
            for at, receipt in enumerate(receipts)
            if receipt.open_minor is not None and receipt.open_minor != receipt.amount_minor + receipt.fee_minor
        }
        self.steps = self.steps_now = 0
        self.forget()

    def forget(self) -> None:
        """Begin a new round: what was noted in the last one may no longer hold."""
        self.notes: dict[int, list[Note | _RawNote]] = {}
        self.held: set[int] = set()
        self.claims: dict[int, set[int]] = {}
        for receipt, note in self.barred.items():
            self.notes[receipt] = [note]
            self.held.add(receipt)

    def last_day(self, receipt: int) -> int:
        """The latest issue day (a day number) of a document that `receipt` may be linked to without its full number."""
        return self.received[receipt] + self._early_days

    def by_amount(self, receipt: int) -> bool:
        """Whether a receipt may be linked by amounts: money in, not in advance, not held, no trifle."""
        return (
            self.left[receipt] >= self.least
            and receipt not in self.held
            and self.receipts[receipt].kind is not _PREPAYMENT
        )

    def payers(self) -> list[int]:
        """The receipts for which :meth:`by_amount` holds."""
        least = self.least
        return [receipt for receipt, left in enumerate(self.left) if left >= least and self.by_amount(receipt)]

    def in_doubt(self, item: int, receipt: int) -> bool:
        """Whether somebody else than `receipt` has a say in `item`, or a credit note had taken it back by then.

        The latter does not matter to a text that names the document in full.
        """
        claim = self.claims.get(item)
        if claim is not None and not claim <= {receipt}:
            return True
        reversal = self.reversals.get(item)
        if reversal is None or reversal[1] > self.received[receipt]:
            return False
        clue = self.clues.get(receipt)
        return clue is None or item not in clue.named

    def nets_itself(self, items: Iterable[int]) -> bool:
        """Whether both a document and the credit note that takes it back in full are among `items`."""
        if not self.reversals:
            return False
        chosen = frozenset(items)
        return any(item in self.reversals and self.reversals[item][0] in chosen for item in chosen)

    def note(
        self, receipt: int, rule: Rule, outcome: Outcome, sets: Iterable[Sequence[int]] = (), detail: str = ""
    ) -> None:
        """Keep why `rule` did not settle `receipt`; with an outcome that holds, its candidates are claimed."""
        sets = tuple(sets)
        self.notes.setdefault(receipt, []).append((rule, outcome, sets, detail))
        if outcome.holds:
            self.held.add(receipt)
            for one in sets:
                self.claim(receipt, one)

    def note_ids(
        self, receipt: int, rule: Rule, outcome: Outcome, ids: tuple[tuple[str, ...], ...] = (), detail: str = ""
    ) -> None:
        """As :meth:`note`, for candidates that are not only documents; nothing is claimed."""
        self.notes.setdefault(receipt, []).append(Note(rule, outcome, ids, detail))
        if outcome.holds:
            self.held.add(receipt)

    def said(self, receipt: int) -> list[Note]:
        """The notes of this round on a receipt, in the order of the passes; candidates by date and id."""
        return [
            note
            if isinstance(note, Note)
            else Note(
                note[0],
                note[1],
                tuple(tuple(self.items[at].id for at in sorted(one)) for one in sorted(map(tuple, note[2]))),
                note[3],
            )
            for note in self.notes.get(receipt, ())
        ]

    def claim(self, receipt: int, items: Iterable[int]) -> None:
        """Keep `items` from being taken by another receipt's amount alone in this round."""
        for item in items:
            self.claims.setdefault(item, set()).add(receipt)

    def settle_one(
        self, rule: Rule, receipt: int, item: int, evidence: tuple[str, ...], confidence: Confidence
    ) -> None:
        """The whole of a receipt for the whole of a document of the same amount."""
        amount = self.open[item]
        assert amount == self.left[receipt] != 0
        self.open[item] = self.left[receipt] = 0
        shares = ((self.receipts[receipt].id, amount),), ((self.items[item].id, amount),)
        self.matches.append(Match(rule, self.currency, *shares, _EXACT, 0, evidence, confidence))

    def settle_whole(
        self,
        rule: Rule,
        receipts: Sequence[int],
        items: Sequence[int],
        evidence: tuple[str, ...],
        confidence: Confidence,
    ) -> None:
        """The whole of some receipts for the whole of some documents that together total the same."""
        taken = tuple([(self.receipts[receipt].id, self.left[receipt]) for receipt in receipts])
        used = tuple([(self.items[item].id, self.open[item]) for item in items])
        assert sum([amount for _, amount in taken]) == sum([amount for _, amount in used]), "money would be made"
        for receipt in receipts:
            self.left[receipt] = 0
        for item in items:
            self.open[item] = 0
        self.matches.append(Match(rule, self.currency, taken, used, _EXACT, 0, evidence, confidence))

    def settle(
        self,
        rule: Rule,
        payments: Shares,
        items: Shares,
        evidence: tuple[str, ...],
        confidence: Confidence,
        *,
        limit: tuple[str, DifferenceKind] | None = None,
    ) -> None:
        """Apply amounts and record the match; both sides must total the same unless `limit` names a tolerance."""
        whole = True
        taken, used = [], []
        for receipt, amount in payments:
            rest = self._rest(self.left[receipt], amount)
            self.left[receipt] = rest
            whole = whole and rest == 0
            if rest:
                self.met.add(receipt)  # as in a later run, where the rest alone is given
            taken.append((self.receipts[receipt].id, amount))
        for item, amount in items:
            rest = self._rest(self.open[item], amount)
            self.open[item] = rest
            whole = whole and rest == 0
            used.append((self.items[item].id, amount))
        difference = sum(amount for _, amount in used) - sum(amount for _, amount in taken)
        if limit is not None:
            name, kind = limit
        else:
            assert difference == 0, "money would be made"
            name, kind = None, DifferenceKind.EXACT if whole else DifferenceKind.PARTIAL
        self.matches.append(
            Match(rule, self.currency, tuple(taken), tuple(used), kind, difference, evidence, confidence, name)
        )

    @staticmethod
    def _rest(before: int, amount: int) -> int:
        rest = before - amount
        assert amount != 0, "an empty share"
        assert (before > 0) == (amount > 0), "a share of the wrong sign"
        assert rest == 0 or (rest > 0) == (before > 0), "more than there is"
        return rest


def _by_day(dated: list[tuple[int, str, _Record]]) -> tuple[list[_Record], list[int]]:
    """Records by day number and id (which is unique), and their day numbers."""
    dated.sort()
    return [record for _, _, record in dated], [day for day, _, _ in dated]
