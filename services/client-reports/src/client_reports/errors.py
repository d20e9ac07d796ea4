"""Errors of client-reports beyond the kit's."""

from hearback_kit.errors import BadRequest, Conflict


class InvalidQuery(BadRequest, code="invalid_query"):
    """A parameter of the query is not valid."""


class TooManyRules(BadRequest, code="too_many_rules"):
    """The organization or the project has reached its limit of alert rules."""


class NothingToAccept(Conflict, code="nothing_to_accept"):
    """There is nothing to accept: the submission was not refused by a rule, or it was accepted already."""
