"""Routes for other services and the launcher; requests are signed."""

from typing import Annotated

from fastapi import Path
from hearback_fleet.access import internal_router
from hearback_kit.errors import existing
from hearback_kit.values.ids import ID_MAX
from pydantic import BaseModel

from registry.api import serializers
from registry.api.deps import StateDep
from registry.api.params import Email, Name, NewPassword, RequestBody, Role, Slug
from registry.service.add_member import add_member as create_member
from registry.service.bootstrap_project import Bootstrapped, bootstrap_project
from registry.service.introspect_secrets import Holder
from registry.service.set_alerts import Subscription
from registry.service.update_project import record_project_flags
from registry.store.alerts import Recipient as RecipientRow
from registry.store.alerts import list_recipients

router = internal_router("/internal")

ProjectId = Annotated[int, Path(ge=1, le=ID_MAX, description="Id of the project.")]


class BootstrapRequest(BaseModel):
    """Slugs of the organization and project to create."""

    organization: Slug
    project: Slug


class NewMember(RequestBody):
    """A person to add as a member immediately; without a password one is generated."""

    organization: str
    email: Email
    role: Role = "member"
    name: Name | None = None
    password: NewPassword | None = None


class AddedMember(serializers.Member):
    """A member with the password of the new account."""

    password: str


class ProjectFlags(RequestBody):
    """Flags of the kinds of data a project has received."""

    has_feedbacks: bool | None = None
    has_new_feedbacks: bool | None = None


class Recipient(BaseModel):
    """A member of a project's organization.

    `alerts` is whether the member wants mail about the project; a POST to `unsubscribe_url` disables it.
    `is_email_verified` is whether the address was verified by mail. `language` is null if none was chosen.
    """

    user_id: int
    email: str
    is_email_verified: bool
    name: str | None
    language: str | None
    role: str
    alerts: bool
    unsubscribe_url: str


@router.get(
    "/introspect/{kind}/{digest}",
    operation_id="introspect",
    summary="Find who holds a token or session, by its hash",
)
async def introspect(state: StateDep, kind: str, digest: str) -> Holder:
    return existing(await state.introspection.find_holder(kind, digest))


@router.post(
    "/bootstrap",
    operation_id="bootstrap",
    summary="Make sure that an organization with an owner and a project exist",
    description="Gives a new token each time; the first owner's password until that is changed.",
)
async def bootstrap(state: StateDep, wanted: BootstrapRequest) -> Bootstrapped:
    secret = state.settings.secret_key.get_secret_value()
    passwords = state.sign_in.passwords
    return await bootstrap_project(state.changes, passwords, secret, wanted.organization, wanted.project)


@router.post(
    "/members",
    operation_id="addMember",
    summary="Create an account that is a member at once",
    description="The account is new, even where others claim the address.",
    status_code=201,
)
async def add_member(state: StateDep, wanted: NewMember) -> AddedMember:
    member, password = await create_member(state.changes, state.sign_in.passwords, **wanted.model_dump())
    return AddedMember(**serializers.member(member, state.clock.now()).model_dump(), password=password)


@router.put(
    "/projects/{project_id}/flags",
    operation_id="setProjectFlags",
    summary="Record what a project has received",
    status_code=204,
)
async def set_flags(state: StateDep, project_id: ProjectId, wanted: ProjectFlags) -> None:
    await record_project_flags(state.changes, project_id, wanted.model_dump(exclude_none=True))


@router.get(
    "/projects/{project_id}/recipients",
    operation_id="listRecipients",
    summary="List the members to whom mail about a project may go",
)
async def recipients(state: StateDep, project_id: ProjectId) -> list[Recipient]:
    rows = await state.database.read(list_recipients, project_id)
    return [_recipient(state, project_id, row) for row in rows]


def _recipient(state: StateDep, project_id: int, row: RecipientRow) -> Recipient:
    return Recipient(
        user_id=row.user_id,
        email=row.email,
        is_email_verified=row.email_verified_at is not None,
        name=row.name,
        language=row.language,
        role=row.role,
        alerts=row.alerts,
        unsubscribe_url=state.unsubscribe_links.url(Subscription(row.user_id, project_id)),
    )
