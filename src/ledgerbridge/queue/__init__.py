"""Carry out operations at least once with effects once: lease and fence, send, settle by looking, verify, sweep.

May import ``store``, ``model``, ``log``, ``clock`` and ``errors``; knows nothing of connectors or mappings: what an operation
does is behind :class:`~ledgerbridge.queue.port.Carrier`. The operation's row is the truth; kombu (in ``wakeup.py`` alone)
only says "look at this one now", and any such message may be lost, repeated or reordered.
"""
