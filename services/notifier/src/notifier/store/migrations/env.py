"""Run by alembic."""

from hearback_kit.db import run_migrations_env

from notifier.store.tables import METADATA

run_migrations_env(METADATA)
