"""Accounts whose address is proven or not, invitations, mails, the audit log, and alerts per member and project."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.drop_constraint("users_email_key", "users")
    op.add_column("users", sa.Column("email_verified_at", sa.DateTime(timezone=True)))
    op.add_column("users", sa.Column("language", sa.Text))
    op.create_index("users_email", "users", ["email"])
    op.create_index(
        "users_verified_email", "users", ["email"], unique=True,
        postgresql_where=sa.text("email_verified_at IS NOT NULL"),
    )
    op.add_column("sessions", sa.Column("address_block", sa.Text))

    op.alter_column("members", "user_id", nullable=True)
    op.add_column("members", sa.Column("email", sa.Text))
    op.add_column("members", sa.Column("invited_by", sa.BigInteger, sa.ForeignKey("users.id", ondelete="SET NULL")))
    op.add_column("members", sa.Column("invitation_digest", sa.Text))
    op.add_column("members", sa.Column("invitation_expires_at", sa.DateTime(timezone=True)))
    op.add_column("members", sa.Column("invitation_mailed", sa.Boolean))
    op.create_index(
        "members_invited", "members", ["organization_id", "email"], unique=True,
        postgresql_where=sa.text("user_id IS NULL"),
    )
    op.create_table(
        "mails",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("mails_due_at", "mails", ["due_at"])
    op.create_table(
        "audit_logs",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column(
            "organization_id", sa.BigInteger, sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("actor_id", sa.BigInteger, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("actor_label", sa.Text, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("target_object", sa.BigInteger),
        sa.Column("target_user_id", sa.BigInteger, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("audit_logs_organization_id", "audit_logs", ["organization_id", "id"])
    op.create_index("audit_logs_created_at", "audit_logs", ["created_at"])
    op.create_table(
        "project_alerts",
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("project_id", sa.BigInteger, sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("project_alerts_project_id", "project_alerts", ["project_id"])
