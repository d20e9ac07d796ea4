"""Sign in by an OpenID provider."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from hearback_kit.api.params import AddressDep
from hearback_kit.errors import ServiceError, existing
from hearback_web import local_path
from hearback_web.cookies import delete_cookie, set_cookie

from registry.errors import AttemptNotValid, ProviderRefused
from registry.pages.deps import StateDep, render
from registry.pages.sign_in import begin
from registry.service.sign_in_by_provider import ATTEMPT_SECONDS_MAX

router = APIRouter(include_in_schema=False)

ATTEMPT_COOKIE: Final = "hearback_oidc"
_PATH: Final = "/auth/oidc/"
Part = Annotated[str, Query(max_length=4_000)]


@router.get("/auth/oidc/start/")
async def start(request: Request, state: StateDep, wanted: Annotated[str, Query(alias="next")] = "/") -> Response:
    """Redirect the browser to the provider."""
    provider = existing(state.provider_sign_in)
    try:
        url, cookie = await provider.begin(local_path(wanted))
    except ServiceError as error:
        return _failed(request, error)
    answer = RedirectResponse(url, status_code=303)
    secure = state.settings.public_url.startswith("https:")
    set_cookie(answer, ATTEMPT_COOKIE, cookie, seconds=ATTEMPT_SECONDS_MAX, secure=secure, path=_PATH)
    return answer


@router.get("/auth/oidc/callback/")
async def callback(
    request: Request,
    state: StateDep,
    address: AddressDep,
    given: Annotated[str, Query(alias="state", max_length=200)] = "",
    code: Part = "",
    issuer: Annotated[str | None, Query(alias="iss", max_length=2_000)] = None,
    error: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Handle the provider's redirect, and start a session."""
    provider = existing(state.provider_sign_in)
    cookie = request.cookies.get(ATTEMPT_COOKIE)
    try:
        if error is not None:
            raise ProviderRefused
        if not cookie or not code:
            raise AttemptNotValid
        signed_in = await provider.finish(cookie, state=given, code=code, issuer=issuer, address=address)
    except ServiceError as problem:
        answer = _failed(request, problem)
    else:
        answer = await begin(request, state, signed_in.session, local_path(signed_in.wanted))
    delete_cookie(answer, ATTEMPT_COOKIE, _PATH)
    return answer


def _failed(request: Request, error: ServiceError) -> Response:
    return render(request, "sign_in_failed.html", error=error)
