"""Errors of the notifier's API."""

from hearback_kit.errors import BadRequest, Conflict


class TooManyRules(Conflict, code="too_many_rules"):
    """The limit of notification rules for this project has been reached."""


class InvalidTarget(BadRequest, code="invalid_target"):
    """The target of the rule is not valid."""


class NotResendable(Conflict, code="delivery_pending"):
    """The delivery is still on its way."""
