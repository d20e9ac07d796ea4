"""When an account was last used, so that unused ones can be removed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("users", sa.Column("last_used_at", sa.DateTime(timezone=True)))
    # Sign-ins were not recorded before: the time of grace begins now.
    op.execute("UPDATE users SET last_used_at = now()")
