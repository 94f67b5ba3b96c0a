"""What is wrong with one field of one record, in words for the person who will mend it."""

from __future__ import annotations

from .base import Frozen

SHOWN_MAX = 120


class Problem(Frozen):
    """One fault of one field. `value` is the offending value as text, cut to :data:`SHOWN_MAX` characters.

    `rule` names the mapping rule (`yonyou_u8/customer:credit_code`) or the check that failed; `fatal` tells whether the
    record was quarantined for it, or only the field left out.
    """

    field: str
    wire: str
    value: str
    rule: str
    why: str
    fatal: bool = True

    def __str__(self) -> str:
        shown = f" (value {self.value!r})" if self.value else ""
        return f"{self.field} ← {self.wire}: {self.why}{shown} [{self.rule}]"
