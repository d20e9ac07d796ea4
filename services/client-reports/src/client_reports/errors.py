"""Errors of client-reports beyond the kit's."""

from hearback_kit.errors import BadRequest


class InvalidQuery(BadRequest):
    """A parameter of the query is not valid."""

    code = "invalid_query"


class TooManyRules(BadRequest):
    """The organization has as many alert rules as it may have."""

    code = "too_many_rules"
