"""Change an organization or its flags."""

from typing import Any

from hearback_contracts.audit import AuditEvent
from hearback_fleet.audit import changes_between

from registry.domain.options import features_with_defaults, parse_features
from registry.domain.slugs import RESERVED_FOR_ORGANIZATIONS, problem_of
from registry.errors import InvalidFeatures, InvalidSlug, SlugTaken
from registry.service.change_configuration import Change, Changes
from registry.store import organizations
from registry.store.organizations import Organization


async def update_organization(
    changes: Changes, organization: Organization, values: dict[str, Any], features: dict[str, Any]
) -> Organization:
    """Set `name` or `slug` and merge flags; raise InvalidFeatures, InvalidSlug and SlugTaken."""
    async with changes.begin() as change:
        organization = await organizations.lock_organization(change.connection, organization.id)
        try:
            flags = parse_features(organization.features, features)
        except ValueError as error:
            raise InvalidFeatures(str(error)) from error
        if values.get("slug", organization.slug) != organization.slug:
            await _rename(change, organization, values["slug"])
        await change.touch_everything_of(organization)
        changed = await organizations.update_organization(change.connection, organization.id, values, flags)
        change.touch_organization(changed.id, changed.slug)
        before = {name: getattr(organization, name) for name in values}
        differences = changes_between(before | features_with_defaults(organization.features), values | flags)
        if differences:
            await change.audit(
                AuditEvent.ORGANIZATION_EDITED, organization.id, target=organization.id, changes=differences
            )
    return changed


async def _rename(change: Change, organization: Organization, slug: str) -> None:
    if problem := problem_of(slug, RESERVED_FOR_ORGANIZATIONS):
        raise InvalidSlug(problem)
    await organizations.lock_creation(change.connection)
    found = await organizations.find_organization(change.connection, slug)
    if found is not None and found.slug == slug:
        raise SlugTaken
    await organizations.rename_organization(change.connection, organization, slug)
