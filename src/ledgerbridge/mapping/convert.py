"""All converters by name."""

from __future__ import annotations

from collections.abc import Mapping

from .convert_money import MONEY
from .convert_number import NUMBER
from .convert_party import PARTY
from .convert_text import TEXT
from .convert_time import TIME
from .converter import Converter

CONVERTERS: Mapping[str, Converter] = {**TEXT, **NUMBER, **MONEY, **TIME, **PARTY}
"""What `convert:` may name; docs/write-a-mapping.md describes each."""
