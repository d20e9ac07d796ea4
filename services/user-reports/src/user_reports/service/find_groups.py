"""Find an error group by id or short id."""

from collections.abc import Sequence
from dataclasses import dataclass

from hearback_contracts.config import OrganizationConfig
from hearback_kit.db import Database
from hearback_kit.errors import NotFound
from hearback_kit.values.ids import parse_id

from user_reports.domain.short_ids import parse_short_id
from user_reports.store.groups import Group, find_group


@dataclass(frozen=True, slots=True)
class GroupScope:
    """An error group with its organization, for a caller who may see it.

    `member_id` is the caller's, None for a token without a member.
    """

    group: Group
    organization: OrganizationConfig
    member_id: int | None


async def find_own_group(
    database: Database, issue: str, organizations: Sequence[OrganizationConfig]
) -> tuple[Group, OrganizationConfig]:
    """Return the group with an id or short id in one of the organizations; raise NotFound."""
    group_id = parse_id(issue)
    if group_id is None:
        group = await find_group_by_short_id(database, issue, organizations)
    else:
        group = await database.read(find_group, group_id)
    for organization in organizations:
        if group is not None and group.organization_id == organization.id:
            return group, organization
    raise NotFound


async def find_group_by_short_id(
    database: Database, text: str, organizations: Sequence[OrganizationConfig]
) -> Group | None:
    """Return the group with a short id such as `WEB-ERR-7` in one of the organizations, or None."""
    parsed = parse_short_id(text)
    if parsed is None:
        return None
    slug, group_id = parsed
    group = await database.read(find_group, group_id)
    for organization in organizations:
        if group is not None and group.organization_id == organization.id:
            project = organization.find_project(str(group.project_id))
            return group if project is not None and project.slug.lower() == slug else None
    return None
