"""Look at a workbook without parsing it: refuse zip bombs, far corners, DTDs, macros (other-systems.md 4.3)."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

from ledgerbridge.errors import SourceFileError

from .settings import SheetsSettings

MEMBERS_MAX = 2_000
RATIO_MAX = 100
RATIO_FREE_BYTES = 1024 * 1024  # small members compress well by nature
_CHUNK = 256 * 1024
_ZIP_MAGIC = b"PK\x03\x04"
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CELL = re.compile(rb'<(?:\w+:)?(?:c|row)\b[^>]*?\br="([A-Z]{0,3})(\d{1,8})"')
_DTD = re.compile(rb"<!DOCTYPE|<!ENTITY", re.IGNORECASE)
_TAIL = 512  # a tag may be cut by a chunk's end


def check_workbook(path: Path, settings: SheetsSettings) -> None:
    """Raise SourceFileError, saying why and what to do, if `path` is no workbook that may be parsed."""
    size = path.stat().st_size
    if size > settings.file_bytes_max:
        raise SourceFileError(f"{path.name}: {size:,} bytes, at most {settings.file_bytes_max:,}; split the file")
    if size == 0:
        raise SourceFileError(f"{path.name}: the file is empty; export it again")
    with path.open("rb") as file:
        magic = file.read(8)
    if magic == _OLE_MAGIC and path.suffix.lower() == ".xls":
        return
    if not magic.startswith(_ZIP_MAGIC):
        raise SourceFileError(
            f"{path.name}: this is no Excel workbook, whatever its name says (a web page or a text file?); "
            "open it and save it as .xlsx, or give it its true ending"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive, settings)
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise SourceFileError(
            f"{path.name}: the workbook is cut off or damaged ({error}); copy or export it again"
        ) from None
    except (NotImplementedError, RuntimeError) as error:  # encrypted, or an unknown compression
        raise SourceFileError(f"{path.name}: the workbook cannot be opened ({error}); remove its password") from None


def _check_members(path: Path, archive: zipfile.ZipFile, settings: SheetsSettings) -> None:
    members = archive.infolist()
    names = {member.filename for member in members}
    if len(members) > MEMBERS_MAX:
        raise SourceFileError(
            f"{path.name}: {len(members):,} parts, at most {MEMBERS_MAX:,}; this is no ordinary workbook"
        )
    if any(name.endswith("vbaProject.bin") for name in names):
        raise SourceFileError(f"{path.name}: the workbook holds macros; save it as .xlsx without them")
    if "xl/workbook.xml" not in names:
        raise SourceFileError(f"{path.name}: the archive holds no workbook; export it again as .xlsx")
    left = settings.inflated_bytes_max
    for member in members:
        left -= _check_member(path, archive, member, left, settings)


def _check_member(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int, settings: SheetsSettings
) -> int:
    is_sheet = member.filename.startswith("xl/worksheets/")
    is_xml = member.filename.endswith((".xml", ".rels"))
    inflated = rows = columns = 0
    tail = b""
    with archive.open(member) as stream:
        while chunk := stream.read(_CHUNK):
            inflated += len(chunk)
            bomb = inflated > RATIO_FREE_BYTES and inflated > RATIO_MAX * max(1, member.compress_size)
            if inflated > left or bomb:
                raise SourceFileError(
                    f"{path.name}: unpacks to far more than its size ({member.filename}); this looks like a zip bomb"
                )
            if not is_xml:
                continue
            text = tail + chunk
            if _DTD.search(text):
                raise SourceFileError(
                    f"{path.name}: {member.filename} declares a document type; no workbook needs that"
                )
            if is_sheet:
                for letters, digits in _CELL.findall(text):
                    rows = max(rows, int(digits))
                    columns = max(columns, _column(letters))
            tail = text[-_TAIL:]
    if rows * max(columns, 1) > settings.cells_max:
        raise SourceFileError(
            f"{path.name}: {member.filename} reaches to row {rows:,}, column {columns:,}: "
            f"more than {settings.cells_max:,} cells; "
            "delete the empty rows and columns behind the data and save again"
        )
    return inflated


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
