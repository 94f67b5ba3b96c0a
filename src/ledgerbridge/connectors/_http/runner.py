"""Carries out calls: one runner per configured system, shared by all threads.

Reads are tried again within bounds, writes are sent once (RELIABILITY.md 5). A token that the far side no longer knows
costs one sign-in, however many threads notice. Nothing that is raised or logged carries a body, a header, a token or a
query string.
"""

from __future__ import annotations

import contextvars
import itertools
import random
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import httpx
import tenacity

from ledgerbridge import log as logging
from ledgerbridge.clock import Clock, SystemClock
from ledgerbridge.errors import BadReply, ConnectorError, NotAllowed, NotSignedIn, QuotaUsedUp, Unavailable
from ledgerbridge.model.wirejson import WireError

from .call import Call, Judge, Reply, Signed
from .hosts import AddressRefused, HostRules
from .limits import BudgetUsedUp, CallBudget, Interrupted, Limit, pause
from .redaction import cleaned, hide_signed
from .settings import HttpSettings
from .signin import Session, SignedIn, SignInFlow
from .verdict import sign_in_verdict, transport_error, verdict
from .wire import BodyRefused, Wire

Transport: TypeAlias = httpx.BaseTransport
"""What carries requests instead of the network; named here so that connectors need not import httpx to pass one on."""

_log = logging.get(__name__)
_FIRST_WAIT_S = 0.5
_WAIT_SAID_S = 0.05


@dataclass(slots=True)
class _Course:
    """How one call goes on: when it must be over (monotonic seconds), and how often it was tried."""

    deadline: float
    tries: int = 0


class Runner:
    """Sends calls to one system. `judge` is the codec's failure table, `sign_in` the vendor's sign-in.

    `allowed_hosts` are admitted besides the base URL's host: names, `host:port`, or `.suffix` for all below it. `limits` as for
    :class:`CallBudget`. `secrets` never appear in what is logged or raised. `request_id_headers` (lower case) are where the
    vendor names its request. `transport` replaces the network in tests.
    """

    def __init__(
        self,
        *,
        system: str,
        base_url: str,
        settings: HttpSettings,
        judge: Judge,
        sign_in: Callable[[], SignInFlow] | None = None,
        limits: Mapping[str, Limit] | None = None,
        allowed_hosts: frozenset[str] = frozenset(),
        clock: Clock | None = None,
        transport: httpx.BaseTransport | None = None,
        secrets: Sequence[str] = (),
        request_id_headers: tuple[str, ...] = (),
    ) -> None:
        logging.hide(secrets)
        self._system = system
        self._base_url = base_url
        self._settings = settings
        self._judge = judge
        self._flow = sign_in
        self._clock: Clock = clock or SystemClock()
        self._request_id_headers = request_id_headers
        self._rules = HostRules(
            system=system,
            allowed=allowed_hosts | {httpx.URL(base_url).host},
            loopback=settings.allow_plain_http,
            private=settings.private_network,
        )
        self._budget = CallBudget(limits or {}, settings.in_flight_max, self._clock)
        self._wire = Wire(settings, self._rules, self._clock, transport)
        self._signed_in = SignedIn(self._perform_sign_in, self._clock) if sign_in is not None else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; more than once does no harm."""
        self._wire.close()

    @property
    def signed(self) -> Signed | None:
        """What the last sign-in won; None before the first."""
        session = self._signed_in.session if self._signed_in is not None else None
        return session.signed if session is not None else None

    def send(self, call: Call) -> Reply:
        """The reply to one call, judged a success; any other end raises a ConnectorError.

        A read is tried again while it is Unavailable (not QuotaUsedUp), within the bounds of the settings. A write is sent
        once; unless it is proven that nothing was processed, it ends as OutcomeUnknown. NotSignedIn costs one sign-in and
        one more try, also for a write: the far side refuses a call without a valid token before it does anything.

        While signing in, a reply reaches the sign-in whatever the judge thinks of it, except that temporary errors and
        redirects are raised.
        """
        if self._signed_in is None or not call.signed_in:
            return self._carry_out(call, None)
        session = self._signed_in.current()
        try:
            return self._carry_out(call, session)
        except NotSignedIn:
            session = self._signed_in.renewed(session)
        return self._carry_out(call, session)

    def send_all(self, calls: Iterable[Call], *, in_flight: int | None = None) -> Iterator[Reply]:
        """The replies to reads, in the order of the calls, reading ahead by at most `in_flight` calls.

        The first error in that order is raised and ends it. Closing the iterator starts nothing more and waits for what is
        under way; no thread is left.
        """
        width = min(in_flight or self._settings.in_flight_max, self._settings.in_flight_max)
        if width == 1:
            for call in calls:
                yield self._read(call)
            return
        waiting: deque[Future[Reply]] = deque()
        source = iter(calls)
        pool = ThreadPoolExecutor(max_workers=width, thread_name_prefix=f"ledgerbridge-{self._system}")
        try:
            while True:
                for call in itertools.islice(source, width - len(waiting)):
                    waiting.append(pool.submit(contextvars.copy_context().run, self._read, call))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _read(self, call: Call) -> Reply:
        if call.writes:
            raise ValueError("send_all reads ahead; a write must be sent by itself")
        return self.send(call)

    def _carry_out(self, call: Call, session: Session | None, *, signing_in: bool = False) -> Reply:
        course = _Course(self._clock.monotonic() + self._settings.total_deadline_s)

        def once() -> Reply:
            return self._once(call, session, course, signing_in=signing_in)

        try:
            if call.writes:
                return once()
            return tenacity.Retrying(
                retry=tenacity.retry_if_exception(_worth_another_try),
                stop=lambda state: (
                    state.attempt_number >= self._settings.retries
                    or self._clock.monotonic() + state.upcoming_sleep >= course.deadline
                ),
                wait=self._wait_s,
                sleep=lambda seconds: pause(self._clock, float(seconds)),
                before_sleep=lambda state: self._say_retry(call, state),
                reraise=True,
            )(once)
        except BudgetUsedUp as used_up:
            raise QuotaUsedUp(str(used_up), system=self._system, retry_after_s=used_up.wait_s) from None
        except Interrupted:
            raise Unavailable("stopped while waiting", system=self._system) from None

    def _wait_s(self, state: tenacity.RetryCallState) -> float:
        """What the far side asked for, cut to our bound; else exponential with full jitter."""
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, ConnectorError) and error.retry_after_s is not None:
            return min(max(error.retry_after_s, 0.0), self._settings.retry_after_max_s)
        ceiling = min(self._settings.retry_wait_max_s, _FIRST_WAIT_S * 2**state.attempt_number)
        return random.uniform(ceiling / 4, ceiling)

    def _say_retry(self, call: Call, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        _log.info(
            "call tried again",
            **self._facts(call),
            tries=state.attempt_number,
            wait_s=state.upcoming_sleep,
            error_type=type(error).__name__,
        )

    def _once(self, call: Call, session: Session | None, course: _Course, *, signing_in: bool) -> Reply:
        course.tries += 1
        signed = session.signed if session is not None else None
        base_url = (signed.base_url if signed is not None else None) or self._base_url
        request = self._wire.request(call, base_url, signed)
        asked = self._clock.monotonic()
        with self._budget.call(call.interface):
            started = self._clock.monotonic()
            if started - asked >= _WAIT_SAID_S:
                course.deadline += started - asked
                _log.debug("waited for the call budget", **self._facts(call), waited_s=started - asked)
            try:
                answer = self._wire.exchange(request, fresh=call.writes, deadline=course.deadline)
            except (httpx.HTTPError, BodyRefused, AddressRefused) as trouble:
                error = transport_error(self._system, call, request.url.host, trouble)
                self._say(call, error, tries=course.tries, elapsed_s=self._clock.monotonic() - started)
                raise error from None
            elapsed_s = self._clock.monotonic() - started
        request_id = next((answer.headers[name] for name in self._request_id_headers if answer.headers.get(name)), "")
        reply = Reply(answer.status, answer.headers, answer.body, request_id[:100] or uuid.uuid4().hex, elapsed_s)
        judged = sign_in_verdict if signing_in else verdict
        found = judged(self._system, call, reply, self._judge, self._clock.now(), _log)
        self._say(call, found, tries=course.tries, elapsed_s=elapsed_s, reply=reply)
        if found is not None:
            raise found
        return reply

    def _perform_sign_in(self) -> Signed:
        flow = self._flow() if self._flow is not None else None
        assert flow is not None
        try:
            signed = self._signed_by(flow)
            if signed.base_url is not None:
                self._rules.check(httpx.URL(signed.base_url))
        except ConnectorError as error:
            cleaned(error)  # a sign-in reads refusals itself, and their words may quote the secret it was given
            _log.error("sign-in failed", system=self._system, error_type=type(error).__name__, error=str(error))
            raise
        finally:
            flow.close()
        hide_signed(signed)
        _log.info("signed in", system=self._system, duration_s=signed.lifetime_s)
        return signed

    def _signed_by(self, flow: SignInFlow) -> Signed:
        try:
            call = next(flow)
            while True:
                call = flow.send(self._carry_out(replace(call, signed_in=False), None, signing_in=True))
        except StopIteration as stop:
            signed: Signed = stop.value
            return signed
        except NotSignedIn as error:
            raise NotAllowed(f"signing in was refused: {error.message}", system=self._system, code=error.code) from None
        except WireError:
            why = "the answer to signing in is no JSON: check that the address is the API's and no web page or proxy"
            raise BadReply(why, system=self._system) from None
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise BadReply(
                f"the answer to signing in has an unknown shape ({type(error).__name__})", system=self._system
            ) from None

    def _facts(self, call: Call) -> dict[str, str]:
        path = httpx.URL(call.path).path if "://" in call.path else call.path.partition("?")[0]
        return {"system": self._system, "interface": call.interface, "method": call.method, "path": path}

    def _say(
        self, call: Call, error: ConnectorError | None, *, tries: int, elapsed_s: float, reply: Reply | None = None
    ) -> None:
        facts: dict[str, object] = {**self._facts(call), "tries": tries, "elapsed_ms": round(elapsed_s * 1000)}
        if reply is not None:
            facts |= {"status": reply.status, "bytes": len(reply.body), "request_id": reply.request_id}
        if error is None:
            (_log.info if call.writes else _log.debug)("call answered", **facts)
        else:
            _log.warning("call failed", **facts, error_type=type(error).__name__, code=error.code)


def _worth_another_try(error: BaseException) -> bool:
    return isinstance(error, Unavailable) and not isinstance(error, QuotaUsedUp)
