"""What a plan found, put aside while the store is being read: a transaction that writes must be short, and memory flat."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import IO, Any, Final, Self

_IN_MEMORY: Final = 8 * 1024 * 1024


class Spool:
    """Lines of JSON in the order they came: in memory while they are few, then in a nameless file that only we can read.

    `digest` covers all lines that were added; `count` is how many.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (closed by close)
        self._hash = hashlib.blake2b(digest_size=16)
        self.count = 0

    def add(self, line: str) -> None:
        """Put one line aside. It must not hold a line break."""
        text = line.encode()
        self._hash.update(text)
        self._hash.update(b"\n")
        self._file.write(text + b"\n")
        self.count += 1

    @property
    def digest(self) -> bytes:
        """Of all lines so far."""
        return self._hash.digest()

    def lines(self) -> Iterator[str]:
        """All lines from the first on; nothing may be added meanwhile."""
        self._file.seek(0)
        for text in self._file:
            yield text.decode().rstrip("\n")
        self._file.seek(0, 2)

    def read(self, made: Callable[[Any], Any]) -> Iterator[Any]:
        """All lines as `made` makes them from their JSON."""
        for line in self.lines():
            yield made(json.loads(line))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
