"""Who is signed in: one sign-in at a time, shared by all threads, renewed before it runs out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Protocol

from ledgerbridge.clock import Clock
from ledgerbridge.errors import ConnectorError, Unavailable

from .call import Call, Reply, Signed

SignInFlow = Generator[Call, Reply, Signed]
RENEW_AT = 0.8
"""Share of a token's lifetime after which it is renewed before anybody is refused."""
RENEW_AGAIN_S = 60.0
FAILED_HOLD_S = 30.0
"""How long a refused sign-in is remembered, so that many threads do not lock the account by trying the same secret."""


class SignIn(Protocol):
    """A vendor's ``signin.py``: yields calls (`signed_in` False), is sent their replies, returns what was won.

    Raises a ConnectorError (NotAllowed for credentials that are wrong). See :meth:`Runner.send` for what of a reply reaches it.
    """

    def sign_in(self) -> SignInFlow:
        """One sign-in from its beginning."""
        ...


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that holds: `serial` counts them, `renew_at` and `ends_at` are monotonic seconds."""

    signed: Signed
    serial: int
    renew_at: float
    ends_at: float


class SignedIn:
    """Keeps the current session; `perform` carries out one whole sign-in."""

    def __init__(self, perform: Callable[[], Signed], clock: Clock) -> None:
        self._perform = perform
        self._clock = clock
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._failure: tuple[ConnectorError, float] | None = None
        self._tried = 0
        self._unavailable: Unavailable | None = None

    @property
    def session(self) -> Session | None:
        """What is held now, without signing in."""
        return self._session

    def current(self) -> Session:
        """A session that still holds; signs in if there is none, or if most of its lifetime is over."""
        session = self._session
        now = self._clock.monotonic()
        if session is not None and now < session.renew_at:
            return session
        try:
            return self.renewed(session)
        except Unavailable:
            if session is None or now >= session.ends_at:
                raise
            # Renewing early is a courtesy: the old token is good until it ends. Ask again in a while, not at every call.
            with self._lock:
                if self._session is session:
                    self._session = replace(session, renew_at=min(now + RENEW_AGAIN_S, session.ends_at))
            return session

    def renewed(self, stale: Session | None) -> Session:
        """A session newer than `stale`: of many threads that hold the same stale one, the first signs in.

        What it comes to counts for all that waited for it, also that the far side cannot be reached: each has tried as
        often as one call may, and token requests have a small budget of their own (fxiaoke.md: ten a minute).
        """
        tried = self._tried
        with self._lock:
            session = self._session
            if session is not None and (stale is None or session.serial > stale.serial):
                return session
            if self._failure is not None:
                error, until = self._failure
                if self._clock.monotonic() < until:
                    raise _said_again(error) from None
            if self._unavailable is not None and self._tried > tried:
                raise _said_again(self._unavailable) from None
            return self._sign_in(0 if session is None else session.serial)

    def _sign_in(self, serial: int) -> Session:
        self._unavailable = None
        try:
            signed = self._perform()
        except Unavailable as error:
            self._tried += 1
            self._unavailable = error
            raise
        except ConnectorError as error:
            self._failure = (error, self._clock.monotonic() + FAILED_HOLD_S)
            raise
        now = self._clock.monotonic()
        self._failure = None
        self._session = Session(signed, serial + 1, now + signed.lifetime_s * RENEW_AT, now + signed.lifetime_s)
        return self._session


def _said_again(error: ConnectorError) -> ConnectorError:
    return type(error)(
        error.message,
        system=error.system,
        code=error.code,
        request_id=error.request_id,
        retry_after_s=error.retry_after_s,
    )
