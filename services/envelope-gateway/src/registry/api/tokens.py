"""Routes: API tokens of an organization. Members see and revoke their own, owners all."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path
from hearback_contracts.roles import SCOPES
from hearback_kit.auth import hash_secret
from hearback_kit.db import Connection
from hearback_kit.errors import BadRequest, Forbidden, NotFound

from registry.api import schemas
from registry.api.deps import InOrganization, PagingOf, RegistryOf, id_of, in_organization
from registry.domain.secrets import format_token
from registry.errors import LimitReached
from registry.store import credentials

_TOKENS = "/organizations/{organization}/api-tokens/"
_YEARS_MAX = 10
Scoped = Annotated[InOrganization, in_organization(*sorted(SCOPES))]


def _fields(row: Any, email: str) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "scopes": row.scopes,
        "token_last_characters": row.last_characters,
        "user": email,
        "date_created": row.created_at,
        "date_expires": row.expires_at,
        "date_last_used": row.last_used_at,
    }


def token_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["tokens"])

    @router.get(_TOKENS, operation_id="listTokens", summary="API tokens, without their secrets")
    async def list_all(scope: Scoped, registry: RegistryOf, paging: PagingOf) -> list[schemas.Token]:
        async with registry.reading() as connection:
            page = await credentials.list_tokens(
                connection, scope.organization.id, _whose(scope), paging.position, paging.limit
            )
        return [schemas.Token(**_fields(row, row.email)) for row in paging.rows(page)]

    @router.post(
        _TOKENS,
        operation_id="createToken",
        summary="Create an API token",
        description="The secret is in this answer and nowhere else. Without `expiresAt` it does not expire.",
        status_code=201,
    )
    async def create(scope: Scoped, registry: RegistryOf, wanted: schemas.NewToken) -> schemas.CreatedToken:
        now, count_max = registry.clock.now(), registry.settings.tokens_max
        _check(scope, wanted, now)
        async with registry.changing() as change:
            if await credentials.count_tokens(change.connection, scope.organization.id) >= count_max:
                raise LimitReached(f"An organization may have {count_max} tokens.")
            secret, row = await issue_token(
                change.connection,
                organization_id=scope.organization.id,
                user_id=scope.user_id,
                name=wanted.name,
                scopes=set(wanted.scopes),
                now=now,
                expires_at=wanted.expires_at,
            )
        return schemas.CreatedToken(**_fields(row, scope.principal.email or ""), token=secret)

    @router.delete(
        _TOKENS + "{token}/", operation_id="revokeToken", summary="Revoke an API token", status_code=204
    )
    async def revoke(
        scope: Scoped, registry: RegistryOf, token: Annotated[str, Path(description="Id of the token.")]
    ) -> None:
        async with registry.changing() as change:
            if not await credentials.remove_token(
                change.connection, scope.organization.id, id_of(token), _whose(scope)
            ):
                raise NotFound

    return router


def _whose(scope: InOrganization) -> int | None:
    return None if "org:admin" in scope.scopes else scope.user_id


def _check(scope: InOrganization, wanted: schemas.NewToken, now: datetime) -> None:
    unknown = sorted(set(wanted.scopes) - SCOPES)
    if unknown:
        raise BadRequest(f"unknown scope: {unknown[0][:100]}", code="invalid_scopes")
    if not scope.scopes.issuperset(wanted.scopes):
        raise Forbidden("A token cannot be allowed more than its maker.", code="too_many_scopes")
    expires_at = wanted.expires_at
    if expires_at is not None and not now < expires_at <= now + timedelta(days=365 * _YEARS_MAX):
        raise BadRequest(f"expiresAt must be within the next {_YEARS_MAX} years.", code="invalid_expiry")


async def issue_token(
    connection: Connection,
    *,
    organization_id: int,
    user_id: int,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[str, Any]:
    """Create a token: its secret, and its row, which only knows the secret's hash."""
    secret = format_token(secrets.token_bytes(32))
    row = await credentials.add_token(
        connection,
        organization_id=organization_id,
        user_id=user_id,
        name=name,
        digest=hash_secret(secret),
        last_characters=secret[-4:],
        scopes=scopes,
        now=now,
        expires_at=expires_at,
    )
    return secret, row
