"""Errors of the notifier's API."""

from hearback_kit.errors import BadRequest, Conflict


class TooManyRules(Conflict):
    """The limit of notification rules for this project has been reached."""

    code = "too_many_rules"


class InvalidTarget(BadRequest):
    """The target of the rule is not valid."""

    code = "invalid_target"


class NotResendable(Conflict):
    """The delivery is still on its way."""

    code = "delivery_pending"
