"""Entries of the audit log from other services, each once, and the log in the order of time."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("audit_logs", sa.Column("message_id", sa.Uuid))
    op.create_unique_constraint("audit_logs_message_id_key", "audit_logs", ["message_id"])
    op.create_index("audit_logs_organization_created_at", "audit_logs", ["organization_id", "created_at", "id"])
