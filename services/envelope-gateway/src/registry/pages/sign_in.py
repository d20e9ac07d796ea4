"""Sign in with a password, and sign out."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from hearback_kit.api.params import AddressDep
from hearback_kit.auth import SESSION_COOKIE
from hearback_kit.errors import ServiceError, TooManyRequests, Unavailable
from hearback_web import FormDep, local_path, redirect
from hearback_web.cookies import end_session_cookie, set_session_cookie

from registry.domain.fields import EMAIL_LENGTH_MAX, PASSWORD_LENGTH_MAX
from registry.errors import WrongCredentials
from registry.pages.deps import StateDep, render
from registry.service.app_state import AppState
from registry.service.sign_in import Session

router = APIRouter(include_in_schema=False)


@router.get("/auth/login/")
async def show(request: Request, state: StateDep, wanted: Annotated[str, Query(alias="next")] = "/") -> Response:
    """Show the form, or redirect if already signed in."""
    if await state.access.authenticator.person(request) is not None:
        return redirect(request, local_path(wanted))
    return _form(request, state, wanted=local_path(wanted))


@router.post("/auth/login/")
async def sign_in(request: Request, state: StateDep, address: AddressDep, form: FormDep) -> Response:
    """Start a new session; an existing one ends."""
    email, wanted = form.text("email", length_max=EMAIL_LENGTH_MAX), local_path(form.get("next"))
    try:
        user = await state.sign_in.authenticate(email, form.get("password", "")[:PASSWORD_LENGTH_MAX], address)
    except (WrongCredentials, TooManyRequests, Unavailable) as error:
        return _form(request, state, wanted=wanted, email=email, error=error)
    session = await state.sign_in.begin_session(user, address)
    return await begin(request, state, session, wanted)


@router.post("/auth/logout/")
async def sign_out(request: Request, state: StateDep, _: FormDep) -> Response:
    """End the session."""
    session = request.cookies.get(SESSION_COOKIE)
    if session:
        await state.sign_in.end_session(session)
    answer = redirect(request, "/auth/login/")
    end_session_cookie(answer)
    return answer


async def begin(request: Request, state: AppState, session: Session, wanted: str) -> Response:
    """Set the cookie of a new session and redirect; an existing session ends."""
    previous = request.cookies.get(SESSION_COOKIE)
    if previous:
        await state.sign_in.end_session(previous)
    answer = redirect(request, wanted)
    set_session_cookie(answer, session.secret, session.duration, state.settings.public_url)
    return answer


def _form(
    request: Request, state: AppState, *, wanted: str, email: str = "", error: ServiceError | None = None
) -> Response:
    return render(
        request,
        "sign_in.html",
        error=error,
        wanted=wanted,
        email=email,
        provider=state.settings.oidc_name if state.provider_sign_in else None,
    )
