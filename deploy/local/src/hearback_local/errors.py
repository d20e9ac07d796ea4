"""Errors whose message is meant for the person at the terminal."""


class FleetError(RuntimeError):
    """A command cannot be carried out; `hearback` prints the message and exits with 1."""
