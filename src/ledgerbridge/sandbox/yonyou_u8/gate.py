"""Who may ask: applications, tokens in the query string, user logins, the call rate (yonyou.md A1, A2)."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ledgerbridge.sandbox.clock import SandboxClock

from .wire import REFUSED, Refusal, envelope

FROM_ACCOUNT = "ledgerbridge_dev"
TO_ACCOUNT = "ledgerbridge_demo"
APP_KEY = "opa5f2c8e01d7b94a36"
APP_SECRET = "9d41c7e2b80f4a6bb3d5e6f708192a3c"
USER_ID = "demo"
USER_PASSWORD = "demo-9f3a"
EAI_USER = "EAI"


@dataclass(slots=True)
class _Token:
    expires_at: datetime
    user: str | None = None


class Gate:
    """Issues and checks tokens; safe to share between request threads."""

    def __init__(self, clock: SandboxClock, switches: Mapping[str, Any]) -> None:
        self._clock = clock
        self._switches = switches
        self._lock = threading.Lock()
        self._tokens: dict[str, _Token] = {}
        self._calls: deque[datetime] = deque()

    def need(self, query: Mapping[str, str], *names: str) -> None:
        """Refuse unless every named parameter is there and not empty."""
        for name in names:
            if not query.get(name):
                raise Refusal(self._switches["errcode_parameter"], f"缺少必填参数 {name}")

    def issue(self, query: Mapping[str, str]) -> dict[str, Any]:
        """The answer of `/system/token`; `expiresIn` sits inside `token` [2+]."""
        self.need(query, "from_account", "app_key", "app_secret")
        known = query["from_account"] == FROM_ACCOUNT and query["app_key"] == APP_KEY
        if not known or not secrets.compare_digest(query["app_secret"].encode(), APP_SECRET.encode()):
            raise Refusal(self._switches["errcode_app"], "应用不存在或密钥错误")
        lifetime = int(self._switches["token_seconds"])
        now = self._clock.now()
        with self._lock:
            if self._switches["new_token_ends_old"]:
                self._tokens.clear()
            self._tokens = {name: token for name, token in self._tokens.items() if token.expires_at > now}
            name = secrets.token_hex(16)
            self._tokens[name] = _Token(now + timedelta(seconds=lifetime))
        return envelope(token={"id": name, self._switches["token_app_key_name"]: APP_KEY, "expiresIn": lifetime})

    def admit(self, query: Mapping[str, str], *, to_account: bool) -> None:
        """Check the common parameters of a call; Refusal says which one is wrong."""
        self.need(query, "from_account", *(("to_account",) if to_account else ()), "app_key", "token")
        if query["from_account"] != FROM_ACCOUNT or query["app_key"] != APP_KEY:
            raise Refusal(self._switches["errcode_app"], "应用不存在")
        if to_account and query["to_account"] != TO_ACCOUNT:
            raise Refusal(self._switches["errcode_app"], f"企业账号 {query['to_account']} 未授权给该应用")
        sequence = query.get("ds_sequence", "")
        if to_account and sequence and sequence not in self._switches["ds_sequences"]:
            raise Refusal(self._switches["errcode_parameter"], f"数据源 {sequence} 不存在")
        with self._lock:
            token = self._tokens.get(query["token"])
            if token is None or token.expires_at <= self._clock.now():
                raise Refusal(self._switches["errcode_token"], "token无效或已过期")

    def limit_rate(self) -> None:
        """Refuse the call if the application made too many within the last second (off by default)."""
        limit = int(self._switches["rate_limit_per_s"])
        if limit <= 0:
            return
        now = self._clock.now()
        with self._lock:
            while self._calls and now - self._calls[0] >= timedelta(seconds=1):
                self._calls.popleft()
            if len(self._calls) >= limit:
                raise self.too_fast()
            self._calls.append(now)

    def too_fast(self) -> Refusal:
        """The platform's refusal of a call that came too soon after others [inferred]."""
        status = int(self._switches["rate_limit_http"])
        return Refusal(self._switches["errcode_rate_limited"], "调用频率超过限制，请稍后再试", status)

    def expire(self, query: Mapping[str, str]) -> Refusal:
        """End the token of this call before its time, and the refusal that says so."""
        with self._lock:
            self._tokens.pop(query.get("token", ""), None)
        return Refusal(self._switches["errcode_token"], "token已过期，请重新获取")

    def log_in(self, query: Mapping[str, str], user: object) -> str:
        """Log a U8 user in under this call's token (`/api/user/login_v2`); returns the user's id."""
        if not isinstance(user, dict) or not user.get("user_id") or not user.get("password"):
            raise Refusal(self._switches["errcode_parameter"], "缺少必填参数 user.user_id 或 user.password")
        right = user["user_id"] == USER_ID and secrets.compare_digest(
            str(user["password"]).encode(), USER_PASSWORD.encode()
        )
        if not right:
            raise Refusal(REFUSED, "用户名或密码错误")
        with self._lock:
            token = self._tokens.get(query["token"])
            if token is not None:
                token.user = USER_ID
        return USER_ID

    def user_of(self, query: Mapping[str, str]) -> str | None:
        """The U8 user logged in under this call's token, if any."""
        with self._lock:
            token = self._tokens.get(query["token"])
            return None if token is None else token.user
