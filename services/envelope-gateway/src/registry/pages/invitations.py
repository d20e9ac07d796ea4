"""The page of an invitation link: accept with a password, or with the account that is signed in."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from hearback_kit.api.params import AddressDep, row_id
from hearback_kit.auth import Principal
from hearback_kit.errors import NotFound, ServiceError, Unauthorized
from hearback_web import Flash, FormDep, redirect
from hearback_web.texts import gettext as _

from registry.domain.fields import NAME_LENGTH_MAX, PASSWORD_LENGTH_MIN
from registry.errors import InvitationNotValid
from registry.pages.deps import StateDep, new_password, render, wrong_field
from registry.pages.sign_in import begin
from registry.service.accept_invitation import InvitationLink
from registry.service.app_state import AppState
from registry.store.invitations import Invitation

router = APIRouter(include_in_schema=False)

_PATH: Final = "/accept/{organization}/{member}/{token}/"
Part = Annotated[str, Path(max_length=200)]


@router.get(_PATH)
async def show(request: Request, state: StateDep, organization: Part, member: Part, token: Part) -> Response:
    """Show the invitation."""
    try:
        invitation = await _find(state, organization, member, token)
    except NotFound:
        return _not_valid(request)
    return _form(request, invitation, await state.access.authenticator.person(request))


@router.post(_PATH)
async def accept(
    request: Request,
    state: StateDep,
    address: AddressDep,
    form: FormDep,
    organization: Part,
    member: Part,
    token: Part,
) -> Response:
    """Accept with a password, which starts a session, or with the current session (`as=session`)."""
    principal = await state.access.authenticator.person(request)
    name = form.get("name", "").strip()[:NAME_LENGTH_MAX]
    try:
        invitation = await _find(state, organization, member, token)
    except NotFound:
        return _not_valid(request)
    link = InvitationLink(organization, invitation.id, token)
    start = f"/organizations/{invitation.organization_slug}/feedback/"
    welcome = Flash(_("Welcome to {}.").format(invitation.organization_name))
    try:
        if form.get("as") == "session":
            if principal is None:
                raise Unauthorized
            await state.invitations.accept_signed_in(link, await state.account(principal), address)
            return redirect(request, start, welcome)
        accepted = await state.invitations.accept_with_password(link, new_password(form), name or None, address)
    except NotFound:  # used meanwhile
        return _not_valid(request)
    except ServiceError as error:
        return _form(request, invitation, principal, error, name=name)
    return await begin(request, state, accepted.session, start)


async def _find(state: AppState, organization: str, member: str, token: str) -> Invitation:
    return await state.invitations.find(InvitationLink(organization, row_id(member), token))


def _form(
    request: Request,
    invitation: Invitation,
    principal: Principal | None,
    error: ServiceError | None = None,
    *,
    name: str = "",
) -> Response:
    answer = render(
        request,
        "invitation.html",
        error=error,
        wrong=wrong_field(error, "password", "current_password"),
        organization=invitation.organization_name,
        email=invitation.email,
        role=invitation.role,
        expires_at=invitation.expires_at,
        name=name,
        signed_in_as=principal.email if principal else None,
        password_length_min=PASSWORD_LENGTH_MIN,
    )
    answer.headers["Referrer-Policy"] = "no-referrer"  # the address is a secret
    return answer


def _not_valid(request: Request) -> Response:
    error = InvitationNotValid()
    return render(request, "message.html", error.status, title=_("Invitation"), text=error.detail)
