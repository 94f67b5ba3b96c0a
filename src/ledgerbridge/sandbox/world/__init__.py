"""Seeded business data: one company's customers, receivables and receipts over some months, and how four systems and
a bank each hold them, with planted discrepancies and the truth about every one of them.

``facts`` are the shapes, the other modules fill them. Pure: same arguments, same world, byte for byte.
"""
