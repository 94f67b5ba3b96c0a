"""Pushing changes to a far side that takes 50 ms to answer: in the vendor's batches against one at a time, in turn.

::

    python benchmarks/push_batches.py --changes 2000 --repeat 3

The far side is Zoho CRM's emulator in a process of its own, `--delay-ms` holding every answer back. A call takes 100 records.
What is pushed are customers to be created, so either way also asks first whether they exist: two look-ups and one call a hundred,
or one and one for each. Of the changes one at a time only `--single` are made, since their rate does not depend on how many there
are. Wall clock of ``push`` alone, signed in before, nothing queued or read back; ``write_path.py`` measures the queue.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

from ledgerbridge.clock import SystemClock
from ledgerbridge.connectors.base import Surroundings, Write
from ledgerbridge.connectors.zoho_crm import ZohoCrm
from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.raw import Receipt
from ledgerbridge.sandbox.web import Emulator, Request, Response, serve
from ledgerbridge.sandbox.zoho_crm import create, credentials


def slow_zoho(told: Connection, delay_s: float) -> None:
    """Serve the emulator until told to stop: says its URL, then answers each message with how many customers there are."""
    emulator: Emulator = create()
    handle = emulator.handle

    def delayed(request: Request) -> Response:
        time.sleep(delay_s)
        return handle(request)

    emulator.handle = delayed  # type: ignore[method-assign]
    with serve(emulator) as running:
        told.send(running.url)
        while told.recv():
            told.send(emulator.count("customer"))


def connector(url: str) -> ZohoCrm:
    """Signed in at its first call."""
    access = credentials()
    keys = {name: access[name] for name in ("client_id", "client_secret", "refresh_token")}
    http = {"allow_plain_http": True, "in_flight_max": 5}
    settings = ZohoCrm.settings.model_validate({**keys, "accounts_url": url, "api_url": url, "http": http})
    return ZohoCrm(settings, Surroundings("crm", SystemClock()))


def creates(turn: str, number: int) -> list[Write]:
    """Customers nobody has seen yet."""
    return [
        Write(
            Change(action=Action.CREATE, system="crm", kind=Kind.CUSTOMER, entity=f"{turn}-{at}", because="measured"),
            {"Account_Name": f"客户 {turn} {at}", "ERP_Code": f"{turn}-{at}"},
        )
        for at in range(number)
    ]


def pushed(crm: ZohoCrm, writes: Sequence[Write], batch: int) -> float:
    """Seconds for all; SystemExit unless every one was received."""
    begun = time.perf_counter()
    outcomes = [one for at in range(0, len(writes), batch) for one in crm.push(writes[at : at + batch])]
    took = time.perf_counter() - begun
    wrong = [one for one in outcomes if not isinstance(one, Receipt)]
    if wrong or len(outcomes) != len(writes):
        raise SystemExit(f"{len(wrong)} of {len(writes)} writes failed: {wrong[:1]}")
    return took


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=2000)
    parser.add_argument("--single", type=int, default=100, help="how many are made one at a time")
    parser.add_argument("--delay-ms", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    ours, far = multiprocessing.Pipe()
    server = multiprocessing.Process(target=slow_zoho, args=(far, options.delay_ms / 1000), daemon=True)
    server.start()
    with connector(ours.recv()) as crm:
        crm.check()
        batch = crm.capabilities.batch_size_max
        took: dict[int, list[float]] = {1: [], batch: []}
        for turn in range(options.repeat):
            took[1].append(pushed(crm, creates(f"S{turn}", options.single), 1) / options.single)
            took[batch].append(pushed(crm, creates(f"B{turn}", options.changes), batch) / options.changes)
    ours.send(True)
    made, wanted = ours.recv(), options.repeat * (options.single + options.changes)
    ours.send(False)
    server.join()
    if made != wanted:
        raise SystemExit(f"the far side has {made} customers, not {wanted}")
    single = statistics.median(took[1])
    print(f"{'changes a call':>16}{'changes/s':>12}{'2,000 take s':>14}{'x one at a time':>17}")
    for size, found in took.items():
        each = statistics.median(found)
        print(f"{size:>16}{1 / each:>12.1f}{2000 * each:>14.1f}{single / each:>17.1f}")


if __name__ == "__main__":
    main()
