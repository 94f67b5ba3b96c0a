"""The whole holding of one CRM, in an order in which every reference finds its target."""

from __future__ import annotations

from ledgerbridge.sandbox.fxiaoke.tenant import Tenant
from ledgerbridge.sandbox.world.facts import Holding

from .board import Board
from .customers import load_customer
from .documents import load_documents
from .receipts import load_receipt


def load_holding(tenant: Tenant, holding: Holding) -> None:
    """Customers, documents, money, then all totals. ValueError names what cannot be held, and the row of it."""
    board = Board(tenant)
    for company in holding.companies:
        load_customer(board, company)
    load_documents(board, holding.invoices)
    for receipt in holding.receipts:
        load_receipt(board, receipt)
    board.add_up_all()
