"""Errors of client-reports beyond the kit's."""

from hearback_kit.errors import BadRequest, Conflict


class InvalidQuery(BadRequest):
    """A parameter of the query is not valid."""

    code = "invalid_query"


class TooManyRules(BadRequest):
    """The organization or the project has reached its limit of alert rules."""

    code = "too_many_rules"


class NothingToAccept(Conflict):
    """There is nothing to take in: the submission was not refused by a rule, or it has been taken in already."""

    code = "nothing_to_accept"
