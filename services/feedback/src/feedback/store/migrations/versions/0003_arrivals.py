"""An index of an organization's feedback in the order of arrival, for searches that find very much."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("CREATE INDEX feedback_arrivals ON feedback (organization_id, received_at DESC, id DESC)")
