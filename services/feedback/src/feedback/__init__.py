"""Turns a feedback submission into an ungrouped issue."""
