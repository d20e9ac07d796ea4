"""Run by alembic, on the connection that `migrate` handed over."""

from hearback_kit.db import run_migrations_env

from registry.store.tables import METADATA

run_migrations_env(METADATA)
