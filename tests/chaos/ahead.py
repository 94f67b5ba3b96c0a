"""The command line as a process whose clock is ahead of the machine's: `python -m tests.chaos.ahead COMMAND …`.

`LEDGERBRIDGE_CHAOS_AHEAD` names a file with the seconds; whoever kills the process moves them on, so that leases and settle
windows keep their real lengths and nobody has to wait for them.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

from ledgerbridge.cli.main import run
from ledgerbridge.clock import Clock, SinceBoot, SystemClock
from ledgerbridge.store import Tx, moves

ENVIRON = "LEDGERBRIDGE_CHAOS_AHEAD"


def main() -> None:
    """The command line, its time moved."""
    told = Path(os.environ[ENVIRON])
    machine_now, machine_since, server_now = SystemClock.now, SystemClock.since_boot, moves.db_now

    def ahead() -> timedelta:
        return timedelta(seconds=float(told.read_text("ascii") or 0))

    def now(self: SystemClock) -> datetime:
        return machine_now(self) + ahead()

    def since_boot(self: SystemClock) -> SinceBoot | None:
        since = machine_since(self)
        return None if since is None else since._replace(us=since.us + ahead() // timedelta(microseconds=1))

    def db_now(tx: Tx, clock: Clock) -> datetime:
        at = server_now(tx, clock)
        return at if tx.sqlite or not isinstance(clock, SystemClock) else at + ahead()

    SystemClock.now = now  # type: ignore[method-assign]
    SystemClock.since_boot = since_boot  # type: ignore[method-assign]
    moves.db_now = db_now
    run(sys.argv[1:])


if __name__ == "__main__":
    main()
