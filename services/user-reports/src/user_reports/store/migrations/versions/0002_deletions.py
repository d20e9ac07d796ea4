"""What is remembered of reports that people deleted."""

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Make the table."""
    op.execute(
        """
        CREATE TABLE deletions (
            project_id bigint NOT NULL,
            event_id uuid NOT NULL,
            revision integer NOT NULL,
            submitted_at timestamptz NOT NULL,
            message_id text NOT NULL,
            deleted_at timestamptz NOT NULL,
            PRIMARY KEY (project_id, event_id)
        )
        """
    )
    op.execute("CREATE INDEX deletions_deleted_at ON deletions (deleted_at)")
