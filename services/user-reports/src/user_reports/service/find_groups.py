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
    """Return the group with a short id such as `WEB-ERR-7` in one of the organizations, or None.

    The number alone names the group. The slug may be a former one of its project, as a feedback's may, but not
    that of another project; nor may the text be a feedback's short id, of a project whose slug ends in `-err`.
    """
    parsed = parse_short_id(text)
    if parsed is None:
        return None
    slug, group_id = parsed
    group = await database.read(find_group, group_id)
    for organization in organizations:
        if group is not None and group.organization_id == organization.id:
            slugs = {project.slug.lower(): project.id for project in organization.projects}
            if slugs.get(slug) == group.project_id:
                return group
            return group if slugs.keys().isdisjoint({slug, f"{slug}-err"}) else None
    return None
