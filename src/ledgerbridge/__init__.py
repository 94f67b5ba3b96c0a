"""Ledgerbridge: one set of customer accounts across ERP, CRM and spreadsheets."""
