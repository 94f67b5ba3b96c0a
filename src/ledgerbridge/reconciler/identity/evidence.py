"""What is said about a pair of records: the values that scoring returns, and the policy it follows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """What may be done with a pair."""

    SURE = "sure"  # may be linked without a person
    DOUBTFUL = "doubtful"  # a person decides
    NO = "no"  # not worth a person's time


class Evidence(NamedTuple):
    """One thing that speaks for (points above 0) or against a pair being one firm.

    `points` are bits: 1 doubles the odds, -1 halves them. `left` and `right` are what was compared, folded.
    """

    part: str
    finding: str
    points: float
    left: str = ""
    right: str = ""


@dataclass(frozen=True, slots=True)
class Scored:
    """A pair, how sure it is, and why. The score is the sum of the evidence's points: the binary logarithm of the odds."""

    left: str
    right: str
    score: float
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    held_back: tuple[str, ...] = ()
    """Why the pair cannot be sure, whatever its score."""
    by_code: bool = False
    """Was it a credit code or key in common that decided?"""

    @property
    def why(self) -> str:
        """The evidence in one line, for people who read logs and reports."""
        said = [f"{one.part} {one.finding} {one.points:+.1f}" for one in self.evidence]
        return "; ".join([*said, *(f"held back: {reason}" for reason in self.held_back)])


@dataclass(frozen=True, slots=True)
class IdentityPolicy:
    """Where the lines are drawn, and how far the search goes.

    The default lines hold a precision of 0.995 for what is sure on the generated pairs of ``benchmarks/link_names.py``.
    """

    sure_bits: float = 4.0
    """A pair with at least this score may be linked by itself."""
    doubtful_bits: float = -4.0
    """A pair with less is not shown to anybody."""
    margin_bits: float = 4.0
    """By how much a sure pair's score must exceed that of each other pair of its two records; with less it is a near tie."""
    misspelt_may_be_sure: bool = False
    """May a pair whose brands differ be sure by its names alone?"""
    candidates_max: int = 6
    """How many candidates of a record are scored; candidates as near as the last of them are scored too."""
    bucket_max: int = 150
    """A key that more records have in common is too common to search by, unless it is of the kind that decides."""

    def __post_init__(self) -> None:
        if not self.doubtful_bits < self.sure_bits:
            raise ValueError(f"doubtful_bits ({self.doubtful_bits}) must be below sure_bits ({self.sure_bits})")
        if self.margin_bits <= 0:
            raise ValueError(f"margin_bits is {self.margin_bits}; it must be above 0, or ties would be guessed")
        if self.candidates_max < 2 or self.bucket_max < 2:
            raise ValueError("candidates_max and bucket_max must be 2 or more: a runner-up is needed to see a tie")
