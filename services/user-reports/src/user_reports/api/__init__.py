"""HTTP: the report endpoints, error groups, events, and what other services ask."""

from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """Every router of the service."""
    from user_reports.api import events, groups, internal, listing, posting, removal

    return [module.router() for module in (posting, listing, removal, groups, events, internal)]
