"""Alembic's environment; part of the package, so that an installed Ledgerbridge can bring its own database up to date."""
