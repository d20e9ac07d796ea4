"""Errors of this service beyond the shared ones."""

from hearback_kit.errors import BadRequest, NotFound, ServiceError


class InvalidSearch(BadRequest):
    """The search query cannot be understood."""

    code = "invalid_search"


class NoThumbnail(NotFound):
    """There is no thumbnail of this attachment."""

    code = "no_thumbnail"


class RangeNotSatisfiable(ServiceError):
    """The requested range lies outside the file."""

    status = 416
    code = "range_not_satisfiable"
