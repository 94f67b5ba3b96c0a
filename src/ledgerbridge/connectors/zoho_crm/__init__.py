"""Zoho CRM by its REST API v8 (contract: the Zoho fact sheet, cited as ``zoho.md 1`` … ``zoho.md 16``).

Customers are Accounts, invoices are Invoices, payments are records of a custom module (one per part of a receipt). Lists
are walked in the order of modification; a second stretch of each walk reads what was deleted. Writes are upserts by a
unique field that holds our key, up to a hundred records a call, with workflows off.
"""

from .connector import ZohoCrm

__all__ = ["ZohoCrm"]
