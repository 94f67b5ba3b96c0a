"""What is compared of two documents stands right behind their number, so that those that are the same can be grouped."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index anew with its columns in another order."""
    op.drop_index("ix_observed_number", "observed")
    grouped = ["number", "currency", "doc_status", "business_on", "doc_kind", "amount_minor", "tax_minor", "due_on"]
    columns = [*grouped, "system", "kind", "state", "fee_minor", "party_id", "party_code"]
    op.create_index("ix_observed_number", "observed", columns, unique=False)


def downgrade() -> None:
    """Not offered: restore a backup from before the upgrade."""
    raise NotImplementedError("restore a backup from before the upgrade")
