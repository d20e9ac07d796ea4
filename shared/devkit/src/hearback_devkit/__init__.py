"""Engines, fixtures and helpers for the launcher and tests; not part of images."""
