"""Reports that have an id of their own: on no event, or taken in after a refusal."""

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """Add the columns and the index by which an arriving event finds what waits for it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE reports ADD COLUMN about_event_id uuid, ADD COLUMN accepted_by text")
    op.execute(
        """
        CREATE INDEX reports_waiting_on ON reports (project_id, coalesce(about_event_id, event_id))
            WHERE group_id IS NULL
        """
    )
    # An address may be longer than an entry of an index: a report taken in after a refusal has it whole.
    op.execute("DROP INDEX reports_contact")
    op.execute(
        """
        CREATE INDEX reports_contact
            ON reports (project_id, left(lower(coalesce(nullif(email, ''), event_user ->> 'email')), 320))
        """
    )
