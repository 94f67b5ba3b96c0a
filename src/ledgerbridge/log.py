"""Structured logging to stderr that cannot carry a secret: structlog for our events, the same processors for everybody else's.

Event names are words (``"change applied"``); ``docs/log-events.md`` lists them with their fields. What reaches the log: fields
named in :data:`FIELDS` (others only if they are numbers), masked by name, by known secret value and by shape, on one line, cut
to a length. Exceptions are logged as type, masked message and frames, never with local variables.

May import ``errors`` and nothing else of ours. structlog is imported by the first event that is really logged.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TextIO
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    import structlog

__all__ = ["FIELDS", "Log", "bound", "configure", "get", "hide", "mask"]

_FIELD_NAMES = """
    action actor address age_s approved as_of attempt attempts base_currency batch bucket bus bytes cause caused_by changed
    code complete conflicts connector count currency cursor database deadline_s decided deleted depth digest duration_s
    elapsed_ms entity error error_type event events exit_code expected external_id failed fault fence field fields file
    files filtered finding findings flow found frames from_state gate host http_status id in_flight interface interrupted job
    job_id kind kinds level limit lines links logger mapping matched method minor missing mode name new next_at note op
    op_id operation outcome page pages parameter path pid plan plan_id port problems quarantined queue queued read
    reason received records recovery ref remaining report request_id resolved result retry_after_s role route row rows
    rule run run_id safety same saved sent serial sheet size skipped source stage state status step store stored stream
    system table target timestamp to_state total tries uncertain unmatched unreadable until user verified version view
    wait_s waited_s wakeups warning why window wire_type worker workspace written
"""
FIELDS = frozenset(_FIELD_NAMES.split())
"""Fields that may be logged as text. Bodies, headers, query strings and free payloads have no name here on purpose."""

MASK: Final = "•••"
SECRET_MIN: Final = 4
"""Shorter secrets cannot be searched for without making every log unreadable; settings refuse them."""
VALUE_MAX = 2000
ITEMS_MAX = 50
FRAMES_MAX = 30
_context: ContextVar[Mapping[str, object] | None] = ContextVar("ledgerbridge_log", default=None)
_NOISY = ("httpx", "httpcore", "hpack", "kombu", "amqp", "alembic", "asyncio")
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


_HIDDEN_MAX = 2000
_OPEN_KEYS = frozenset({"business_key", "change_key", "order_key", "natural_key"})
_SECRET_NAME = re.compile(
    r"token|secret|passw|pwd|authorization|credential|cookie|csrf|signature|permanent_?code|sign$|key$", re.IGNORECASE
)
_SHAPES: Final = (
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|$)", re.DOTALL), MASK),
    (re.compile(r"\b(bearer|zoho-oauthtoken)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\b(basic)\s+[A-Za-z0-9+/=]{16,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}"), MASK),
    (re.compile(r"(\b[A-Za-z][\w+.-]*://)[^\s/@]+@"), rf"\1{MASK}@"),
    (re.compile(r"(\bhttps?://[^\s?#\"'<>]+)\?[^\s\"'<>]*", re.IGNORECASE), rf"\1?{MASK}"),
    (
        re.compile(
            r"((?:token|secret|passw(?:or)?d|signature|\bsign|app_?key|api_?key|permanent_?code|authorization)"
            r"[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;}]+",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class _Hidden:
    """The secret values that are known so far, and the pattern that finds any of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, None] = {}
        self.pattern: re.Pattern[str] | None = None

    def add(self, values: Iterable[str]) -> None:
        with self._lock:
            new = [value for value in values if len(value) >= SECRET_MIN and value not in self._values]
            if not new:
                return
            self._values.update(dict.fromkeys(new))
            while len(self._values) > _HIDDEN_MAX:  # tokens come and go; the oldest have long run out
                del self._values[next(iter(self._values))]
            spellings = {spelling for value in self._values for spelling in _spellings(value)}
            longest_first = sorted(spellings, key=len, reverse=True)
            self.pattern = re.compile("|".join(re.escape(spelling) for spelling in longest_first))


_hidden = _Hidden()


def _spellings(value: str) -> set[str]:
    """A secret as it stands in text, in a URL, in a form and in JSON."""
    return {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}


def hide(values: Iterable[str]) -> None:
    """Mask these values from now on wherever they occur, in this process. Values under four characters are passed over."""
    _hidden.add(values)


def is_secret_name(name: str) -> bool:
    """Whether a field of this name would hold a secret."""
    return name not in _OPEN_KEYS and _SECRET_NAME.search(name) is not None


def mask(text: str, length_max: int = VALUE_MAX) -> str:
    """`text` on one line without known secrets and without what looks like one, cut to `length_max` characters."""
    if _hidden.pattern is not None:
        text = _hidden.pattern.sub(MASK, text)
    text = text[: length_max * 4]
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    text = _CONTROL.sub(" ", text)
    return text if len(text) <= length_max else f"{text[:length_max]}… (cut)"


class Log:
    """Says events under one logger name; costs next to nothing for a level that is off."""

    __slots__ = ("_stdlib", "_structured")

    def __init__(self, name: str) -> None:
        self._stdlib = logging.getLogger(name)
        self._structured: structlog.stdlib.BoundLogger | None = None

    def debug(self, event: str, **fields: object) -> None:
        """For whoever looks for the cause of something."""
        self._say("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """What an operator may want to know."""
        self._say("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """What an operator should look at."""
        self._say("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """What somebody must do something about."""
        self._say("error", event, fields)

    def exception(self, event: str, **fields: object) -> None:
        """An error with the exception that is being handled."""
        self._say("error", event, {"exc_info": True, **fields})

    def _say(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        if not self._stdlib.isEnabledFor(_LEVELS[level]):
            return
        if self._structured is None:
            self._structured = _structured(self._stdlib)
        getattr(self._structured, level)(event, **fields)


def get(name: str) -> Log:
    """The log of one module: ``get(__name__)``."""
    return Log(name)


@contextlib.contextmanager
def bound(**context: object) -> Iterator[None]:
    """Add fields (run_id, system, kind, request_id, …) to every event of this block, in this thread and in copied contexts."""
    token = _context.set({**(_context.get() or {}), **context})
    try:
        yield
    finally:
        _context.reset(token)


def configure(
    *, json: bool | None = None, level: str = "INFO", secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """Send all logging of the process to stderr (or `stream`) through our processors.

    `json` None: JSON unless stderr is a terminal. `secrets` are masked wherever they occur. Calling it again replaces
    what the last call set up. Raises ValueError for an unknown level.
    """
    if level.lower() not in _LEVELS:
        raise ValueError(f"unknown log level {level!r}; use one of {', '.join(_LEVELS)}")
    hide(secrets)
    as_json = not (stream or sys.stderr).isatty() if json is None else json
    handler = _Stderr(stream, as_json=as_json)
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _Stderr)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(_LEVELS[level.lower()])
    for name in _NOISY:  # httpx and httpcore write whole URLs, and the token is in the query (yonyou.md)
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    if "structlog" in sys.modules:
        _configure_structlog()
    elif not any(isinstance(finder, _WhenStructlogIsImported) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WhenStructlogIsImported())


def _configure_structlog() -> None:
    """Let a third party's own use of structlog go through our processors."""
    import structlog

    structlog.configure(
        processors=[*_chain(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class _WhenStructlogIsImported:
    """Configures structlog as soon as anybody imports it, so that none of its events gets past the mask.

    To import it beforehand costs every command a tenth of a second (it loads rich), and most commands log nothing.
    """

    def find_spec(self, name: str, _path: object, _target: object = None) -> ModuleSpec | None:
        if name != "structlog":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        assert spec is not None and spec.loader is not None  # noqa: PT018
        execute = spec.loader.exec_module
        spec.loader.exec_module = lambda module: execute(module) or _configure_structlog()  # type: ignore[method-assign,func-returns-value]
        return spec


class _Stderr(logging.Handler):
    """Writes to whatever stderr is at that moment, as redirection and test capture expect."""

    def __init__(self, stream: TextIO | None, *, as_json: bool) -> None:
        super().__init__()
        self._stream, self._as_json = stream, as_json

    def emit(self, record: logging.LogRecord) -> None:
        if self.formatter is None:
            self.setFormatter(_formatter(as_json=self._as_json))
        try:
            stream = self._stream or sys.stderr
            stream.write(self.format(record) + "\n")
            stream.flush()
        except Exception:  # noqa: BLE001 (a log that cannot be written must not stop the work; logging's own rule)
            self.handleError(record)


def _formatter(*, as_json: bool) -> logging.Formatter:
    import structlog

    last = (structlog.stdlib.ProcessorFormatter.remove_processors_meta, _as_json if as_json else _as_line)
    return structlog.stdlib.ProcessorFormatter(processors=last, foreign_pre_chain=_chain())


def _structured(stdlib: logging.Logger) -> structlog.stdlib.BoundLogger:
    import structlog

    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        stdlib,
        processors=[*_chain(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
    )
    return logger


def _chain() -> list[Any]:
    """The processors of every event, ours and foreign; the masking one is the last that touches a value."""
    import structlog

    return [
        _with_context,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exception_as_text,
        _known_fields,
        _masked,
    ]


def _with_context(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {**(_context.get() or {}), **event}


def _exception_as_text(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    info = event.pop("exc_info", None)
    event.pop("stack_info", None)
    error = _error_of(info)
    if error is None:
        return event
    event.setdefault("error_type", type(error).__name__)
    event.setdefault("error", str(error))
    event.setdefault("frames", _frames(error.__traceback__))
    causes: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(causes) < 5:
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
        if cause is not None:
            causes.append(f"{type(cause).__name__}: {cause}")
    if causes:
        event.setdefault("caused_by", causes)
    return event


def _error_of(info: object) -> BaseException | None:
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        return info[1] if len(info) > 1 and isinstance(info[1], BaseException) else None
    return sys.exc_info()[1] if info else None


def _frames(trace: TracebackType | None) -> list[str]:
    frames = []
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{'/'.join(Path(code.co_filename).parts[-2:])}:{trace.tb_lineno} in {code.co_name}")
        trace = trace.tb_next
    return frames[-FRAMES_MAX:]


def _known_fields(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Fields that nobody has declared fit for the log lose their value unless it is a number."""
    return {
        name: value
        if name in FIELDS or name.startswith("_") or isinstance(value, int | None)
        else MASK
        if is_secret_name(name)
        else f"({type(value).__name__}, not logged)"
        for name, value in event.items()
    }


def _masked(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value if name.startswith("_") else _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: object) -> object:
    if is_secret_name(name):
        return MASK
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        pairs = list(value.items())[:ITEMS_MAX]
        return {mask(str(key), VALUE_MAX): _clean(str(key), item) for key, item in pairs}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", item) for item in list(value)[:ITEMS_MAX]]
    return mask(_text(value), VALUE_MAX)


def _text(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return f"({len(value)} bytes, not logged)"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str | date | Decimal):
        return str(value)
    return str(value)


def _as_json(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    first = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    return json.dumps({**first, **event}, ensure_ascii=False, default=str)


def _as_line(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    """One line for a person: time, level, event, then the fields."""
    stamp = str(event.pop("timestamp", ""))[11:19]
    level = str(event.pop("level", ""))
    name = str(event.pop("event", ""))
    event.pop("logger", None)
    frames = event.pop("frames", None)
    facts = " ".join(f"{key}={_shown(value)}" for key, value in event.items())
    line = f"{stamp} {level:<8} {name}  {facts}".rstrip()
    return line + "".join(f"\n             {frame}" for frame in frames) if isinstance(frames, list) else line


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return json.dumps(text, ensure_ascii=False) if " " in text and isinstance(value, str) else text
