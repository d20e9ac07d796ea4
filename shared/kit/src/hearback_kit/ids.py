"""Moved to `hearback_kit.values.ids`."""

from hearback_kit.values.ids import derived_id, new_id, random_id

__all__ = ["derived_id", "new_id", "random_id"]
