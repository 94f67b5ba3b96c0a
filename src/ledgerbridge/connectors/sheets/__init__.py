"""Spreadsheets and text tables as a far side: customer, invoice and payment lists, bank statements (xlsx, xls, csv, tsv).

A workbook is looked at by ``guard`` before anything parses it, and parsed in a child process with a memory and time limit,
because one cell at a far corner makes any dense reader allocate gigabytes (other-systems.md 4.3). Cells stay text: codes and
leading zeros survive. Rows that are no records (totals, repeats) are handed on marked, so that they are skipped visibly.
"""

from .connector import Sheets

__all__ = ["Sheets"]
