"""Stores user reports and links them to their error events."""
