"""Fragments and data for the inbox's scripts: new matches, suggestions, members, projects, environments."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from hearback_kit.api.paging import decode_cursor, read_id, read_time
from hearback_kit.values.ids import parse_id
from hearback_kit.values.times import EARLIEST

from feedback.domain.search_keys import NAMED_KEYS
from feedback.pages.assignees import find_members
from feedback.pages.deps import PAGES, Reader, StateDep, is_shown
from feedback.pages.params import ViewDep, find
from feedback.service.suggest_terms import suggest_terms
from feedback.store.attachments import find_with_attachments
from feedback.store.feedback_pages import Arrived, list_newest
from feedback.store.feedback_read import Position, list_among, list_by_ids
from feedback.store.search_names import list_values

IDS_MAX = 200
PROJECTS_MAX = 20
ENVIRONMENTS_MAX = 50
OVERLAP = timedelta(minutes=1)
"""Ids are reserved before their rows are committed, so that of what came lately a larger one may be seen first."""
_PLACE = (read_time, read_id)
router = APIRouter(prefix="/organizations/{organization}/feedback")


@router.get("/news/")
async def count_news(
    state: StateDep,
    scope: Reader,
    view: ViewDep,
    ids: Annotated[list[str], Query(alias="id", max_length=IDS_MAX)] = [],  # noqa: B006
) -> Response:
    """Return how many of these feedback the view matches."""
    numbers = [number for value in ids if (number := parse_id(value)) is not None]
    count = 0
    if numbers and is_shown(scope.organization):
        found = await find(state, scope, view)
        async with state.reading(scope.organization) as connection:
            count = len(await list_among(connection, found.shown, numbers))
    return JSONResponse({"count": count}, headers={"Cache-Control": "no-store"})


@router.get("/newer/")
async def list_newer(
    state: StateDep,
    scope: Reader,
    after: Annotated[str, Query(max_length=200)] = "",
    since: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Return ids of the newest feedback that came after a page was read, and whether there is `more`.

    `after` is the cursor of when the page was read and of the largest id then (default: of all), `since` that of
    what follows the page. A script asks once it hears of all that happens; before, feedback could come unnoticed.
    What is within `OVERLAP` may have been there already, but not in the page's view.
    """
    read_at, last_id = decode_cursor(after, _PLACE)[0] if after else (EARLIEST, 0)
    newest: list[Arrived] = []
    if is_shown(scope.organization):
        position = Position(*decode_cursor(since, _PLACE)[0]) if since else None
        async with state.reading(scope.organization) as connection:
            newest = await list_newest(connection, scope.organization.id, position, IDS_MAX)
    mine = set(scope.project_ids(None))
    came = [one for one in newest if one.id > last_id or one.received_at + OVERLAP > read_at]
    found = {
        "ids": [str(one.id) for one in came if one.project_id in mine],
        "more": len(newest) == IDS_MAX and newest[-1].id > last_id,
    }
    return JSONResponse(found, headers={"Cache-Control": "no-store"})


@router.get("/attached/")
async def list_attached(
    state: StateDep,
    scope: Reader,
    ids: Annotated[list[str], Query(alias="id", max_length=IDS_MAX)] = [],  # noqa: B006
) -> Response:
    """Return which of these feedback have attachments."""
    numbers = [number for value in ids if (number := parse_id(value)) is not None]
    found: set[int] = set()
    if numbers and is_shown(scope.organization):
        async with state.reading(scope.organization) as connection:
            rows = await list_by_ids(connection, scope.project_ids(None), numbers)
            found = await find_with_attachments(connection, rows)
    return JSONResponse({"ids": [str(number) for number in sorted(found)]}, headers={"Cache-Control": "no-store"})


@router.get("/members/")
async def suggest_members(
    request: Request, scope: Reader, assignee: Annotated[str, Query(max_length=400)] = ""
) -> Response:
    """Return the fragment that suggests assignees."""
    found = find_members(scope.organization, scope.principal.email, assignee)
    return PAGES.render(request, "inbox.html", block="members_part", members=found)


@router.get("/projects/")
async def suggest_projects(
    request: Request, scope: Reader, project: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """Return the fragment of the filters that suggests projects."""
    found = [one for one in scope.organization.projects if project.strip().lower() in one.slug][:PROJECTS_MAX]
    return PAGES.render(request, "inbox.html", block="projects_part", projects=found)


@router.get("/suggestions/")
async def suggest(state: StateDep, scope: Reader, text: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Return completions of a search term."""
    found: list[Any] = []
    if is_shown(scope.organization):
        found = await suggest_terms(state.database, scope.organization, text, NAMED_KEYS)
    return JSONResponse({"suggestions": found}, headers={"Cache-Control": "no-store"})


@router.get("/environments/")
async def show_environments(request: Request, state: StateDep, scope: Reader, view: ViewDep) -> Response:
    """Return the fragment of the filters that lists environments: the chosen ones, then the most common."""
    known: list[str] = []
    if is_shown(scope.organization):
        async with state.reading(scope.organization) as connection:
            known = await list_values(connection, scope.organization.id, "environment", "", ENVIRONMENTS_MAX)
    chosen = {name.lower() for name in view.environments}
    others = [name for name in known if name not in chosen]
    return PAGES.render(request, "inbox.html", block="environments_part", view=view, environments=others)
