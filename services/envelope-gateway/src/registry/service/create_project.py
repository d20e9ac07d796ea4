"""Create a project with a first key."""

from dataclasses import dataclass

from hearback_contracts.audit import AuditEvent
from hearback_kit.values.ids import random_id

from registry.domain.slugs import RESERVED_FOR_PROJECTS, SLUG_RULE, problem_of, slug_of
from registry.errors import InvalidSlug, LimitReached, SlugTaken
from registry.service.change_configuration import Change, Changes
from registry.store import keys, projects
from registry.store.organizations import Organization, lock_creation
from registry.store.projects import Project


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project to create; without a slug one is derived from its name."""

    name: str
    slug: str | None = None
    platform: str | None = None


async def create_project(changes: Changes, organization: Organization, wanted: NewProject) -> Project:
    """Create a project; raise InvalidSlug, SlugTaken and LimitReached."""
    async with changes.begin() as change:
        project_id = await add_project(change, organization, wanted)
        project = await projects.find_project(change.connection, organization.id, str(project_id))
        assert project is not None, "it was just created"
    return project


async def add_project(change: Change, organization: Organization, wanted: NewProject) -> int:
    """Create a project within a change and return its id; raise InvalidSlug, SlugTaken and LimitReached."""
    slug = wanted.slug or slug_of(wanted.name)
    if slug is None:
        raise InvalidSlug(SLUG_RULE)
    if problem := problem_of(slug, RESERVED_FOR_PROJECTS):
        raise InvalidSlug(problem)
    connection, count_max = change.connection, change.settings.projects_max
    await lock_creation(connection)
    if await projects.count_projects(connection, organization.id) >= count_max:
        raise LimitReached(f"An organization may have {count_max} projects.")
    project_id = await projects.add_project(
        connection, organization.id, slug, wanted.name, wanted.platform, change.now
    )
    if project_id is None:
        raise SlugTaken
    key = await keys.add_key(connection, project_id, "Default", random_id(), random_id(), change.now)
    change.touch_project(project_id, key.public)
    change.touch_organization(organization.id, organization.slug)
    await change.audit(AuditEvent.PROJECT_CREATED, organization.id, target=project_id, slug=slug)
    return project_id
