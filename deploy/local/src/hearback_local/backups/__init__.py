"""Backups of a fleet with embedded stores, and new fleets from them."""
