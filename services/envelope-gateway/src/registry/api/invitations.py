"""Invitations, for holders of the link."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from hearback_kit.api.params import AddressDep, row_id
from hearback_kit.auth import refuse_cross_site
from hearback_kit.errors import BadRequest
from hearback_web.cookies import set_session_cookie

from registry.api import serializers
from registry.api.deps import StateDep
from registry.api.params import MemberName, Name, NewPassword, OrganizationName, RequestBody
from registry.service.accept_invitation import InvitationLink

router = APIRouter(prefix="/api/0/accept-invite", tags=["members"])

_LINK = "/{organization}/{member}/{token}/"
_OPTIONAL_SESSION: Final[dict[str, Any]] = {"security": [{}, {"session": []}]}  # the link is a secret
LinkToken = Annotated[str, Path(description="The last part of the link.", max_length=200)]


class Invitation(serializers.Answer):
    """An invitation, and whether the caller is signed in, or already a member."""

    org_slug: str
    organization: serializers.OrganizationRef
    email: str
    role: str
    expires_at: datetime
    needs_authentication: bool
    needs2fa: bool = False
    has_auth_provider: bool = False
    require_sso: bool = False
    existing_member: bool


class Acceptance(RequestBody):
    """The password of the account with the invited address, or of a new one; omitted when signed in."""

    password: NewPassword | None = None
    name: Name | None = None


@router.get(_LINK, operation_id="getInvitation", summary="Show an invitation", openapi_extra=_OPTIONAL_SESSION)
async def get(
    request: Request, state: StateDep, organization: OrganizationName, member: MemberName, token: LinkToken
) -> Invitation:
    link = InvitationLink(organization, row_id(member), token)
    found = await state.invitations.find(link)
    principal = await state.access.authenticator.person(request)
    is_member = principal is not None and found.organization_id in principal.tenants
    return Invitation(
        org_slug=found.organization_slug,
        organization=serializers.OrganizationRef.model_validate(found),
        email=found.email,
        role=found.role,
        expires_at=found.expires_at,
        needs_authentication=principal is None,
        existing_member=is_member,
    )


@router.post(
    _LINK,
    operation_id="acceptInvitation",
    summary="Accept an invitation",
    description="With a password: the one of the account with the invited address, or one for a new account; a "
    "browser session begins. Without: the account of the caller's session becomes the member.",
    openapi_extra=_OPTIONAL_SESSION,
)
async def accept(
    request: Request,
    response: Response,
    state: StateDep,
    address: AddressDep,
    organization: OrganizationName,
    member: MemberName,
    token: LinkToken,
    wanted: Acceptance,
) -> serializers.Member:
    refuse_cross_site(request)
    link = InvitationLink(organization, row_id(member), token)
    if wanted.password is not None:
        accepted = await state.invitations.accept_with_password(link, wanted.password, wanted.name, address)
        session = accepted.session
        set_session_cookie(response, session.secret, session.duration, state.settings.public_url)
        return serializers.member(accepted.member, state.clock.now())
    principal = await state.access.authenticator.person(request)
    if principal is None:
        await state.invitations.find(link)
        raise BadRequest("A password is required, or a session.", code="password_required")
    user = await state.account(principal)
    joined = await state.invitations.accept_signed_in(link, user, address)
    return serializers.member(joined, state.clock.now())
