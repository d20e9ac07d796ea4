"""An index of what an address got lately: bursts are seen when a delivery is stored.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX delivery_recent ON delivery (destination, created_at) WHERE state IN ('pending', 'sent')"
    )


def downgrade() -> None:
    op.execute("DROP INDEX delivery_recent")
