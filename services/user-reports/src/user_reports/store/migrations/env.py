"""Alembic's entry: runs on the connection that `hearback_kit.db.migrate` hands over."""

from hearback_kit.db import run_migrations_env

from user_reports.store.tables import METADATA

run_migrations_env(METADATA)
