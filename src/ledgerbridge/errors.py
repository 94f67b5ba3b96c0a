"""Every deliberate error of the package, and what to do about each: its :class:`Recovery`.

::

    LedgerbridgeError                 stop
    ├── ConfigError                   stop       a workspace, setting or secret that cannot be used
    ├── MappingError                  stop       a mapping file that cannot be used
    ├── SourceFileError               review     a file that cannot be read as what it should be
    ├── StoreError                    stop       the database is missing, foreign or of another version
    ├── StaleRecord                   retry      somebody else changed the row first
    ├── Stopped                       retry      somebody asked to stop; what was committed stands
    ├── ActRefused                    review     an act that a record's state, or who acts, forbids
    ├── LinkError                     review     a link that contradicts another link or a person's decision
    ├── MoneyError                    review     an amount that is not an exact number of minor units
    ├── StatementError                review     a statement that does not add up, or a copy that is not what was sent
    └── ConnectorError                stop       a far side, by name
        ├── Unavailable               retry      nothing was processed; try again later
        │   ├── RateLimited           retry      too many calls for now
        │   └── QuotaUsedUp           retry      no calls left until a known hour
        ├── NotSignedIn               reauth     sign in again, once
        ├── OutcomeUnknown            read_back  a write may have happened; look before acting
        ├── Refused                   review     understood and refused; a person decides
        ├── NotAllowed                stop       credentials or rights are wrong
        ├── BadReply                  stop       an answer that the vendor's contract does not know
        └── Unsupported               stop       outside the declared capabilities

``tests/unit/test_errors.py`` compares this drawing with the code.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Recovery(StrEnum):
    """What may be done after an error; a closed list."""

    RETRY = "retry"  # nothing was processed; try again later
    REAUTH = "reauth"  # sign in again, once
    READ_BACK = "read_back"  # a write may have happened; look before acting
    REVIEW = "review"  # understood and refused; a person decides
    STOP = "stop"  # our fault or unknown; stop this connection


class LedgerbridgeError(Exception):
    """Root of the tree. Messages are for people: they say what is wrong where, and what to do; never a secret."""

    recovery: ClassVar[Recovery] = Recovery.STOP


class ConfigError(LedgerbridgeError):
    """A workspace, setting or secret that cannot be used."""


class MappingError(LedgerbridgeError):
    """A mapping file that cannot be used; the message names file and line."""


class SourceFileError(LedgerbridgeError):
    """A file that cannot be read as what it should be; the message names the file and what to do."""

    recovery = Recovery.REVIEW


class StoreError(LedgerbridgeError):
    """The database is missing, foreign or of another version."""


class StaleRecord(LedgerbridgeError):
    """Somebody else changed the row first."""

    recovery = Recovery.RETRY


class Stopped(LedgerbridgeError):
    """Somebody asked to stop; what was committed stands, and the next run goes on from there."""

    recovery = Recovery.RETRY

    def __init__(self) -> None:
        super().__init__("stopped on request; what was committed stands, the next run goes on from there")


class LinkError(LedgerbridgeError):
    """A link that contradicts another link or a person's decision; the message says which and what to do."""

    recovery = Recovery.REVIEW


class ActRefused(LedgerbridgeError):
    """An act on a stored record that its state forbids, or that takes another person; the message says which."""

    recovery = Recovery.REVIEW


class MoneyError(LedgerbridgeError, ValueError):
    """An amount that is not an exact number of minor units of a known currency."""

    recovery = Recovery.REVIEW


class StatementError(LedgerbridgeError, ValueError):
    """A statement that does not add up, or a frozen copy that is no longer what was sent; the message names both sums."""

    recovery = Recovery.REVIEW


class ConnectorError(LedgerbridgeError):
    """Something at a far side. Carries what an operator needs; never a body, a header or a token."""

    def __init__(
        self,
        message: str,
        *,
        system: str,
        code: str | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.system = system
        self.code = code
        self.request_id = request_id
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        facts = [f"code {self.code}" if self.code else "", f"request {self.request_id}" if self.request_id else ""]
        tail = ", ".join(fact for fact in facts if fact)
        return f"{self.system}: {self.message}" + (f" ({tail})" if tail else "")


class Unavailable(ConnectorError):
    """Nothing was processed; try again later."""

    recovery = Recovery.RETRY


class RateLimited(Unavailable):
    """Too many calls for now; `retry_after_s` says how long the far side asked us to wait, if it did."""


class QuotaUsedUp(Unavailable):
    """No calls left until a known hour; waiting inside a run is pointless, the run pauses."""


class NotSignedIn(ConnectorError):
    """The far side no longer knows our token."""

    recovery = Recovery.REAUTH


class OutcomeUnknown(ConnectorError):
    """A write may have happened; look before acting."""

    recovery = Recovery.READ_BACK


class Refused(ConnectorError):
    """The far side understood and refused; a person decides."""

    recovery = Recovery.REVIEW


class NotAllowed(ConnectorError):
    """Credentials, rights or the application's approval are wrong; nothing more is tried."""


class BadReply(ConnectorError):
    """An answer that the vendor's contract does not know: an unknown code, or no JSON where JSON belongs."""


class Unsupported(ConnectorError):
    """Asked for something outside the declared capabilities; raised before any request."""
