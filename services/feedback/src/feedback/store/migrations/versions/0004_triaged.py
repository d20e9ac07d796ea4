"""Whether a person chose the mailbox of a feedback."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("feedback", sa.Column("triaged", sa.Boolean, nullable=False, server_default=sa.text("false")))
