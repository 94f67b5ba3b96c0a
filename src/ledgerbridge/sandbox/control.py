"""The side door of a served emulator, for tests and for `ledgerbridge sandbox` users; no vendor has it.

All under ``/__sandbox__/``, JSON in and out: ``GET count?kind=``, ``GET books``, ``PUT books`` (restore),
``POST faults {fault, path, count, skip, writes_only}``, ``POST schedule {seed, rates}``, ``DELETE faults``,
``GET happened``, ``POST clock {advance_s}``, ``GET|POST switches``, ``POST seed {kind, count}``,
``POST touch {kind, id, changes}``, ``POST discard {kind, id}``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .web import CONTROL_PREFIX, Emulator, Request, Response, json_response


def control(emulator: Emulator, request: Request) -> Response:
    """Carry out one side-door request; 404 for an unknown one, 400 with the reason for a bad one."""
    action = _ACTIONS.get((request.method, request.path[len(CONTROL_PREFIX) :]))
    if action is None:
        return json_response({"error": f"no side door {request.method} {request.path}"}, 404)
    try:
        return action(emulator, request)
    except (KeyError, ValueError, TypeError) as error:
        return json_response({"error": f"{type(error).__name__}: {error}"}, 400)


def _ok(**more: Any) -> Response:
    return json_response({"ok": True, **more})


def _count(emulator: Emulator, request: Request) -> Response:
    return _ok(count=emulator.count(request.query["kind"]))


def _books(emulator: Emulator, _: Request) -> Response:
    return Response(200, emulator.books.save().encode(), {"Content-Type": "application/json"})


def _restore(emulator: Emulator, request: Request) -> Response:
    emulator.books.restore(request.body.decode())
    return _ok()


def _fault(emulator: Emulator, request: Request) -> Response:
    emulator.faults.fail_next(**request.json())
    return _ok()


def _schedule(emulator: Emulator, request: Request) -> Response:
    body = request.json()
    emulator.faults.schedule(int(body["seed"]), body["rates"])
    return _ok()


def _clear(emulator: Emulator, _: Request) -> Response:
    emulator.faults.clear()
    return _ok()


def _happened(emulator: Emulator, _: Request) -> Response:
    return _ok(happened={str(fault): count for fault, count in emulator.faults.happened.items()})


def _clock(emulator: Emulator, request: Request) -> Response:
    emulator.clock.advance(float(request.json()["advance_s"]))
    return _ok(now=emulator.clock.now().isoformat())


def _switches(emulator: Emulator, request: Request) -> Response:
    if request.method == "POST":
        changes = request.json()
        unknown = sorted(set(changes) - set(emulator.switches))
        if unknown:
            raise ValueError(f"{emulator.name} has no switch {', '.join(unknown)}")
        emulator.switches.update(changes)
    return _ok(switches=emulator.switches)


def _seed(emulator: Emulator, request: Request) -> Response:
    body = request.json()
    return _ok(ids=emulator.seed(body["kind"], int(body["count"])))


def _touch(emulator: Emulator, request: Request) -> Response:
    body = request.json()
    emulator.touch(body["kind"], body["id"], body["changes"])
    return _ok()


def _discard(emulator: Emulator, request: Request) -> Response:
    body = request.json()
    emulator.discard(body["kind"], body["id"])
    return _ok()


_ACTIONS: dict[tuple[str, str], Callable[[Emulator, Request], Response]] = {
    ("GET", "count"): _count,
    ("GET", "books"): _books,
    ("PUT", "books"): _restore,
    ("POST", "faults"): _fault,
    ("POST", "schedule"): _schedule,
    ("DELETE", "faults"): _clear,
    ("GET", "happened"): _happened,
    ("POST", "clock"): _clock,
    ("GET", "switches"): _switches,
    ("POST", "switches"): _switches,
    ("POST", "seed"): _seed,
    ("POST", "touch"): _touch,
    ("POST", "discard"): _discard,
}
