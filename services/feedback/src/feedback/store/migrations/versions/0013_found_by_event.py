"""Indexes of events start with what tells events apart, so that nothing else can take their place.

They started with the project, as that of mailboxes does: while PostgreSQL's statistics were of an emptied table,
that one looked as good.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

STATEMENTS = (
    "SET LOCAL statement_timeout = 0",
    "CREATE UNIQUE INDEX feedback_of_event ON feedback (event_id, project_id)",
    "ALTER TABLE feedback DROP CONSTRAINT feedback_event",
    "ALTER TABLE feedback ADD CONSTRAINT feedback_event UNIQUE USING INDEX feedback_of_event",
    "CREATE INDEX attachment_of_event ON attachment (event_id, project_id)",
    "DROP INDEX attachment_event",
)


def upgrade() -> None:
    """Replace the indexes. Writers wait meanwhile, some seconds per million feedback."""
    for statement in STATEMENTS:
        op.execute(statement)
