"""Indexes for the removal of accounts and tokens, which read all of these tables for each removed account."""

from alembic import op

revision = "0007"
down_revision = "0006"

REFERENCES = (("members", "invited_by"), ("audit_logs", "actor_id"), ("audit_logs", "target_user_id"))


def upgrade() -> None:
    """Make the indexes. Writers of the audit log wait meanwhile, a second per million entries."""
    op.execute("SET LOCAL statement_timeout = 0")
    for table, column in REFERENCES:
        op.execute(f"CREATE INDEX {table}_{column} ON {table} ({column}) WHERE {column} IS NOT NULL")
    op.execute("CREATE INDEX tokens_expires_at ON tokens (expires_at) WHERE expires_at IS NOT NULL")
    op.execute("CREATE INDEX users_last_used ON users (coalesce(last_used_at, created_at))")


def downgrade() -> None:
    for name in ("users_last_used", "tokens_expires_at", *(f"{table}_{column}" for table, column in REFERENCES)):
        op.execute(f"DROP INDEX {name}")
