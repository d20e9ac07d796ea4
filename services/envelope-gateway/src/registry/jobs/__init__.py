"""Periodic jobs of the registry."""
