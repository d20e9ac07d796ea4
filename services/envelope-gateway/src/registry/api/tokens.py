"""API tokens of an organization. Members see and revoke their own, owners all, within the caller's scopes."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path
from hearback_contracts.roles import SCOPES
from hearback_kit.api.params import row_id
from pydantic import AwareDatetime, Field

from registry.api import serializers
from registry.api.deps import Authority, ChangesDep, StateDep, organization_scope
from registry.api.params import Name, PagingDep, RequestBody
from registry.domain.roles import WRITE_SCOPES
from registry.service import manage_tokens
from registry.store.tokens import list_tokens

router = APIRouter(prefix="/api/0/organizations/{organization}/api-tokens", tags=["tokens"])

ReadScope = Annotated[Authority, organization_scope(*sorted(SCOPES))]
WriteScope = Annotated[Authority, organization_scope(*sorted(WRITE_SCOPES))]


class NewToken(RequestBody):
    """A token to create; its scopes must be a subset of the caller's."""

    name: Name = "API token"
    scopes: Annotated[list[str], Field(min_length=1, max_length=100)]
    expires_at: Annotated[AwareDatetime, Field(strict=False)] | None = None


@router.get("/", operation_id="listTokens", summary="List API tokens, without their secrets")
async def list_all(scope: ReadScope, state: StateDep, paging: PagingDep) -> list[serializers.Token]:
    rows = await state.database.read(
        list_tokens, scope.organization.id, scope.only_user_id, scope.scopes, paging.window
    )
    return paging.answer(rows, serializers.Token.model_validate)


@router.post(
    "/",
    operation_id="createToken",
    summary="Create an API token",
    description="The secret is in this answer and nowhere else. Without `expiresAt` it does not expire.",
    status_code=201,
)
async def create(scope: WriteScope, changes: ChangesDep, wanted: NewToken) -> serializers.CreatedToken:
    new = manage_tokens.NewToken(wanted.name, frozenset(wanted.scopes), wanted.expires_at)
    secret, token = await manage_tokens.create_token(changes, scope, new)
    return serializers.CreatedToken.model_validate(asdict(token) | {"token": secret})


@router.delete("/{token}/", operation_id="revokeToken", summary="Revoke an API token", status_code=204)
async def revoke(
    scope: WriteScope,
    changes: ChangesDep,
    token: Annotated[str, Path(description="Id of the token.")],
) -> None:
    await manage_tokens.revoke_token(changes, scope, row_id(token))
