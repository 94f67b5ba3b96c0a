"""What a subclass of the kit fills in, and the small instruments that its checks share."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

import pytest
import structlog

from ledgerbridge import log
from ledgerbridge.clock import SystemClock
from ledgerbridge.connectors.base import Connector, Page, Write
from ledgerbridge.errors import ConnectorError
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.raw import Raw, Unreadable
from ledgerbridge.model.wirejson import WireValue

from .fakes import FakeClock

PAGES_MAX = 500
ABSENT = "(absent)"
"""Stands for a field that a record does not have."""
WIRE_FAULTS = (
    "cut_before",
    "reply_lost_after_write",
    "half_body",
    "slow",
    "drip",
    "http_500",
    "http_503",
    "html_page",
    "redirect",
)
VENDOR_FAULTS = (
    "rate_limited",
    "quota_used_up",
    "token_expired",
    "unknown_code",
    "error_in_200",
    "half_failed_batch",
    "page_drift",
    "empty_page",
    "tied_stamps",
    "late_stamp",
    "malformed_record",
    "duplicated_row",
)
FAULTS = (*WIRE_FAULTS, *VENDOR_FAULTS)
WRITE_FAULTS = (
    "rate_limited",
    "quota_used_up",
    "token_expired",
    "unknown_code",
    "error_in_200",
)


class Faults(Protocol):
    """What goes wrong at the far side, and when."""

    delay_s: float

    @property
    def happened(self) -> Mapping[Any, int]:
        """How often each fault came to pass, by name."""
        ...

    def fail_next(
        self, fault: str, *, path: str = "", count: int = 1, skip: int = 0, writes_only: bool = False
    ) -> None:
        """Let `fault` happen `count` times after `skip` opportunities."""
        ...

    def clear(self) -> None:
        """Forget what was ordered."""
        ...


class FarClock(Protocol):
    """The far side's own time, by which it stamps records."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def advance(self, seconds: float) -> None:
        """Move on, or back."""
        ...

    def freeze(self, at: datetime) -> None:
        """Stand still."""
        ...


class FarSide(Protocol):
    """The emulator's side door, satisfied by shape: the sandbox knows nothing of the kit, nor the kit of the sandbox."""

    @property
    def faults(self) -> Faults:
        """What goes wrong."""
        ...

    @property
    def clock(self) -> FarClock:
        """What time it is there."""
        ...

    def seed(self, kind: str, count: int) -> list[str]:
        """Put plain valid records on record, stamped now; returns their ids."""
        ...

    def count(self, kind: str) -> int:
        """How many exist, void ones included, deleted ones not."""
        ...

    def touch(self, kind: str, record_id: str, changes: Mapping[str, Any]) -> None:
        """A person edits a record: wire fields, new stamp."""
        ...

    def discard(self, kind: str, record_id: str) -> None:
        """A person deletes a record."""
        ...


@dataclass(frozen=True, slots=True)
class KindFacts:
    """The wire fields of one kind with which the checks work, as `FarSide.touch` takes them; None: there is no such field.

    `text_field` is an optional text that the connector reads and that a person may set, empty or clear; `number_field` an
    optional number; `amount_field` an amount of money; `new_field` a field that nobody has documented (None where the vendor
    refuses such a field or the connector must name the fields it reads).
    """

    text_field: str | None
    amount_field: str | None = None
    number_field: str | None = None
    new_field: str | None = None


class Hooks:
    """The part of the kit that a subclass fills in. `far`, `connector`, `facts`, `secrets` always; the rest where it differs."""

    system: ClassVar[str] = "far"
    """The id of the configured system, as it stands in a Ref."""
    facts: ClassVar[Mapping[Kind, KindFacts]] = {}
    """The wire fields of each kind that is read or written; checks of other kinds are skipped."""
    absent_faults: ClassVar[Mapping[str, str]] = {}
    """Faults that this far side cannot have, each with the reason."""
    amount: ClassVar[str] = "1234567890123.45"
    """The amount with the most digits that the far side takes."""
    says_retry_after: ClassVar[bool] = False
    """Whether the far side says how long to wait when it limits calls."""
    wait_bound_s: ClassVar[float] = 120.0
    """The longest that one call may wait in all, on the connector's clock."""
    signs_in: ClassVar[bool] = True
    cleared_reads_as: ClassVar[object] = None
    """How the vendor's own API shows a text or number field that was set to null (:data:`ABSENT`: not at all)."""
    emptied_reads_as: ClassVar[object] = ""
    """The same for a text field that was set to the empty text."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        """The connector's clock: it starts now, as the far side's does, and nobody waits for it."""
        return FakeClock(SystemClock().now())

    @pytest.fixture
    def far(self) -> FarSide:
        """A fresh far side, running."""
        raise NotImplementedError("a subclass of the kit must define the fixture `far`")

    @pytest.fixture
    def connector(self, far: FarSide, clock: FakeClock) -> Connector:
        """The connector under test, entered, talking to `far` and waiting on `clock`."""
        raise NotImplementedError("a subclass of the kit must define the fixture `connector`")

    @pytest.fixture(autouse=True)
    def _applies(self, request: pytest.FixtureRequest) -> None:
        """Skip what cannot apply before a far side is started for it."""
        given = request.node.callspec.params if hasattr(request.node, "callspec") else {}
        kind, fault = given.get("kind"), given.get("fault")
        if kind is not None and kind not in self.facts and "outside_the_capabilities" not in request.node.name:
            pytest.skip(f"the far side has no {kind}")
        if isinstance(fault, str) and fault in self.absent_faults:
            pytest.skip(f"no {fault}: {self.absent_faults[fault]}")

    def secrets(self, far: FarSide) -> list[str]:
        """Every secret that the connector was given or may win: passwords, app secrets, tokens."""
        raise NotImplementedError("a subclass of the kit must define `secrets`")

    def a_write(self, kind: Kind, far: FarSide) -> Write:
        """A create of a new, plain, valid record; another one at every call. Needed for the kinds that are written."""
        raise NotImplementedError(f"a subclass of the kit must define `a_write` for {kind}")

    def an_update(self, kind: Kind, far: FarSide, record: Raw) -> Write | None:
        """A change to `record` as it was read, expecting the version it had then; None where records are not updated."""
        raise NotImplementedError(f"a subclass of the kit must define `an_update` for {kind}")

    def seed(self, far: FarSide, kind: Kind, count: int) -> list[str]:
        """Put plain records on record; their ids as the connector spells them."""
        return [self.external_id(kind, far_id) for far_id in far.seed(kind.value, count)]

    def external_id(self, kind: Kind, far_id: str) -> str:
        """The id that the connector gives a record of the far side."""
        return far_id

    def far_id(self, kind: Kind, external_id: str) -> str:
        """The inverse of :meth:`external_id`."""
        return external_id

    def unknown_id(self, kind: Kind, known: str) -> str:
        """An id of the right form that no record has."""
        other = re.sub(r"\d", "9", known)
        return other if other != known else f"{known}9"

    def find_key(self, write: Write) -> str:
        """What a created record is found by: the key we wrote into it, or its natural key."""
        return write.change.key

    def field_of(self, record: Raw, name: str) -> WireValue:
        """A wire field of a record that was read; KeyError if it is absent."""
        return record.payload()[name]

    def spelled_amount(self, amount: str) -> Any:
        """An amount as `FarSide.touch` takes it."""
        return float(amount)

    def sign_ins(self, far: FarSide, events: Sequence[Mapping[str, Any]]) -> int:
        """How many sign-ins there were, by the far side's count or by the log `events`."""
        return sum(1 for event in events if event.get("event") == "signed in")

    def settle(self, far: FarSide) -> None:
        """Let the far side finish what it has accepted but not yet done (asynchronous writes, a late search index)."""

    # -- instruments

    def ref(self, kind: Kind, external_id: str) -> Ref:
        """A record of this system."""
        return Ref(system=self.system, kind=kind, external_id=external_id)

    def order(self, far: FarSide, fault: str, *, count: int = 1, skip: int = 0, writes_only: bool = False) -> None:
        """Order a fault; skips the check if the far side is declared not to have it."""
        if fault in self.absent_faults:
            pytest.skip(f"no {fault}: {self.absent_faults[fault]}")
        far.faults.delay_s = 0.0 if fault == "drip" else 0.01
        far.faults.fail_next(fault, count=count, skip=skip, writes_only=writes_only)


def a_kind(kinds: Collection[Kind]) -> Kind:
    """One kind for what does not depend on the kind; invoices first: they are where money is."""
    for kind in (Kind.INVOICE, Kind.PAYMENT, Kind.CUSTOMER, Kind.ALLOCATION):
        if kind in kinds:
            return kind
    pytest.skip("there is no such kind")


def reads(connector: Connector, kind: Kind) -> None:
    """Skip a check of a kind that is not read."""
    if kind not in connector.capabilities.reads:
        pytest.skip(f"does not read {kind}")


def writes(connector: Connector, kind: Kind) -> None:
    """Skip a check of a kind that is not written."""
    if kind not in connector.capabilities.writes:
        pytest.skip(f"does not write {kind}")


def must_have_happened(far: FarSide, fault: str) -> None:
    """A check of a fault that did not come to pass proves nothing."""
    if not far.faults.happened[fault]:
        pytest.fail(
            f"{fault} was ordered and never happened; if this far side cannot have it, say so in `absent_faults`"
        )


@dataclass(slots=True)
class Walked:
    """What a walk saw so far."""

    records: list[Raw] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    @property
    def ids(self) -> set[str]:
        """Of the records that exist."""
        return {record.external_id for record in self.records if not record.deleted}

    @property
    def cursor(self) -> str | None:
        """Of the last page."""
        return self.pages[-1].cursor if self.pages else None

    def of(self, external_id: str) -> Raw:
        """The newest reading of one record."""
        found = [record for record in self.records if record.external_id == external_id]
        if not found:
            pytest.fail(f"the walk missed {external_id}; it saw {sorted(self.ids)[:20]}")
        return found[-1]


def walk(
    connector: Connector, kind: Kind, *, cursor: str | None = None, limit: int = 50, into: Walked | None = None
) -> Walked:
    """A whole walk. Fails if it has no end, ends without a last page, or goes on after it."""
    walked = into if into is not None else Walked()
    ended = False
    for page in connector.pull(kind, cursor=cursor, limit=limit):
        if ended:
            pytest.fail("a page came after the last one")
        walked.pages.append(page)
        walked.records += page.records
        walked.unreadable += page.unreadable
        ended = page.last
        if len(walked.pages) > PAGES_MAX:
            pytest.fail(f"the walk has no end: {PAGES_MAX} pages and the last cursor is {page.cursor!r}")
    if not ended:
        pytest.fail("the walk ended without a page marked as the last one")
    return walked


def misses(expected: Sequence[str], walked: Walked) -> list[str]:
    """Which of the expected records a walk did not see."""
    return sorted(set(expected) - walked.ids)


def said(error: BaseException) -> str:
    """Everything that a log or a screen could show of an error, its causes included."""
    parts = list(traceback.format_exception(error))
    if isinstance(error, ConnectorError):
        parts += [repr(error), str(error), error.message, str(error.code), str(error.request_id)]
    return "\n".join(parts)


@dataclass(slots=True)
class Captured:
    """What was logged: through our processors, and by anybody else as they wrote it."""

    ours: io.StringIO = field(default_factory=io.StringIO)
    raw: io.StringIO = field(default_factory=io.StringIO)

    @property
    def text(self) -> str:
        """Both, as one text."""
        return self.ours.getvalue() + self.raw.getvalue()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Ours, decoded."""
        return [json.loads(line) for line in self.ours.getvalue().splitlines()]


@contextlib.contextmanager
def captured_log() -> Iterator[Captured]:
    """Catch everything that is logged at any level; puts logging back as it was."""
    root = logging.getLogger()
    handlers, level, was_configured = list(root.handlers), root.level, structlog.is_configured()
    captured = Captured()
    log.configure(json=True, level="DEBUG", stream=captured.ours)
    second = logging.StreamHandler(captured.raw)
    root.addHandler(second)
    try:
        yield captured
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        if not was_configured:
            structlog.reset_defaults()
