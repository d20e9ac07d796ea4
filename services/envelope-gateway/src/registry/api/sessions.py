"""Sign in and out, and read the caller."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from hearback_kit.api.params import AddressDep
from hearback_kit.auth import SESSION_COOKIE, refuse_cross_site
from hearback_web.cookies import end_session_cookie, set_session_cookie
from pydantic import StringConstraints

from registry.api import serializers
from registry.api.deps import PrincipalDep, StateDep
from registry.api.params import KnownPassword, RequestBody

router = APIRouter(prefix="/api/0", tags=["auth"])


class Login(RequestBody):
    """Credentials: e-mail address and password."""

    email: Annotated[str, StringConstraints(strip_whitespace=True, max_length=254)]
    password: KnownPassword


class Api(serializers.Answer):
    """The version of the API, the caller's scopes and account."""

    version: str
    auth: dict[str, list[str]]
    user: serializers.Account


@router.post(
    "/auth/login/",
    operation_id="login",
    summary="Begin a browser session",
    description="Sets a cookie that scripts cannot read and other sites cannot use.",
    openapi_extra={"security": []},
)
async def login(
    request: Request, response: Response, state: StateDep, address: AddressDep, wanted: Login
) -> serializers.User:
    refuse_cross_site(request)
    user = await state.sign_in.authenticate(wanted.email, wanted.password, address)
    session = await state.sign_in.begin_session(user, address)
    set_session_cookie(response, session.secret, session.duration, state.settings.public_url)
    return serializers.User.model_validate(user)


@router.delete(
    "/auth/",
    operation_id="logout",
    summary="End the browser session",
    status_code=204,
    openapi_extra={"security": []},
)
async def logout(request: Request, response: Response, state: StateDep) -> None:
    refuse_cross_site(request)
    session = request.cookies.get(SESSION_COOKIE)
    if session:
        await state.sign_in.end_session(session)
    end_session_cookie(response)


@router.get("/auth/", operation_id="getSelf", summary="Show the caller's account")
async def get_self(state: StateDep, principal: PrincipalDep) -> serializers.Account:
    return serializers.account(await state.account(principal))


@router.get("/", operation_id="getApi", summary="Show the API's version, and the caller with its scopes")
async def get_api(state: StateDep, principal: PrincipalDep) -> Api:
    account = serializers.account(await state.account(principal))
    return Api(version="0", auth={"scopes": sorted(principal.scopes)}, user=account)
