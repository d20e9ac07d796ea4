"""Retention goes by the index of lists; rows of common size stay in one place, and are not compressed."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("DROP INDEX feedback_mailbox")
    op.execute("ALTER TABLE feedback SET (toast_tuple_target = 4080)")
