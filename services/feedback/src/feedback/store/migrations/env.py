"""Run by Alembic."""

from hearback_kit.db import run_migrations_env

from feedback.store.tables import METADATA

run_migrations_env(METADATA)
