"""Notices are `json`, as they were written: nothing is searched in them, and `jsonb` takes longer to make and to store.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Write the table again. Notifications wait meanwhile, some seconds per million deliveries."""
    _set("json")


def downgrade() -> None:
    _set("jsonb")


def _set(kind: str) -> None:
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute(f"ALTER TABLE delivery ALTER notice TYPE {kind} USING notice::{kind}")
