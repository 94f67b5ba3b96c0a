"""Where mappings come from: the files that ship with connectors, and the workspace's own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ledgerbridge.config.systems import connector_package
from ledgerbridge.errors import ConfigError, MappingError
from ledgerbridge.mapping.load import load_mapping
from ledgerbridge.mapping.spec import MappingSpec
from ledgerbridge.model.base import Kind

if TYPE_CHECKING:
    from .app import App


def built_in_mapping(connector: str, name: str) -> MappingSpec | None:
    """The mapping file that ships with a connector, or None."""
    source = files(connector_package(connector)) / "mappings" / name
    return load_mapping(source.read_text("utf-8"), f"{connector}/{name}") if source.is_file() else None


def mapping_texts(app: App, system: str, kind: Kind, wire_type: str) -> list[tuple[str, str]]:
    """The mapping files in force for a stream, the one that goes first in front: what each is called, and its text."""
    name = f"{kind}.{wire_type}.yaml"
    own = app.workspace.folder / "mappings" / system / name
    texts = [(f"mappings/{system}/{name}", own.read_text("utf-8"))] if own.is_file() else []
    configured = app.workspace.tree.systems.get(system)
    connector = configured.connector if configured else "sheets"  # a name that only imports used
    source = files(connector_package(connector)) / "mappings" / name
    return [*texts, (f"{connector}/{name}", source.read_text("utf-8"))] if source.is_file() else texts


def built_in_mappings(connector: str) -> list[str]:
    """The names of all mapping files that ship with a connector."""
    folder = files(connector_package(connector)) / "mappings"
    return sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml")) if folder.is_dir() else []


def import_types(kind: Kind, *, strict: bool = True) -> tuple[str, ...]:
    """What the `sheets` connector reads as a kind, its usual list first; if it reads none and `strict`, a ConfigError."""
    from ledgerbridge.connectors.sheets.settings import WIRE_TYPES

    known = WIRE_TYPES.get(kind, ())
    if not known and strict:
        raise ConfigError(f"files hold no {kind} records; they hold {', '.join(WIRE_TYPES)}")
    return known


def text_of(path: Path) -> str:
    """A mapping file's text; MappingError if it cannot be read."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
