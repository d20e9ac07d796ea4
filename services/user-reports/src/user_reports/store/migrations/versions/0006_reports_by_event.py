"""Indexes of single reports start with what tells reports apart, so that nothing else can take their place.

They started with the project, as the index of its lists does: while PostgreSQL's statistics were of an emptied
table, that one looked as good.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

AWAITED = "(CASE WHEN group_id IS NULL THEN coalesce(about_event_id, event_id) END)"
STATEMENTS = (
    "SET LOCAL statement_timeout = 0",
    "CREATE UNIQUE INDEX reports_event_id_project_id_key ON reports (event_id, project_id)",
    f"CREATE INDEX reports_awaiting ON reports ({AWAITED}, project_id) WHERE {AWAITED} IS NOT NULL",
    """
    CREATE INDEX reports_of_contact
        ON reports (left(lower(coalesce(nullif(email, ''), event_user ->> 'email')), 320), project_id)
    """,
    "ALTER TABLE reports DROP CONSTRAINT reports_project_id_event_id_key",
    """
    ALTER TABLE reports ADD CONSTRAINT reports_event_id_project_id_key
        UNIQUE USING INDEX reports_event_id_project_id_key
    """,
    "DROP INDEX reports_waiting_on",
    "DROP INDEX reports_contact",
)


def upgrade() -> None:
    """Replace the indexes. Writers of reports wait meanwhile, some seconds per million reports."""
    for statement in STATEMENTS:
        op.execute(statement)
