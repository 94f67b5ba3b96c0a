"""Seeded trouble: two-way sync under random human edits, at size, under kill -9, and with many processes (docs/chaos.md)."""
