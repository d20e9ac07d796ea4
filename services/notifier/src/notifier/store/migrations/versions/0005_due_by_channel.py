"""Mails and webhooks that are due have an index each, and the unique key begins with the subject.

One webhook's deliveries are read without those of others, mails without those of webhooks, and deliveries about a
submission without others of its project.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace the indexes. Writers wait meanwhile, some seconds per million deliveries."""
    op.execute("SET LOCAL statement_timeout = 0")
    waits = "state IN ('pending', 'digest')"
    op.execute(f"CREATE INDEX delivery_mails_due ON delivery (due_at, id) WHERE {waits} AND channel = 'email'")
    op.execute(
        "CREATE INDEX delivery_webhooks_due ON delivery (destination, due_at, id)"
        f" WHERE {waits} AND channel = 'webhook'"
    )
    op.execute("DROP INDEX delivery_by_due")
    _make_once("subject_id, project_id, kind, destination")


def downgrade() -> None:
    op.execute("CREATE INDEX delivery_by_due ON delivery (due_at, id) WHERE state IN ('pending', 'digest')")
    op.execute("DROP INDEX delivery_webhooks_due, delivery_mails_due")
    _make_once("project_id, kind, subject_id, destination")


def _make_once(columns: str) -> None:
    op.execute(
        "ALTER TABLE delivery DROP CONSTRAINT delivery_once,"
        f" ADD CONSTRAINT delivery_once UNIQUE ({columns})"
    )
