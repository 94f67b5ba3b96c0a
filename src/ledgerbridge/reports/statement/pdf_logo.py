"""The logo as reportlab reads it."""

from __future__ import annotations

import io
from typing import Any

from ledgerbridge.errors import ConfigError


def logo_reader(content: bytes) -> tuple[Any, float, float]:
    """Reportlab's reader, and width and height in pixels; ConfigError if it is no image."""
    try:
        from reportlab.lib.utils import ImageReader
    except ModuleNotFoundError as error:
        raise ConfigError(f"a logo needs the package {error.name}: install ledgerbridge[pdf]") from None
    try:
        reader = ImageReader(io.BytesIO(content))
        wide, high = reader.getSize()
        reader.getRGBData()  # type: ignore[no-untyped-call]
    except Exception as error:  # noqa: BLE001 (the image library raises what it likes for a broken file)
        raise ConfigError(f"the logo cannot be read as an image: {' '.join(str(error).split())}") from None
    return reader, float(wide), float(high)
