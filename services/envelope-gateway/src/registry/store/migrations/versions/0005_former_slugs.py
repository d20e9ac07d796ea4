"""Former slugs of organizations and projects, which links that were sent have."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for table in ("organizations", "projects"):
        none = sa.text("'{}'")
        op.add_column(table, sa.Column("former_slugs", ARRAY(sa.Text), nullable=False, server_default=none))
