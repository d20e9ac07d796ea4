"""Errors to show to the user."""


class FleetError(RuntimeError):
    """A command failed; `hearback` prints the message and exits with 1."""
