"""Emulators of the vendors' APIs, with seeded business data, planted discrepancies and faults on demand.

Written from the vendors' published facts alone, so that a mistake in a connector cannot hide in a shared line of code:
this room imports nothing else of ours. Everything listens on loopback only.

``web`` serves an emulator over real sockets, ``faults`` says what goes wrong and when, ``books`` holds what a far side
has on record (the oracle of every test), ``clock`` is the far side's own time, ``world`` makes the business data.
Each vendor has a folder of its own.
"""
