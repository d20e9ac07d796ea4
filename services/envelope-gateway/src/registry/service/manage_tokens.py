"""Create and revoke API tokens."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hearback_contracts.audit import AuditEvent
from hearback_contracts.roles import SCOPES
from hearback_kit.auth import hash_secret
from hearback_kit.errors import BadRequest, Forbidden, NotFound

from registry.domain.tokens import format_token
from registry.errors import LimitReached
from registry.service.change_configuration import Authority, Change, Changes
from registry.store import tokens
from registry.store.organizations import lock_organization
from registry.store.tokens import Token

_YEARS_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to create."""

    name: str
    scopes: frozenset[str]
    expires_at: datetime | None = None


async def create_token(changes: Changes, authority: Authority, wanted: NewToken) -> tuple[str, Token]:
    """Create a token and return its secret with it; raise BadRequest, Forbidden and LimitReached."""
    async with changes.begin() as change:
        _check(authority, wanted, change.now)
        await lock_organization(change.connection, authority.organization.id)
        if await tokens.count_tokens(change.connection, authority.organization.id) >= change.settings.tokens_max:
            raise LimitReached(f"An organization may have {change.settings.tokens_max} tokens.")
        return await issue_token(change, authority.organization.id, authority.user_id, wanted)


async def revoke_token(changes: Changes, authority: Authority, token_id: int) -> None:
    """Revoke a token; raise NotFound for one that the caller may not see."""
    async with changes.begin() as change:
        await lock_organization(change.connection, authority.organization.id)
        token = await tokens.find_token(change.connection, authority.organization.id, token_id)
        if token is None or not authority.covers(token):
            raise NotFound
        await tokens.remove_token(change.connection, token.id)
        await change.audit(
            AuditEvent.TOKEN_REMOVED,
            token.organization_id,
            target=token.id,
            target_user_id=token.user_id,
            name=token.name,
        )


async def issue_token(change: Change, organization_id: int, user_id: int, wanted: NewToken) -> tuple[str, Token]:
    """Create a token within a change; return its secret and the token, which only has the secret's hash."""
    secret = format_token(secrets.token_bytes(32))
    token_id = await tokens.add_token(
        change.connection,
        organization_id=organization_id,
        user_id=user_id,
        name=wanted.name,
        digest=hash_secret(secret),
        last_characters=secret[-4:],
        scopes=sorted(wanted.scopes),
        created_at=change.now,
        expires_at=wanted.expires_at,
    )
    token = await tokens.find_token(change.connection, organization_id, token_id)
    assert token is not None, "it was just created"
    await change.audit(
        AuditEvent.TOKEN_CREATED,
        organization_id,
        target=token.id,
        target_user_id=user_id,
        name=token.name,
        scopes=token.scopes,
    )
    return secret, token


def _check(authority: Authority, wanted: NewToken, now: datetime) -> None:
    unknown = sorted(wanted.scopes - SCOPES)
    if unknown:
        raise BadRequest(f"unknown scope: {unknown[0][:100]}", code="invalid_scopes")
    if not authority.scopes >= wanted.scopes:
        raise Forbidden("A token cannot have scopes that you do not have.", code="too_many_scopes")
    expires_at = wanted.expires_at
    if expires_at is not None and not now < expires_at <= now + timedelta(days=365 * _YEARS_MAX):
        raise BadRequest(f"expiresAt must be within the next {_YEARS_MAX} years.", code="invalid_expiry")
