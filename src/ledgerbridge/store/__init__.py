"""The only place that speaks SQL: tables, migrations, one repository module per noun, read models.

Open with :meth:`Store.open` or :meth:`Store.create`; every repository function takes the :class:`Tx` of a ``with`` block of
``store.reading()`` or ``store.writing()`` first.
"""

from __future__ import annotations

from .database import Store
from .tx import Tx, from_us, to_us

__all__ = ["Store", "Tx", "from_us", "to_us"]
