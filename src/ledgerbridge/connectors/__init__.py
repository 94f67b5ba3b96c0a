"""One folder per far side, found by entry point (group ``ledgerbridge.connectors``), so that another package can add one.

In each folder ``codec.py`` builds calls and reads replies, ``signin.py`` signs in, ``mappings/*.yaml`` says which wire field
is which canonical one; only ``_http`` knows sockets. Connectors are stateless, know no database and not one another.
May import ``model``, ``log``, ``clock``, ``errors``.
"""
