"""A digest is claimed without reading what waits for others, and mails that are due without those of digests.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes. Writers wait meanwhile, some seconds per million deliveries.

    The release before claims mails with the new ones, too, but sorts all that are due.
    """
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute(
        "CREATE INDEX delivery_digests ON delivery (destination, project_id, due_at, id) WHERE state = 'digest'"
    )
    op.execute("DROP INDEX delivery_mails_due")
    _index_mails("state, due_at, id")


def downgrade() -> None:
    op.execute("DROP INDEX delivery_digests")
    op.execute("DROP INDEX delivery_mails_due")
    _index_mails("due_at, id")


def _index_mails(columns: str) -> None:
    op.execute(
        f"CREATE INDEX delivery_mails_due ON delivery ({columns})"
        " WHERE state IN ('pending', 'digest') AND channel = 'email'"
    )
