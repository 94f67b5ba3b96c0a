"""Who is who: which records of two systems are one firm, and which of one system are twice the same.

A record becomes a :class:`~.profiles.Profile` (:func:`profile`, :func:`named`); :func:`link` links two systems' profiles one
to one; :func:`matches` finds a single new record among those that exist; :func:`duplicates` suggests groups within one
system. Sure pairs may be linked by the machine, doubtful ones are a person's, and every pair says why
(:class:`~.evidence.Evidence`). Deterministic: the same records give the same answer in any order.
"""

from __future__ import annotations

from .assignment import Assignment, Pair, Proposal, assign
from .candidates import CandidateIndex
from .evidence import Evidence, IdentityPolicy, Scored, Verdict
from .linking import DuplicateGroup, duplicates, index_of, link, matches, vocabulary_of
from .name import NameParts, fold, parts
from .profiles import Profile, named, profile
from .rarity import Rarity
from .scoring import score
from .vocabulary import KNOWN, Vocabulary

__all__ = [
    "KNOWN",
    "Assignment",
    "CandidateIndex",
    "DuplicateGroup",
    "Evidence",
    "IdentityPolicy",
    "NameParts",
    "Pair",
    "Profile",
    "Proposal",
    "Rarity",
    "Scored",
    "Verdict",
    "Vocabulary",
    "assign",
    "duplicates",
    "fold",
    "index_of",
    "link",
    "matches",
    "named",
    "parts",
    "profile",
    "score",
    "vocabulary_of",
]
