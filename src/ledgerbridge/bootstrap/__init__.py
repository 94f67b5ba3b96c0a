"""Build everything once: the only place that puts connectors, mappings, store and use cases together.

Nothing is opened before it is asked for, so that a command that needs no database does not pay for one. May import everything
but the entry points (``cli``, ``web``, ``testing``).
"""

from __future__ import annotations

from .app import App, open_app
from .mappings import built_in_mapping, built_in_mappings, mapping_texts

__all__ = ["App", "built_in_mapping", "built_in_mappings", "mapping_texts", "open_app"]
