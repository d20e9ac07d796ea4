"""Signing in and out, and who is signed in."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from hearback_kit.auth import SESSION_COOKIE, refuse_cross_site
from hearback_kit.errors import Unauthorized
from hearback_web.session_cookies import end_session_cookie, set_session_cookie
from pydantic import StringConstraints

from registry.api import serializers
from registry.api.deps import AddressDep, DatabaseDep, PrincipalDep, StateDep
from registry.api.params import KnownPassword, RequestBody
from registry.service.assemble_app import AppState
from registry.service.sign_in import Session
from registry.store.users import find_user

router = APIRouter(prefix="/api/0", tags=["auth"])


class Login(RequestBody):
    """An e-mail address and its password."""

    email: Annotated[str, StringConstraints(max_length=254)]
    password: KnownPassword


class Api(serializers.Answer):
    """The version of the API, the caller's scopes, and the account behind them."""

    version: str
    auth: dict[str, list[str]]
    user: serializers.Account


@router.post(
    "/auth/login/",
    operation_id="login",
    summary="Begin a browser session",
    description="Sets a cookie that scripts cannot read and other sites cannot use.",
)
async def login(
    request: Request, response: Response, state: StateDep, address: AddressDep, wanted: Login
) -> serializers.User:
    refuse_cross_site(request)
    user = await state.sign_in.authenticate(wanted.email, wanted.password, address)
    start_session(response, state, await state.sign_in.begin_session(user, address))
    return serializers.user(user)


@router.delete("/auth/", operation_id="logout", summary="End the browser session", status_code=204)
async def logout(request: Request, response: Response, state: StateDep) -> None:
    refuse_cross_site(request)
    session = request.cookies.get(SESSION_COOKIE)
    if session:
        await state.sign_in.end_session(session)
    end_session_cookie(response)


@router.get("/auth/", operation_id="getSelf", summary="Show the caller's account")
async def get_self(database: DatabaseDep, principal: PrincipalDep) -> serializers.Account:
    return await _account(database, principal)


@router.get("/", operation_id="getApi", summary="Show the API's version, and the caller with its scopes")
async def get_api(database: DatabaseDep, principal: PrincipalDep) -> Api:
    account = await _account(database, principal)
    return Api(version="0", auth={"scopes": sorted(principal.scopes)}, user=account)


def start_session(response: Response, state: AppState, session: Session) -> None:
    """Give a browser its session."""
    secure = state.settings.public_url.startswith("https:")
    set_session_cookie(response, session.secret, seconds=int(session.duration.total_seconds()), secure=secure)


async def _account(database: DatabaseDep, principal: PrincipalDep) -> serializers.Account:
    async with database.connection() as connection:
        user = await find_user(connection, int(principal.id))
    if user is None:
        raise Unauthorized
    return serializers.account(user)
