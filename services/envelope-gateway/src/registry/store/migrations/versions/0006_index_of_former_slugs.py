"""An index of former slugs: organizations are asked for by a slug, or one they had, with each request."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    index = "organizations_former_slugs ON organizations USING gin (former_slugs)"
    op.execute(f"CREATE INDEX {index} WITH (fastupdate = off)")  # they change seldom


def downgrade() -> None:
    op.execute("DROP INDEX organizations_former_slugs")
