"""A folder of files read as one system."""

from __future__ import annotations

from pathlib import Path

from ledgerbridge.connectors.base import Surroundings
from ledgerbridge.connectors.sheets import Sheets
from ledgerbridge.connectors.sheets.reading import SKIP
from ledgerbridge.connectors.sheets.settings import SheetsSettings
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw, Unreadable


def sheets(folder: Path, *files: dict[str, object], **limits: object) -> Sheets:
    settings = SheetsSettings.model_validate({"files": list(files), **limits}, strict=False)
    return Sheets(settings, Surroundings("files", folder=folder))


def walk(connector: Sheets, kind: Kind, cursor: str | None = None) -> tuple[list[Raw], list[Unreadable], str]:
    records: list[Raw] = []
    unreadable: list[Unreadable] = []
    last = False
    for page in connector.pull(kind, cursor=cursor, limit=1000):
        assert not last
        records += page.records
        unreadable += page.unreadable
        cursor, last = page.cursor, page.last
    assert last
    assert cursor is not None
    return records, unreadable, cursor


def payloads(records: list[Raw]) -> list[dict[str, object]]:
    return [dict(raw.payload()) for raw in records if not raw.external_id.startswith(SKIP)]
