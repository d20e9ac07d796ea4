"""Members who follow an error group, and whether a group was seen."""

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"


def upgrade() -> None:
    """Make the table and the column."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE groups ADD COLUMN has_seen boolean NOT NULL DEFAULT false")
    op.execute(
        """
        CREATE TABLE followers (
            group_id bigint NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
            member_id bigint NOT NULL,
            followed_at timestamptz NOT NULL,
            PRIMARY KEY (group_id, member_id)
        )
        """
    )
