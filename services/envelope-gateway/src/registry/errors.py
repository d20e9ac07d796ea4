"""Errors of the registry; their texts are Sentry's where Sentry has one."""

from hearback_kit.errors import BadRequest, Conflict


class SlugTaken(Conflict):
    """Another one already uses this slug."""

    code = "slug_taken"


class LimitReached(BadRequest):
    """There are as many of these as there may be."""

    code = "limit_reached"


class LastOwner(BadRequest):
    """An organization needs an owner."""

    code = "last_owner"


class WrongCredentials(BadRequest):
    """The e-mail address or the password is not right."""

    status = 401
    code = "wrong_credentials"
