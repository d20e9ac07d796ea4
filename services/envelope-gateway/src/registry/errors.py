"""Errors of the registry."""

from hearback_kit.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized


class SlugTaken(Conflict):
    """This slug is taken."""

    code = "slug_taken"


class InvalidSlug(BadRequest):
    """This is not a valid slug."""

    code = "invalid_slug"


class InvalidOptions(BadRequest):
    """These options are not valid."""

    code = "invalid_options"


class InvalidFeatures(BadRequest):
    """These flags are not valid."""

    code = "invalid_features"


class InvalidQuotas(BadRequest):
    """These quotas are not valid."""

    code = "invalid_quotas"


class LimitReached(BadRequest):
    """The limit for this resource has been reached."""

    code = "limit_reached"


class LastOwner(BadRequest):
    """An organization needs an owner."""

    code = "last_owner"


class AlreadyMember(Conflict):
    """This person is a member already."""

    code = "already_member"


class NotInvited(BadRequest):
    """This person has accepted the invitation already."""

    code = "not_invited"


class InvitationNotValid(NotFound):
    """This invitation is not valid: it was used, withdrawn or replaced, or has expired."""

    code = "invitation_not_valid"


class AttemptNotValid(BadRequest):
    """This sign-in took too long or began in another browser; begin it again."""

    code = "attempt_not_valid"


class ProviderRefused(Unauthorized):
    """The sign-in provider's answer is not valid; begin again."""

    code = "provider_refused"


class NotAMember(Forbidden):
    """There is no account with your address; ask an owner of your organization for an invitation."""

    code = "not_a_member"


class WrongCredentials(Unauthorized):
    """The e-mail address or the password is not right."""

    code = "wrong_credentials"
