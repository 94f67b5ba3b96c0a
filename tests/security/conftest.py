"""A connected workspace whose far sides repeat every secret that they are told, and the command line in it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ledgerbridge.sandbox.launch import Sandbox
from ledgerbridge.sandbox.web import Request, Response
from tests.integration.conftest import postgres_address, postgres_databases, postgres_server, postgres_template

from . import canaries

__all__ = ["postgres_address", "postgres_databases", "postgres_server", "postgres_template"]

TOUR = """
import json, os, sys
from ledgerbridge.cli.main import main
codes = []
for arguments in json.loads(sys.argv[1]):
    if arguments[0].isupper():  # an address with a password has no place among the arguments, which everybody can see
        os.environ["LEDGERBRIDGE_DATABASE__URL"] = os.environ[arguments.pop(0)]
    print("$", *arguments, flush=True)
    codes.append(main(arguments))
print("CODES", json.dumps(codes), flush=True)
"""
"""Several commands in one process: an interpreter with our imports takes longer to start than most commands take."""


@dataclass(slots=True)
class Eavesdropper:
    """Stands between a sandbox's sockets and its emulators: notes every token that is given out and, when told to, answers a
    request with an error that repeats it, query, headers and body.
    """

    issued: dict[str, str] = field(default_factory=dict)
    echo_every: int = 0
    echoed: int = 0
    _asked: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def listen(self, sandbox: Sandbox) -> None:
        for name, running in sandbox.running.items():
            emulator: Any = running.emulator
            emulator.handle = self._between(name, emulator.handle)

    def _between(self, system: str, handle: Any) -> Any:
        def answer(request: Request) -> Response:
            with self._lock:
                self._asked += 1
                echoes = bool(self.echo_every) and self._asked % self.echo_every == 0
                self.echoed += echoes
            if echoes:
                return _echo(request)
            response: Response = handle(request)
            if b"oken" in response.body:
                self._note(system, response.body)
            return response

        return answer

    def _note(self, system: str, body: bytes) -> None:
        try:
            told = json.loads(body)
        except ValueError:
            return
        for token in _tokens(told):
            self.issued[f"{system} token {len(self.issued)}"] = token


def _tokens(told: Any, *, within: bool = False) -> Iterator[str]:
    if isinstance(told, dict):
        for key, value in told.items():
            named = (within and key == "id") or "token" in key.lower()
            if named and isinstance(value, str) and len(value) >= 16 and "://" not in value:
                yield value
            else:
                yield from _tokens(value, within=named)


def _echo(request: Request) -> Response:
    query = "&".join(f"{name}={value}" for name, value in request.query.items())
    headers = "; ".join(f"{name}: {value}" for name, value in request.headers.items())
    said = f"refused {request.method} {request.path}?{query} {headers} {request.body.decode('utf-8', 'replace')}"
    words = ("errmsg", "message", "errorMessage", "error", "error_description", "displayMsg")
    codes = {"errcode": "99999", "code": "99999", "errorCode": 99999, "status": "error", "details": {"said": said}}
    body = json.dumps({**codes, **dict.fromkeys(words, said)}, ensure_ascii=False).encode()
    return Response(200, body, {"Content-Type": "application/json", "X-Request-Id": quote(said)[:4000]})


@dataclass(slots=True)
class Told:
    """Everything that processes have said, and what `ps` showed meanwhile."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    output: list[bytes] = field(default_factory=list)
    command_lines: set[bytes] = field(default_factory=set)

    def run(self, *arguments: str, **environ: str) -> int:
        return self._run([sys.executable, "-m", "ledgerbridge.cli.main", *arguments], environ)

    def tour(self, *commands: list[str], **environ: str) -> list[int]:
        code = self._run([sys.executable, "-c", TOUR, json.dumps(commands)], environ)
        assert code == 0, self.output[-2:]
        last = self.output[-2].decode().rstrip().splitlines()[-1]
        codes: list[int] = json.loads(last.removeprefix("CODES "))
        return codes

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "ledgerbridge.cli.main", *arguments],
            cwd=self.folder,
            env={**self._clean(), **self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def ended(self, process: subprocess.Popen[bytes], timeout: float = 60) -> int:
        out, err = process.communicate(timeout=timeout)
        self.output += [out, err]
        return process.returncode

    def _run(self, command: list[str], environ: dict[str, str]) -> int:
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self._clean(), **self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.command_lines |= canaries.command_lines()
        return self.ended(process, timeout=100)

    @staticmethod
    def _clean() -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("LEDGERBRIDGE_")}


@pytest.fixture
def ear() -> Eavesdropper:
    return Eavesdropper()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
