"""Attachments."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "attachment",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("attachment_id", sa.Text, nullable=False, unique=True),
        sa.Column("organization_id", sa.BigInteger, nullable=False),
        sa.Column("project_id", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text),
        sa.Column("attachment_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha1", sa.Text, nullable=False),
        sa.Column("blob_key", sa.Text, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_found", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.Column("deleted_reason", sa.Text),
        sa.Column("bytes_deleted", sa.Boolean, nullable=False, server_default=sa.text("false")),
    )
    op.create_index("attachment_event", "attachment", ["project_id", "event_id"])
    kept, orphan = "deleted_at IS NULL", "NOT event_found AND deleted_at IS NULL"
    pending = "deleted_at IS NOT NULL AND NOT bytes_deleted"
    op.create_index("attachment_age", "attachment", ["project_id", "received_at"], postgresql_where=sa.text(kept))
    op.create_index("attachment_orphan", "attachment", ["received_at"], postgresql_where=sa.text(orphan))
    op.create_index("attachment_pending", "attachment", ["id"], postgresql_where=sa.text(pending))
    op.create_index(
        "attachment_forgotten", "attachment", ["deleted_at"], postgresql_where=sa.text("bytes_deleted")
    )
