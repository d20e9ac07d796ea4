"""Alerts: whether a member wants mail about a project; on by default."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from hearback_kit.db.rows import columns, find_record, is_among, list_records, unindexed
from hearback_kit.db.rowsets import one_by_one
from sqlalchemy import ColumnElement, FromClause, Select, func, select, true
from sqlalchemy.dialects.postgresql import insert as upsert

from registry.store.tables import members, project_alerts, projects
from registry.store.users import account_of


@dataclass(frozen=True, slots=True)
class Recipient:
    """A member of a project's organization; `alerts` is whether mail about the project is wanted."""

    user_id: int
    email: str
    email_verified_at: datetime | None
    name: str | None
    language: str | None
    role: str
    alerts: bool


@dataclass(frozen=True, slots=True)
class ProjectAlerts:
    """Whether an account wants mail about a project."""

    project_id: int
    alerts: bool


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A member and a project, and whether mail about it is wanted."""

    email: str
    project_slug: str
    alerts: bool


_MEMBER = one_by_one(select(members).where(members.c.organization_id == projects.c.organization_id)).lateral(
    "member"
)
_USER = account_of(_MEMBER.c.user_id)


def _setting(user_id: ColumnElement[Any] | int) -> FromClause:
    theirs = project_alerts.c.user_id == user_id
    found = select(project_alerts.c.is_on).where(theirs, unindexed(project_alerts.c.project_id) == projects.c.id)
    return one_by_one(found).lateral("setting")


_SETTING = _setting(_USER.c.id)
_ALERTS = func.coalesce(_SETTING.c.is_on, True)


def _select_members(project_id: int, *selected: ColumnElement[Any]) -> Select[Any]:
    """Select columns of the members of a project's organization, and of their setting for the project."""
    found = projects.join(_MEMBER, true()).join(_USER, true()).outerjoin(_SETTING, true())
    return select(*selected).select_from(found).where(projects.c.id == project_id)


async def list_recipients(connection: Connection, project_id: int) -> list[Recipient]:
    """Return the members of a project's organization; none for an unknown project."""
    selected = columns(Recipient, _USER, _MEMBER, user_id=_USER.c.id, alerts=_ALERTS)
    query = _select_members(project_id, *selected).order_by(_MEMBER.c.id)
    return await list_records(connection, Recipient, query)


async def find_subscriber(connection: Connection, user_id: int, project_id: int) -> Subscriber | None:
    """Return an account's setting for a project, or None when it is no member of the project's organization."""
    selected = columns(Subscriber, _USER, project_slug=projects.c.slug, alerts=_ALERTS)
    query = _select_members(project_id, *selected).where(_USER.c.id == user_id)
    return await find_record(connection, Subscriber, query)


async def list_alerts(
    connection: Connection, user_id: int, organization_ids: Iterable[int]
) -> list[ProjectAlerts]:
    """Return an account's setting for every project of its organizations among the given ones."""
    theirs = select(members.c.organization_id).where(members.c.user_id == user_id)
    setting = _setting(user_id)
    query = (
        select(projects.c.id.label("project_id"), func.coalesce(setting.c.is_on, True).label("alerts"))
        .select_from(projects.outerjoin(setting, true()))
        .where(
            projects.c.organization_id.in_(list(organization_ids)), is_among(projects.c.organization_id, theirs)
        )
        .order_by(unindexed(projects.c.id))
    )
    return await list_records(connection, ProjectAlerts, query)


async def set_alerts(
    connection: Connection, user_id: int, project_ids: Iterable[int], is_on: bool, now: datetime
) -> None:
    """Enable or disable an account's alerts for projects."""
    rows = [
        {"user_id": user_id, "project_id": project_id, "is_on": is_on, "changed_at": now}
        for project_id in sorted(set(project_ids))
    ]
    if rows:
        query = upsert(project_alerts).values(rows)
        await connection.execute(
            query.on_conflict_do_update(
                index_elements=[project_alerts.c.user_id, project_alerts.c.project_id],
                set_={"is_on": query.excluded.is_on, "changed_at": query.excluded.changed_at},
            )
        )
