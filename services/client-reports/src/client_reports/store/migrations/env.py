"""Run by alembic."""

from hearback_kit.db import run_migrations_env

from client_reports.store.tables import METADATA

run_migrations_env(METADATA)
