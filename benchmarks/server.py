"""A loopback server of invoices that is never the bottleneck: pages are serialised before the first request, sent as they are.

::

    python benchmarks/server.py --rows 200000

prints its port on a line of its own once it listens, and serves until its standard input is closed. One resource::

    GET /invoices?page=1[&since=MILLISECONDS]

200 invoices a page as ``{"data": [...], "page": 1, "pages": 1000, "latest": …}``, oldest change first, each with two lines and
about 740 bytes long. With `since` not before the latest change there is one page without records. Connections are kept alive.
``--delay-ms`` keeps every answer back that long, as a far side far away does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys

PAGE = 200
FIRST_MS = 1_767_225_600_000
_REQUEST = re.compile(rb"GET /invoices\?([^ ]*) HTTP/1\.1\r\n")
_PAGE_OF = re.compile(rb"(?:^|&)page=(\d+)")
_SINCE_OF = re.compile(rb"(?:^|&)since=(\d+)")
_CITIES = ("上海", "北京", "深圳", "杭州", "成都")


def invoice(at: int) -> dict[str, object]:
    """One invoice as a plain business system spells it: amounts as text, days as text, stamps in milliseconds."""
    net = 100_00 + at % 977 * 137
    tax = net * 13 // 100
    first = net // 3
    customer = at % 5000
    return {
        "id": f"10{at:010d}",
        "version": 3,
        "modified": FIRST_MS + at,
        "code": f"XS-2026-{at:07d}",
        "type": "normal",
        "status": "approved",
        "date": f"2026-{at % 12 + 1:02d}-{at % 28 + 1:02d}",
        "due": f"2027-{at % 12 + 1:02d}-{at % 28 + 1:02d}",
        "customer": {
            "id": f"20{customer:06d}",
            "code": f"C{customer:05d}",
            "name": f"{_CITIES[customer % 5]}第{customer}贸易有限公司",
        },
        "currency": "USD" if at % 10 == 0 else "CNY",
        "rate": "7.1032" if at % 10 == 0 else "1",
        "sum": _yuan(net + tax),
        "net": _yuan(net),
        "tax": _yuan(tax),
        "unpaid": _yuan(0 if at % 3 else net + tax),
        "order": f"SO-2026-{at // 2:07d}",
        "department": f"D{at % 17:02d}",
        "salesperson": f"S{at % 131:03d}",
        "remark": "货款" if at % 4 else None,
        "lines": [_line(at, 1, first, tax // 3), _line(at, 2, net - first, tax - tax // 3)],
    }


def _line(at: int, number: int, net: int, tax: int) -> dict[str, object]:
    return {
        "row": number,
        "item": f"M{at % 900:04d}",
        "name": f"六角螺栓 M{at % 30 + 4}",
        "unit": "件",
        "quantity": "12.5",
        "price": f"{net / 1250:.6f}",
        "rate": "13",
        "net": _yuan(net),
        "tax": _yuan(tax),
        "sum": _yuan(net + tax),
    }


def _yuan(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def response(records: list[dict[str, object]], page: int, pages: int, latest: int) -> bytes:
    """A whole HTTP response: head and body."""
    body = json.dumps(
        {"data": records, "page": page, "pages": pages, "latest": latest}, ensure_ascii=False, separators=(",", ":")
    ).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Serving(asyncio.Protocol):
    """One connection; requests may come in pieces or several at once, none has a body."""

    def __init__(self, pages: list[bytes], nothing: bytes, latest: int, delay_s: float) -> None:
        self._pages, self._nothing, self._latest, self._delay_s = pages, nothing, latest, delay_s
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        *requests, self._held = (self._held + data).split(b"\r\n\r\n")
        for request in requests:
            answer = self._answer(request)
            if self._delay_s:
                asyncio.get_running_loop().call_later(self._delay_s, self._transport.write, answer)
            else:
                self._transport.write(answer)

    def _answer(self, request: bytes) -> bytes:
        match = _REQUEST.match(request + b"\r\n")
        if match is None:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        since = _SINCE_OF.search(match[1])
        if since is not None and int(since[1]) >= self._latest:
            return self._nothing
        page = _PAGE_OF.search(match[1])
        number = int(page[1]) if page else 1
        return self._pages[number - 1] if 1 <= number <= len(self._pages) else self._nothing


async def serve(rows: int, delay_ms: int) -> None:
    """Make the pages, say the port, serve until standard input ends."""
    starts = range(0, rows, PAGE)
    latest = FIRST_MS + rows - 1
    pages = [
        response([invoice(at) for at in range(start, min(start + PAGE, rows))], number, len(starts), latest)
        for number, start in enumerate(starts, 1)
    ]
    nothing = response([], 1, 1, latest)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Serving(pages, nothing, latest, delay_ms / 1000), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--delay-ms", type=int, default=0)
    options = parser.parse_args()
    asyncio.run(serve(options.rows, options.delay_ms))


if __name__ == "__main__":
    main()
