"""The wake-up: "there is work", said to workers that would else find it at their next sweep. Any of it may be lost.

In one process a condition variable does it: kombu's ``memory://`` would lose the same messages, polls (24 ms on average), and
costs the import of kombu at every start. Between processes it is RabbitMQ through kombu, which only this module knows, and
which is imported when the first message is published or waited for.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ledgerbridge import log
from ledgerbridge.clock import Clock
from ledgerbridge.errors import ConfigError

BODY_BYTES_MAX: Final = 4096
_REFUSED: Final = "x-ledgerbridge-refused"
_ANNOUNCED_MAX: Final = 8
"""Messages per far side for one announcement: more would only queue up behind work that is being taken anyway."""
_CONNECT_S: Final = 4
_CONFIRM_S: Final = 5
_HEARTBEAT_S: Final = 30
_IDLE_S: Final = 20.0
_TROUBLE_S: Final = 5.0
_log = log.get(__name__)


class Wakeup(Protocol):
    """What workers wait on."""

    def announce(self, jobs: Iterable[tuple[str, int]]) -> None:
        """Say that operations (far side, id) may be taken up. Best effort, after the commit; raises nothing."""
        ...

    def wait(self, seconds: float) -> bool:
        """Until something is announced (True), or for so long (False)."""
        ...

    def close(self) -> None:
        """Wake everybody who waits, and end."""
        ...


class InProcess:
    """The embedded wake-up: between the threads of one process."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._news = 0
        self._closed = False

    def announce(self, jobs: Iterable[tuple[str, int]]) -> None:
        """Wake all who wait, if there is anything."""
        if any(True for _ in jobs):
            self.wake()

    def wake(self) -> None:
        """Wake all who wait; who is about to wait does not wait."""
        with self._condition:
            self._news += 1
            self._condition.notify_all()

    def wait(self, seconds: float) -> bool:
        """Until something is announced, or for so long."""
        with self._condition:
            before = self._news
            return self._condition.wait_for(lambda: self._closed or self._news != before, max(0.0, seconds))

    def close(self) -> None:
        """Wake everybody, for good."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()


class Note(BaseModel):
    """All that a message may say. It can only wake what is approved already, so a forged one does no harm."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    v: Literal[1]
    job: Annotated[int, Field(ge=1, lt=2**63)]


@dataclass(frozen=True, slots=True)
class BrokerState:
    """How it goes with the broker. `connected` False: degraded, work goes on by sweeping. Counts since the process began."""

    connected: bool
    published: int
    failed: int
    received: int
    refused: int


class Broker:
    """The wake-up between processes: one RabbitMQ quorum queue per far side, named ``PREFIX.SYSTEM``.

    Publishing waits for the broker's confirmation and is mandatory; after any error the connection is thrown away, because a
    late confirmation would be taken for the next message's (RELIABILITY.md 3.4). Failures are counted and ignored: every
    worker sweeps. A message is acknowledged as soon as it has woken somebody, long before any work is done.

    `url` may hold a password; it is neither logged nor shown. `prefix` keeps workspaces apart that share a broker.
    ConfigError if kombu is not installed.
    """

    def __init__(self, url: str, systems: Iterable[str], clock: Clock, *, prefix: str = "ledgerbridge") -> None:
        self._url = url
        self._systems = sorted(systems)
        self._clock = clock
        self._prefix = prefix
        self._local = InProcess()
        self._stopped = threading.Event()
        self._listener: threading.Thread | None = None
        self._counting = threading.Lock()
        self._counts = Counter[str]()
        self._connected = False
        self._publishing = threading.Lock()
        self._connection: Any = None
        self._used_at = 0.0
        self._silent_until = 0.0
        _kombu()

    def listen(self) -> None:
        """Begin to receive, in a thread of its own; only processes that carry out operations do."""
        if self._listener is None:
            self._listener = threading.Thread(target=self._listen, name="wakeup", daemon=True)
            self._listener.start()

    @property
    def state(self) -> BrokerState:
        """How it goes."""
        with self._counting:
            count = self._counts
            return BrokerState(
                self._connected, count["published"], count["failed"], count["received"], count["refused"]
            )

    def announce(self, jobs: Iterable[tuple[str, int]]) -> None:
        """Publish for operations, a few per far side: whoever wakes takes all that is due. Raises nothing."""
        chosen: dict[str, list[int]] = {}
        for system, job in jobs:
            if len(chosen.setdefault(system, [])) < _ANNOUNCED_MAX:
                chosen[system].append(job)
        if not chosen:
            return
        self._local.wake()
        with self._publishing:
            if self._clock.monotonic() < self._silent_until:
                self._count("failed", sum(map(len, chosen.values())))
                return
            for system, listed in chosen.items():
                for job in listed:
                    if not self._publish(system, job):
                        return

    def wait(self, seconds: float) -> bool:
        """Until something is announced or received, or for so long."""
        return self._local.wait(seconds)

    def close(self) -> None:
        """Stop receiving and wake everybody."""
        self._stopped.set()
        self._local.close()
        if self._listener is not None:
            self._listener.join(_CONNECT_S + 5)
        with self._publishing:
            self._drop()

    def _queue(self, system: str) -> Any:
        arguments = {
            "x-queue-type": "quorum",
            "x-delivery-limit": 5,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": f"{self._prefix}.dead",
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            "x-max-length": 100_000,
        }
        return _kombu().Queue(f"{self._prefix}.{system}", durable=True, queue_arguments=arguments)

    def _dead_queue(self) -> Any:
        arguments = {"x-queue-type": "quorum", "x-max-length": 10_000}
        return _kombu().Queue(f"{self._prefix}.dead", durable=True, queue_arguments=arguments)

    def _connect(self) -> Any:
        options = {"confirm_publish": True, "write_timeout": _CONFIRM_S}
        made = _kombu().Connection(
            self._url, connect_timeout=_CONNECT_S, heartbeat=_HEARTBEAT_S, transport_options=options
        )
        try:
            made.connect()
        except BaseException:
            made.release()
            raise
        return made

    def _publish(self, system: str, job: int) -> bool:
        """One message; False when the broker is not to be had for now."""
        try:
            if self._connection is not None and self._clock.monotonic() - self._used_at > _IDLE_S:
                self._drop()  # nobody has answered the broker's heartbeats meanwhile
            if self._connection is None:
                self._connection = self._connect()
            self._used_at = self._clock.monotonic()
            _kombu().Producer(self._connection, auto_declare=False).publish(
                {"v": 1, "job": job},
                routing_key=f"{self._prefix}.{system}",
                serializer="json",
                mandatory=True,
                timeout=_CONFIRM_S,
                confirm_timeout=_CONFIRM_S,
                delivery_mode=2,
            )
        except Exception as error:  # noqa: BLE001 (whatever it is: counted, logged, and made up for by sweeping)
            nobody_listens = self._connection is not None and isinstance(error, self._connection.channel_errors)
            self._count("failed")
            _log.warning("wake-up not published", system=system, error_type=type(error).__name__)
            self._drop()
            if not nobody_listens:
                self._silent_until = self._clock.monotonic() + _TROUBLE_S
            return nobody_listens
        self._count("published")
        return True

    def _drop(self) -> None:
        """Never use a connection again on which anything went wrong."""
        if self._connection is not None:
            with contextlib.suppress(Exception):  # it is being thrown away; how it ends is of no interest
                self._connection.release()
            self._connection = None

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                self._receive()
            except Exception as error:  # noqa: BLE001 (a broker that is away is waited for; sweeping goes on)
                if self._connected:
                    _log.warning("broker lost", error_type=type(error).__name__)
                self._connected = False
                self._stopped.wait(_TROUBLE_S)

    def _receive(self) -> None:
        """Connect, declare, and receive until told to stop or the connection is lost."""
        connection = self._connect()
        try:
            channel = connection.default_channel
            channel.Message = _guarded(channel.Message)
            self._dead_queue()(channel).declare()
            queues = [self._queue(system) for system in self._systems]
            consumer = _kombu().Consumer(channel, queues, accept=["json"], prefetch_count=1, on_message=self._received)
            consumer.on_decode_error = self._undecodable
            with consumer:
                self._connected = True
                _log.info("broker connected", queue=self._prefix)
                self._local.wake()  # what was announced while we were away
                while not self._stopped.is_set():
                    with contextlib.suppress(TimeoutError):
                        connection.drain_events(timeout=1)
                    connection.heartbeat_check()
        finally:
            self._connected = False
            with contextlib.suppress(Exception):  # it may be dead already
                connection.release()

    def _received(self, message: Any) -> None:
        if not _is_ours(message):
            self._refuse(message)
            return
        message.ack()
        self._count("received")
        self._local.wake()

    def _undecodable(self, message: Any, _error: Exception) -> None:
        self._refuse(message)

    def _refuse(self, message: Any) -> None:
        message.reject()
        self._count("refused")
        _log.warning("wake-up refused", bytes=len(message.body or b""))

    def _count(self, what: str, number: int = 1) -> None:
        with self._counting:
            self._counts[what] += number


def _kombu() -> Any:
    """The library, loaded when it is first needed; ConfigError says what to install."""
    try:
        import kombu
    except ModuleNotFoundError:
        raise ConfigError("a broker needs kombu: install ledgerbridge[rabbitmq]") from None
    return kombu


def _is_ours(message: Any) -> bool:
    if message.headers.get(_REFUSED) or message.content_type != "application/json":
        return False
    try:
        Note.model_validate_json(message.body)
    except ValidationError:
        return False
    return True


def _guarded(message_class: Any) -> Any:
    """The transport's message class, which must not unpack anything: kombu would do so before anybody could look."""

    class Guarded(message_class):  # type: ignore[misc]
        """A message whose compressed or oversized body is thrown away unread."""

        def __init__(self, raw: Any, channel: Any = None, **named: Any) -> None:
            headers = raw.properties.get("application_headers") or {}
            bad = "compression" in headers or len(raw.body or b"") > BODY_BYTES_MAX
            if bad:
                raw.properties["application_headers"] = {}
                raw.body = b""
            super().__init__(raw, channel=channel, **named)
            if bad:
                self.headers = {_REFUSED: True}

    return Guarded
