"""Ensure that an organization with an owner and a project exist, as the operator of the machine."""

import base64
import hmac
from dataclasses import dataclass

from hearback_contracts.audit import AuditEvent
from hearback_contracts.roles import SCOPES
from hearback_kit.values.ids import random_id

from registry.domain.slugs import RESERVED_FOR_ORGANIZATIONS, is_slug, problem_of
from registry.errors import InvalidSlug
from registry.service.add_member import add_account
from registry.service.change_configuration import Change, Changes
from registry.service.create_project import NewProject, add_project
from registry.service.hash_passwords import Passwords
from registry.service.manage_tokens import NewToken, issue_token
from registry.store import keys, members, organizations, projects
from registry.store.organizations import Organization


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """The answer for the launcher; `admin_password` is set while the owner has the one made here."""

    organization: str
    project: str
    project_id: int
    public_key: str
    token: str
    admin_email: str
    admin_password: str | None


def first_password(secret: str, organization_id: int) -> str:
    """Return the first password of an organization's first owner.

    It is made of the fleet's secret: if the answer with it is lost, the next one has it, too.
    """
    digest = hmac.digest(secret.encode(), f"hearback first owner\0{organization_id}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:12]).decode()


async def bootstrap_project(
    changes: Changes, passwords: Passwords, secret: str, organization_slug: str, project_slug: str
) -> Bootstrapped:
    """Create what is missing, and a new token of the owner; raise InvalidSlug or LimitReached.

    The owner of a new organization is always a new account, even if another one claims the address.
    """
    for slug in (organization_slug, project_slug):
        if not is_slug(slug):
            raise InvalidSlug(f"not a slug: {slug}")
    if problem := problem_of(organization_slug, RESERVED_FOR_ORGANIZATIONS):
        raise InvalidSlug(problem)
    async with changes.begin() as change:
        await organizations.lock_creation(change.connection)
        organization = await _organization(change, organization_slug)
        password = first_password(secret, organization.id)
        owner = await members.find_first_owner(change.connection, organization.id)
        is_new = owner is None
        if owner is None:
            email = f"owner@{organization.slug}.example.com"
            password_hash = await passwords.hash(password)
            await add_account(change, organization, email, "Owner", password_hash, "owner")
            owner = await members.find_first_owner(change.connection, organization.id)
        assert owner is not None, "it was just added"
        project_id, public_key = await _project(change, organization, project_slug)
        token, _ = await issue_token(change, organization.id, owner.id, NewToken("bootstrap", frozenset(SCOPES)))
    is_unchanged = is_new or await passwords.verify(owner.password_hash, password)
    return Bootstrapped(
        organization=organization.slug,
        project=project_slug,
        project_id=project_id,
        public_key=public_key,
        token=token,
        admin_email=owner.email,
        admin_password=password if is_unchanged else None,
    )


async def _organization(change: Change, slug: str) -> Organization:
    organization = await organizations.find_organization(change.connection, slug)
    if organization is None:
        organization = await organizations.add_organization(change.connection, slug, slug, change.now)
        change.touch_organization(organization.id, slug)
        await change.audit(AuditEvent.ORGANIZATION_CREATED, organization.id, target=organization.id, slug=slug)
    return organization


async def _project(change: Change, organization: Organization, slug: str) -> tuple[int, str]:
    """The project's id and an active key."""
    connection = change.connection
    project = await projects.find_project(connection, organization.id, slug)
    if project is not None:
        project_id = project.id
    else:
        project_id = await add_project(change, organization, NewProject(name=slug, slug=slug))
    key = await keys.find_first_active(connection, project_id)
    if key is None:
        key = await keys.add_key(connection, project_id, "Default", random_id(), random_id(), change.now)
        change.touch_project(project_id, key.public)
        await change.audit(AuditEvent.KEY_CREATED, organization.id, target=key.id, project=slug, public=key.public)
    return project_id, key.public
