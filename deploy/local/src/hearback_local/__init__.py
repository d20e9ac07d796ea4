"""The `hearback` command: the fleet, its stores and its edge on one machine."""
