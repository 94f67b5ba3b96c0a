"""What a connector's outcome proves about a write (RELIABILITY.md 5). Pure."""

from __future__ import annotations

from ledgerbridge.connectors.base import Outcome
from ledgerbridge.errors import (
    ConnectorError,
    NotAllowed,
    NotSignedIn,
    OutcomeUnknown,
    QuotaUsedUp,
    RateLimited,
    Refused,
    Unavailable,
    Unsupported,
)
from ledgerbridge.model.operation import Answer, Done, NotSent, Rejected, Unknown
from ledgerbridge.model.raw import Receipt


def answer_of(outcome: Outcome) -> Answer:
    """The answer to a write. What is not proven to be otherwise may have happened."""
    if isinstance(outcome, Receipt):
        return Done(outcome.ref, outcome.version, outcome.request_id)
    if isinstance(outcome, OutcomeUnknown):
        return Unknown(str(outcome))
    if isinstance(outcome, Refused | Unsupported):  # Unsupported: raised before any request
        return Rejected(str(outcome), outcome.code)
    return _unsent(outcome) or Unknown(str(outcome))


def not_read(error: ConnectorError) -> NotSent:
    """The answer, and the sighting, where a read failed: whatever it was, nothing was written."""
    return _unsent(error) or NotSent(str(error), error.retry_after_s)


def defect(error: BaseException) -> str:
    """An unexpected error in words: its type alone, since its text may hold a secret."""
    return f"failed with {type(error).__name__}; this is a defect to report"


def _unsent(error: ConnectorError) -> NotSent | None:
    if isinstance(error, QuotaUsedUp):
        return NotSent(str(error), error.retry_after_s, paused=True)
    if isinstance(error, RateLimited):
        return NotSent(str(error), error.retry_after_s)
    if isinstance(error, Unavailable | NotSignedIn | NotAllowed):
        return NotSent(str(error), error.retry_after_s, target_down=True)
    return None
