"""The index of single submissions starts with their id, so that no other can take its place.

It started with the project, as those of lists do: while PostgreSQL's statistics were of an emptied table, these
looked as good. Its order is that of days within an id: the newest partition that has it is the last to be read.
"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Replace the index. Writers wait meanwhile, some seconds per million submissions."""
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute(
        "ALTER TABLE submission DROP CONSTRAINT submission_pkey,"
        " ADD CONSTRAINT submission_pkey PRIMARY KEY (id, day, project_id)"
    )
