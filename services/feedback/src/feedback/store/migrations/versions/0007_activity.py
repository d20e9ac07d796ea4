"""Who changed what of a feedback, and when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "activity",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column(
            "feedback_id", sa.BigInteger, sa.ForeignKey("feedback.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("change_id", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("before", postgresql.JSONB, nullable=False),
        sa.Column("after", postgresql.JSONB, nullable=False),
    )
    op.create_index("activity_feedback", "activity", ["feedback_id", "id"])
    op.create_index("activity_change", "activity", ["change_id"])
