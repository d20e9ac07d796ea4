"""Change a project, its options or its quotas."""

from collections.abc import Callable
from typing import Any

from hearback_contracts.audit import AuditEvent
from hearback_fleet.audit import changes_between
from hearback_kit.errors import NotFound, existing

from registry.domain.options import check_options, with_defaults
from registry.domain.quotas import parse_quotas
from registry.domain.refused_values import RefusedValue
from registry.domain.slugs import RESERVED_FOR_PROJECTS, problem_of
from registry.errors import InvalidOptions, InvalidQuotas, InvalidSlug, SlugTaken
from registry.service.change_configuration import Change, Changes
from registry.store import projects
from registry.store.organizations import lock_creation
from registry.store.projects import Project


async def update_project(
    changes: Changes, project: Project, values: dict[str, Any], options: dict[str, Any]
) -> Project:
    """Set `name`, `slug` or `platform` and merge options; raise InvalidOptions, InvalidSlug and SlugTaken."""
    try:
        check_options(options)
    except RefusedValue as error:
        raise InvalidOptions(str(error), field=error.field, problem=error.problem) from error
    async with changes.begin() as change:
        project = existing(await projects.lock_project(change.connection, project.id))
        if values.get("slug", project.slug) != project.slug:
            await _rename(change, project, values["slug"])
            change.touch_organization(project.organization_id, project.organization_slug)
        await projects.update_project(change.connection, project.id, values, options)
        change.touch_project(project.id)
        before = {name: getattr(project, name) for name in values} | with_defaults(project.options)
        await _audit(change, project, changes_between(before, values | options))
        return existing(await projects.lock_project(change.connection, project.id))


async def change_quotas(
    changes: Changes,
    project: Project,
    wanted: Callable[[list[dict[str, Any]]], Any],
) -> list[dict[str, Any]]:
    """Replace a project's quotas by what `wanted` makes of them; return the stored form, raise InvalidQuotas."""
    async with changes.begin() as change:
        project = existing(await projects.lock_project(change.connection, project.id))
        try:
            quotas = parse_quotas(wanted(project.quotas), change.settings.quotas_max)
        except RefusedValue as error:
            raise InvalidQuotas(str(error), field=error.field, problem=error.problem) from error
        await projects.update_project(change.connection, project.id, {"quotas": quotas}, {})
        change.touch_project(project.id)
        await _audit(change, project, changes_between({"quotas": project.quotas}, {"quotas": quotas}))
    return quotas


async def record_project_flags(changes: Changes, project_id: int, values: dict[str, bool]) -> None:
    """Set a project's flags of received data; raise NotFound."""
    async with changes.begin() as change:
        if not values or not await projects.set_project_flags(change.connection, project_id, values):
            raise NotFound


async def _audit(change: Change, project: Project, changes: dict[str, dict[str, Any]]) -> None:
    if changes:
        await change.audit(
            AuditEvent.PROJECT_EDITED,
            project.organization_id,
            target=project.id,
            slug=project.slug,
            changes=changes,
        )


async def _rename(change: Change, project: Project, slug: str) -> None:
    if problem := problem_of(slug, RESERVED_FOR_PROJECTS):
        raise InvalidSlug(problem)
    await lock_creation(change.connection)
    found = await projects.find_project(change.connection, project.organization_id, slug)
    if found is not None and found.slug == slug:
        raise SlugTaken
    await projects.rename_project(change.connection, project, slug)
