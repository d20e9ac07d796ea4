"""More may wait to be merged into the search indexes: a job merges it, and no insert has to meanwhile."""

from alembic import op

revision = "0008"
down_revision = "0007"

INDEXES = ("feedback_facets", "feedback_search", "feedback_trigrams")


def upgrade() -> None:
    for name in INDEXES:
        op.execute(f"ALTER INDEX {name} SET (gin_pending_list_limit = 16384)")
