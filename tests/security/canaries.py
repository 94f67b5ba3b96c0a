"""Planted secrets: how they may be spelled, and where one could hide."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

import sqlalchemy as sa

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)


def spellings(secret: str) -> set[bytes]:
    """A secret as text, in a URL, in a form, in JSON, in HTML, in hex, and in base64 wherever it may begin in it."""
    plain = secret.encode()
    found = {
        plain,
        quote(secret, safe="").encode(),
        quote_plus(secret).encode(),
        json.dumps(secret)[1:-1].encode(),
        json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
        html.escape(secret).encode(),
        plain.hex().encode(),
        plain.hex().upper().encode(),
        secret.encode("utf-16-le"),
        secret[::-1].encode(),
    }
    for shift in range(3):  # three bytes become four letters: the letters depend on where the secret starts
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(b"\0" * shift + plain)
            found.add(whole[(0, 2, 3)[shift] : len(whole) - (0 if (shift + len(plain)) % 3 == 0 else 4)])
    return found


def hits(secrets: Mapping[str, str], content: bytes) -> list[str]:
    """The names of the secrets that `content` shows, each with what stands around it."""
    told = []
    for name, secret in secrets.items():
        for spelling in spellings(secret):
            at = content.find(spelling)
            if at >= 0:
                told.append(f"{name}: …{content[max(0, at - 60) : at]!r}[here]")
    return told


def unfolded(content: bytes) -> Iterator[bytes]:
    """`content`, and what is packed inside of it: members of a zip file, streams of a PDF, zlib."""
    yield content
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for member in packed.infolist():
                yield packed.read(member)
    elif content.startswith(b"%PDF"):
        for packed_stream in _STREAM.findall(content):
            yield _inflated(packed_stream)
    elif content[:1] == b"\x78":
        yield _inflated(content)


def _inflated(content: bytes) -> bytes:
    try:
        return zlib.decompress(content)
    except zlib.error:
        return content


def files(folder: Path, *, leave_out: Iterable[str] = ()) -> Iterator[tuple[str, bytes]]:
    """Every file below `folder` with all that is packed inside of it; `leave_out`: folders directly below it."""
    skipped = {folder / name for name in leave_out}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not skipped & {path, *path.parents}:
            for part in unfolded(path.read_bytes()):
                yield str(path), part


def columns(url: str | sa.URL) -> Iterator[tuple[str, bytes]]:
    """Every value of every column of every table, packed ones also unpacked; the tables' own texts too."""
    engine = sa.create_engine(url)
    try:
        tables = sa.MetaData()
        tables.reflect(engine)
        assert tables.tables, "no table was looked at"
        with engine.connect() as connection:
            for table in tables.sorted_tables:
                for row in connection.execute(sa.select(table)).mappings():
                    for name, value in row.items():
                        if value is None or isinstance(value, int | float):
                            continue
                        content = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                        for part in unfolded(content):
                            yield f"{table.name}.{name}", part
    finally:
        engine.dispose()


def command_lines() -> set[bytes]:
    """What `ps` shows of every process."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.add(path.read_bytes())
        except OSError:  # it has ended meanwhile
            continue
    return found
