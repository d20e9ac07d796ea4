"""The planner has no statistics of columns that no condition is about: ANALYZE compared whole notices.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = ("label", "language", "unsubscribe_url", "notice", "answer")


def upgrade() -> None:
    _set(0)


def downgrade() -> None:
    _set(-1)


def _set(target: int) -> None:
    op.execute("ALTER TABLE delivery " + ", ".join(f"ALTER {name} SET STATISTICS {target}" for name in COLUMNS))
