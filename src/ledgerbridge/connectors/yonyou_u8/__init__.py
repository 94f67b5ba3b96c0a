"""Yonyou U8 / U8+ through its OpenAPI relay (contract: part A of the Yonyou fact sheet, cited as A1…A6).

Customers carry a row version and are read incrementally; sales invoices, receivable vouchers (应收单) and receipts (收款单) can
only be filtered by document date, so a trailing window of dates is read again each time and a full walk finds the rest.
"""

from .connector import YonyouU8

__all__ = ["YonyouU8"]
