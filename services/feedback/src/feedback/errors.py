"""Errors of this service beyond the shared ones."""

from hearback_kit.errors import BadRequest, NotFound, ServiceError


class InvalidSearch(BadRequest, code="invalid_search"):
    """The search query cannot be understood."""


class NoThumbnail(NotFound, code="no_thumbnail"):
    """There is no thumbnail of this attachment."""


class RangeNotSatisfiable(ServiceError, status=416, code="range_not_satisfiable"):
    """The requested range lies outside the file."""
