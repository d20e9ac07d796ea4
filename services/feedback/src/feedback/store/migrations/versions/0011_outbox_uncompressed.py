"""Messages in the outbox are not compressed: they are deleted within a second, and hardly ever read."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("ALTER TABLE outbox ALTER COLUMN data SET STORAGE EXTERNAL")
    op.execute("ALTER TABLE outbox SET (toast_tuple_target = 8160)")
