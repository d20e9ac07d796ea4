"""The page of an invitation's link: a password, and one is a member."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse
from hearback_kit.api.params import row_id
from hearback_kit.auth import refuse_cross_site, set_session_cookie
from hearback_kit.errors import NotFound, ServiceError

from registry.pages.deps import FormDep, StateDep, render
from registry.service.accept_invitation import InvitationLink
from registry.service.assemble_app import AppState
from registry.store.invitations import Invitation

router = APIRouter(include_in_schema=False)

PASSWORD_LENGTH_MIN = 8
PASSWORD_LENGTH_MAX = 1_000
NAME_LENGTH_MAX = 200
_PATH = "/accept/{organization}/{member}/{token}/"
Part = Annotated[str, Path(max_length=200)]


@router.get(_PATH)
async def show(state: StateDep, organization: Part, member: Part, token: Part) -> HTMLResponse:
    try:
        return _form(await _find(state, organization, member, token))
    except NotFound as error:
        return _not_valid(error)


@router.post(_PATH)
async def accept(
    request: Request, state: StateDep, form: FormDep, organization: Part, member: Part, token: Part
) -> HTMLResponse:
    refuse_cross_site(request)
    password, name = form.get("password", ""), form.get("name", "").strip()[:NAME_LENGTH_MAX]
    try:
        invitation = await _find(state, organization, member, token)
    except NotFound as error:
        return _not_valid(error)
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        problem = f"A password has at least {PASSWORD_LENGTH_MIN} characters."
        return _form(invitation, problem, status=400, name=name)
    link = InvitationLink(organization, invitation.id, token)
    peer = request.client.host if request.client else None
    address = state.proxies.client_address(peer, request.headers.raw)
    try:
        accepted = await state.invitations.accept_with_password(
            link, password, name or None, address, state.clock.now()
        )
    except NotFound as error:  # used meanwhile
        return _not_valid(error)
    except ServiceError as error:
        answer = _form(invitation, error.detail, status=error.status, name=name)
        answer.headers.update(error.headers)
        return answer
    answer = render("accepted.html", organization=invitation.organization_name, email=invitation.email)
    session = accepted.session
    secure = state.settings.public_url.startswith("https:")
    set_session_cookie(answer, session.secret, seconds=int(session.duration.total_seconds()), secure=secure)
    return answer


async def _find(state: AppState, organization: str, member: str, token: str) -> Invitation:
    return await state.invitations.find(InvitationLink(organization, row_id(member), token), state.clock.now())


def _form(invitation: Invitation, problem: str = "", *, status: int = 200, name: str = "") -> HTMLResponse:
    return render(
        "invitation.html",
        status,
        organization=invitation.organization_name,
        email=invitation.email,
        role=invitation.role,
        expires_at=invitation.expires_at,
        problem=problem,
        name=name,
        password_length_min=PASSWORD_LENGTH_MIN,
    )


def _not_valid(error: ServiceError) -> HTMLResponse:
    return render("message.html", error.status, title="Invitation", text=error.detail)
