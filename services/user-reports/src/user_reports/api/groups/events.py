"""The events of an error group, and their tags."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.issues import IssueEvent, IssueTag, IssueTagValue
from hearback_kit.api.paging import PageRequest, page_request, read_time
from hearback_kit.db.rows import Window
from hearback_kit.errors import NotFound, existing

from user_reports.api.deps import ReadGroup, StateDep
from user_reports.api.params import EnvironmentsParam, TimeRangeDep, rows_max
from user_reports.api.serializers import event_json, tag_json
from user_reports.domain.model import IndexedEvent
from user_reports.domain.tag_counts import TagValue, count_tags
from user_reports.service.app_state import AppState
from user_reports.store.events import find_event
from user_reports.store.group_events import EventFilter, find_oldest_event, list_group_events
from user_reports.store.groups import Group

TOP_VALUES: Final = 10
issue = APIRouter()


def _read_uuid(value: Any) -> UUID | None:
    event_id = parse_event_id(value)
    return UUID(event_id) if event_id else None


EventsPage = Annotated[PageRequest, page_request(read_time, _read_uuid, rows=rows_max, rows_max=rows_max)]
EventParam = Annotated[
    str, Path(description="`latest`, `oldest`, `recommended` (the latest one), or the id of an event.")
]


@issue.get(
    "/events/", name="listErrorEvents", summary="The events of an error group", response_model=list[IssueEvent]
)
async def list_events(
    state: StateDep,
    scope: ReadGroup,
    page: EventsPage,
    during: TimeRangeDep,
    environment: EnvironmentsParam = None,
) -> JSONResponse:
    """List the stored events, newest first."""
    wanted = EventFilter(group_id=scope.group.id, environments=environment, start=during.start, end=during.end)
    async with state.database.connection(share=scope.organization.id) as connection:
        found = await list_group_events(connection, wanted, page.window)
    shown = page.page(found, lambda event: (event.received_at, event.event_id))
    slug = scope.organization.slug
    return JSONResponse([event_json(event, slug) for event in shown.rows], headers=shown.headers)


@issue.get(
    "/events/{event}/", name="getErrorGroupEvent", summary="An event of an error group", response_model=IssueEvent
)
async def get_event(state: StateDep, scope: ReadGroup, event: EventParam) -> JSONResponse:
    """Return an event by id, or the `latest`, `oldest` or `recommended` one."""
    found = await _find(state, scope.group, event)
    if found is None or found.group_id != scope.group.id:
        raise NotFound
    return JSONResponse(event_json(found, scope.organization.slug))


@issue.get(
    "/tags/",
    name="listErrorGroupTags",
    summary="The tags of an error group's events",
    response_model=list[IssueTag],
)
async def list_tags(state: StateDep, scope: ReadGroup) -> JSONResponse:
    """Return every tag of the group's newest events with its most frequent values."""
    counted = await _count(state, scope.group)
    return JSONResponse([tag_json(key, values, TOP_VALUES) for key, values in counted.items()])


@issue.get(
    "/tags/{key}/",
    name="getErrorGroupTag",
    summary="The values of a tag in an error group",
    response_model=IssueTag,
)
async def get_tag(state: StateDep, scope: ReadGroup, key: str) -> JSONResponse:
    """Return all values of one tag of the group's newest events; 404 when none has it."""
    return JSONResponse(tag_json(key, await _values(state, scope.group, key)))


@issue.get(
    "/tags/{key}/values/",
    name="listErrorGroupTagValues",
    summary="List the values of a tag in an error group",
    response_model=list[IssueTagValue],
)
async def list_tag_values(state: StateDep, scope: ReadGroup, key: str) -> JSONResponse:
    """Return all values of one tag of the group's newest events; 404 when none has it."""
    return JSONResponse(tag_json(key, await _values(state, scope.group, key))["topValues"])


async def _values(state: AppState, group: Group, key: str) -> list[TagValue]:
    return existing((await _count(state, group)).get(key))


async def _find(state: AppState, group: Group, name: str) -> IndexedEvent | None:
    event_id = group.latest_event_id if name in {"latest", "recommended"} else parse_event_id(name)
    async with state.database.connection(share=group.organization_id) as connection:
        if name == "oldest":
            return await find_oldest_event(connection, group.id)
        return await find_event(connection, group.project_id, event_id) if event_id else None


async def _count(state: AppState, group: Group) -> Mapping[str, list[TagValue]]:
    async with state.database.connection(share=group.organization_id) as connection:
        newest = Window(state.settings.group_events_max)
        events = await list_group_events(connection, EventFilter(group_id=group.id), newest)
    return count_tags(events)
