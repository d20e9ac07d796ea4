"""Errors of the registry."""

from hearback_kit.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized


class SlugTaken(Conflict, code="slug_taken"):
    """This slug is taken."""


class InvalidSlug(BadRequest, code="invalid_slug"):
    """This is not a valid slug."""


class InvalidOptions(BadRequest, code="invalid_options"):
    """These options are not valid."""


class InvalidFeatures(BadRequest, code="invalid_features"):
    """These flags are not valid."""


class InvalidQuotas(BadRequest, code="invalid_quotas"):
    """These quotas are not valid."""


class LimitReached(BadRequest, code="limit_reached"):
    """The limit for this resource has been reached."""


class LastOwner(BadRequest, code="last_owner"):
    """An organization needs an owner."""


class AlreadyMember(Conflict, code="already_member"):
    """This person is a member already."""


class NotInvited(BadRequest, code="not_invited"):
    """This person has accepted the invitation already."""


class InvitationNotValid(NotFound, code="invitation_not_valid"):
    """This invitation is not valid: used, withdrawn, replaced or expired. Ask its sender for a new one."""


class AttemptNotValid(BadRequest, code="attempt_not_valid"):
    """This sign-in took too long or began in another browser; begin it again."""


class ProviderRefused(Unauthorized, code="provider_refused"):
    """The sign-in provider's answer is not valid; begin again."""


class NotAMember(Forbidden, code="not_a_member"):
    """There is no account with your address; ask an owner of your organization for an invitation."""


class WrongCredentials(Unauthorized, code="wrong_credentials"):
    """The e-mail address or the password is not right."""
