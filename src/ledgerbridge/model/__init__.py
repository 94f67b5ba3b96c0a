"""The canonical records and everything that is stored or crosses a boundary. Pydantic and dataclasses only.

May import ``clock`` never, ``errors`` yes; no network, disk, clock or log. Field names with ``_minor`` are integers of the
currency's minor units (fen for CNY); ``_on`` are business dates; ``_at`` are aware UTC.
"""
