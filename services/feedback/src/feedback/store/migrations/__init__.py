"""Alembic migrations; each works with the previous release's code."""
