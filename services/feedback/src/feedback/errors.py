"""Errors of this service beyond the shared ones."""

from hearback_kit.errors import BadRequest


class InvalidSearch(BadRequest):
    """The search query cannot be understood."""

    code = "invalid_search"
