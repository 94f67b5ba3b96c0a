"""Who gets a finding: the first rule that matches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from ledgerbridge.model.sighting import Sighting

from .policy import AssignmentRule


def owner_for(found: Sighting, rules: Sequence[AssignmentRule]) -> tuple[str, int] | None:
    """The owner and the number of the rule (from 1), or None if no rule matches."""
    for number, rule in enumerate(rules, start=1):
        if _matches(found, rule):
            return rule.owner, number
    return None


def _matches(found: Sighting, rule: AssignmentRule) -> bool:
    if rule.codes and found.code not in rule.codes:
        return False
    if rule.systems and rule.systems.isdisjoint(found.systems):
        return False
    if rule.customers and not _any(rule.customers, (found.customer, found.customer_name)):
        return False
    if rule.salespeople and not _any(rule.salespeople, (found.salesperson,)):
        return False
    if not rule.at_least:
        return True
    if found.minor is None or found.currency is None or found.currency not in rule.at_least:
        return False
    return abs(found.minor) >= rule.at_least[found.currency]


def _any(patterns: Sequence[str], values: Iterable[str | None]) -> bool:
    return any(value is not None and fnmatchcase(value, pattern) for value in values for pattern in patterns)
