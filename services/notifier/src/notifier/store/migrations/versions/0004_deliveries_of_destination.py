"""What a project last sent to a destination is found by an index; what an address got lately has its own.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX delivery_of_destination ON delivery (destination, project_id, created_at)")
    op.execute("DROP INDEX delivery_by_destination")


def downgrade() -> None:
    op.execute("CREATE INDEX delivery_by_destination ON delivery (destination, created_at)")
    op.execute("DROP INDEX delivery_of_destination")
