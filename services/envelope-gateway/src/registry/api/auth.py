"""Routes: signing in and out, and oneself."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from hearback_kit.auth import SESSION_COOKIE, credentials, hash_secret, refuse_cross_site
from hearback_kit.errors import BadRequest, TooManyRequests, Unauthorized
from hearback_kit.limits import Limit

from registry import metrics
from registry.api import schemas
from registry.api.deps import PrincipalOf, RegistryOf
from registry.errors import WrongCredentials
from registry.registry import Registry
from registry.store import organizations
from registry.store.credentials import add_session, end_session, end_sessions_of


def _user(row: Any) -> schemas.User:
    return schemas.User(id=str(row.id), email=row.email, name=row.name, username=row.email)


def auth_routes() -> APIRouter:
    """Routes that begin and end sessions."""
    router = APIRouter(tags=["auth"])

    @router.post(
        "/auth/login/",
        operation_id="login",
        summary="Begin a browser session",
        description="Sets a cookie that scripts cannot read and other sites cannot use.",
    )
    async def login(
        request: Request, response: Response, registry: RegistryOf, wanted: schemas.Login
    ) -> schemas.User:
        refuse_cross_site(request)
        user = await _signed_in(registry, wanted)
        secret, now = secrets.token_urlsafe(32), registry.clock.now()
        duration = timedelta(days=registry.settings.session_days)
        async with registry.changing() as change:
            await add_session(change.connection, user.id, hash_secret(secret), now, now + duration)
        response.set_cookie(
            SESSION_COOKIE,
            secret,
            max_age=int(duration.total_seconds()),
            path="/",
            httponly=True,
            samesite="lax",
            secure=registry.settings.public_url.startswith("https:"),
        )
        return _user(user)

    @router.delete("/auth/", operation_id="logout", summary="End the browser session", status_code=204)
    async def logout(request: Request, response: Response, registry: RegistryOf) -> None:
        refuse_cross_site(request)
        session = request.cookies.get(SESSION_COOKIE)
        if session:
            async with registry.changing() as change:
                await end_session(change.connection, hash_secret(session))
        response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax")

    @router.get("/auth/", operation_id="getSelf", summary="Who asks")
    async def get_self(registry: RegistryOf, principal: PrincipalOf) -> schemas.User:
        return await _self(registry, principal.id)

    return router


def self_routes() -> APIRouter:
    """Routes about the caller."""
    router = APIRouter(tags=["auth"])

    @router.get("/", operation_id="getApi", summary="The API's version, and who asks with which scopes")
    async def get_api(registry: RegistryOf, principal: PrincipalOf) -> schemas.Api:
        user = await _self(registry, principal.id)
        return schemas.Api(version="0", auth={"scopes": sorted(principal.scopes)}, user=user)

    @router.put("/users/me/", operation_id="updateSelf", summary="Change one's name or password")
    async def update_self(
        request: Request, registry: RegistryOf, principal: PrincipalOf, wanted: schemas.UserChange
    ) -> schemas.User:
        if principal.kind != "session":
            raise Unauthorized("This needs a browser session.")
        user_id = int(principal.id)
        values: dict[str, Any] = {"name": wanted.name} if wanted.name is not None else {}
        if wanted.password is not None:
            await _check_password(registry, user_id, wanted.current_password)
            values["password_hash"] = await registry.passwords.hash(wanted.password)
        async with registry.changing() as change:
            if values:
                await organizations.change_user(change.connection, user_id, values)
            if "password_hash" in values:
                kind_and_secret = credentials(request)
                own = hash_secret(kind_and_secret[1]) if kind_and_secret else ""
                await end_sessions_of(change.connection, user_id, except_digest=own)
            if "name" in values:
                for organization_id in await organizations.organizations_of(change.connection, user_id):
                    await change.touch_organization(organization_id)
        return await _self(registry, principal.id)

    return router


async def _self(registry: Registry, user_id: str) -> schemas.User:
    async with registry.reading() as connection:
        row = await organizations.find_user(connection, user_id=int(user_id))
    if row is None:
        raise Unauthorized
    return _user(row)


async def _signed_in(registry: Registry, wanted: schemas.Login) -> Any:
    subject = hashlib.sha256(wanted.email.lower().encode()).hexdigest()
    limit = Limit(f"login:{subject}", registry.settings.login_attempts_per_minute, 60)
    (wait,) = await registry.limits.check([limit])
    if wait:
        metrics.LOGINS.labels("limited").inc()
        raise TooManyRequests("Too many attempts; wait a moment.", headers={"Retry-After": str(wait)})
    async with registry.reading() as connection:
        user = await organizations.find_user(connection, email=wanted.email)
    if not await registry.passwords.verify(user.password_hash if user else None, wanted.password):
        metrics.LOGINS.labels("refused").inc()
        raise WrongCredentials
    metrics.LOGINS.labels("accepted").inc()
    return user


async def _check_password(registry: Registry, user_id: int, password: str | None) -> None:
    async with registry.reading() as connection:
        user = await organizations.find_user(connection, user_id=user_id)
    if password is None or user is None or not await registry.passwords.verify(user.password_hash, password):
        raise BadRequest("The current password is not right.", code="wrong_credentials")
