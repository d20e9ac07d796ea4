"""The events of a group, newest first."""

from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"


def upgrade() -> None:
    """Make the index. Writers of events wait meanwhile, some seconds per million events."""
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute("CREATE INDEX events_of_group ON events (group_id, received_at DESC, event_id DESC)")
