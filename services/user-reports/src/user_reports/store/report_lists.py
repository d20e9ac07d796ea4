"""Lists of reports: filtered in SQL, newest first, by keyset."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from hearback_contracts.identifiers import NO_EVENT_ID, parse_event_id
from hearback_kit.db import Connection
from hearback_kit.db.rows import Window, read_window
from sqlalchemy import ColumnElement, Select, func, or_, select

from user_reports.domain.model import Report
from user_reports.store.reports import COLUMNS, report_of
from user_reports.store.tables import GROUPS, NAMED_EVENT_ID, REPORTS


class ReportFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A filter of reports. None does not filter; "" in `environments` means no environment.

    `about_event` is whether the report names an error event.
    """

    organization_id: int | None = None
    project_ids: Sequence[int] | None = None
    group_id: int | None = None
    linked: bool | None = None
    about_event: bool | None = None
    status: str | None = None
    environments: Sequence[str] | None = None
    text: str | None = None
    start: datetime | None = None
    end: datetime | None = None


def statement_of(wanted: ReportFilter) -> Select[Any]:
    """Select the filtered reports, unordered."""
    statement = select(*COLUMNS).where(*_conditions(wanted))
    return statement if wanted.status is None else statement.join(GROUPS, GROUPS.c.id == REPORTS.c.group_id)


def _conditions(wanted: ReportFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.organization_id is not None:
        yield REPORTS.c.organization_id == wanted.organization_id
    if wanted.project_ids is not None:
        only = wanted.project_ids[0] if len(wanted.project_ids) == 1 else None
        yield REPORTS.c.project_id.in_(wanted.project_ids) if only is None else REPORTS.c.project_id == only
    if wanted.group_id is not None:
        yield REPORTS.c.group_id == wanted.group_id
    if wanted.linked is not None:
        yield REPORTS.c.group_id.is_not(None) if wanted.linked else REPORTS.c.group_id.is_(None)
    if wanted.about_event is not None:
        named: ColumnElement[UUID] = NAMED_EVENT_ID
        yield named != UUID(NO_EVENT_ID) if wanted.about_event else named == UUID(NO_EVENT_ID)
    if wanted.status is not None:
        yield GROUPS.c.status == wanted.status
    if wanted.environments is not None:
        yield func.coalesce(REPORTS.c.environment, "").in_(list(wanted.environments))
    if wanted.text:
        yield _matches(wanted.text)
    if wanted.start is not None:
        yield REPORTS.c.date_added >= wanted.start
    if wanted.end is not None:
        yield REPORTS.c.date_added <= wanted.end


def _matches(text: str) -> Any:
    user_email = REPORTS.c.event_user["email"].astext
    columns = (REPORTS.c.comments, REPORTS.c.email, REPORTS.c.name, user_email)
    found = [column.icontains(text, autoescape=True) for column in columns]
    event_id = parse_event_id(text)
    if event_id is not None:
        named: ColumnElement[UUID] = NAMED_EVENT_ID
        found.append(named == UUID(event_id))
    return or_(*found)


async def list_reports(connection: Connection, wanted: ReportFilter, window: Window) -> list[Report]:
    """Return the reports of a window, newest first; positions are `Position`s."""
    key = (REPORTS.c.date_added, REPORTS.c.id)
    return await read_window(connection, report_of, statement_of(wanted), key, window)


async def count_reports(connection: Connection, wanted: ReportFilter, count_max: int) -> int:
    """Count the filtered reports, up to `count_max`."""
    some = statement_of(wanted).with_only_columns(REPORTS.c.id, maintain_column_froms=True).limit(count_max)
    return await connection.scalar(select(func.count()).select_from(some.subquery())) or 0
