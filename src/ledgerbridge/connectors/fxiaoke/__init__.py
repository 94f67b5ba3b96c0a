"""Fxiaoke 纷享销客 / ShareCRM through its open API (contract: the Fxiaoke fact sheet, cited as fxiaoke.md and its section).

Customers are AccountObj with their invoice titles and contacts; invoices are the tenant's own receivable object, or
InvoiceApplicationObj; payments are PaymentObj with its lines, and RefundObj. Everything is read by the `_id` keyset inside a
window of `last_modified_time`; rows that are read along with a record (payment lines, contacts) are watched by their own
stamps, since a change of theirs does not touch the record's. Sales orders are not read: nothing here rests on an order's
rolled-up amounts, which change without a stamp (fxiaoke.md 4).
"""

from .connector import Fxiaoke

__all__ = ["Fxiaoke"]
