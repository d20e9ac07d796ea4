"""Engines, fixtures and helpers for the launcher and for tests; no service depends on it, no image holds it."""
