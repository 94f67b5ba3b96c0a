"""Three-way merge: per field, what both sides say against what they last agreed on, and who decides. Pure."""

from __future__ import annotations

from .field import Decision, FieldRule, Verdict, merge, rule_for
from .ownership import may_change, owners_of
from .values import CURRENCY_OF, REFERENCES, Record, comparable, entity_of, said, says_no_more

__all__ = [
    "CURRENCY_OF",
    "REFERENCES",
    "Decision",
    "FieldRule",
    "Record",
    "Verdict",
    "comparable",
    "entity_of",
    "may_change",
    "merge",
    "owners_of",
    "rule_for",
    "said",
    "says_no_more",
]
