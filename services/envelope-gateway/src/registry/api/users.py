"""The caller's own account, and its alerts per project."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from hearback_fleet.access import scopes_within
from hearback_kit.api.params import row_id
from hearback_kit.auth import Principal, credentials
from hearback_kit.errors import BadRequest, Forbidden, Unauthorized
from pydantic import RootModel

from registry.api import serializers
from registry.api.deps import ChangesDep, PrincipalDep, StateDep
from registry.api.params import KnownPassword, Language, Name, NewPassword, RequestBody
from registry.domain.roles import WRITE_SCOPES
from registry.service.app_state import AppState
from registry.service.set_alerts import set_alerts
from registry.service.update_account import AccountChange, update_account
from registry.store.alerts import list_alerts

router = APIRouter(prefix="/api/0/users/me", tags=["users"])


class AccountOptions(RequestBody):
    """Preferences: the language of mails, such as `de` or `pt-BR`."""

    language: Language | None = None


class AccountUpdate(RequestBody):
    """Changes; a new password requires the current one and ends all other sessions."""

    name: Name | None = None
    password: NewPassword | None = None
    current_password: KnownPassword | None = None
    options: AccountOptions = AccountOptions()


class AlertSettings(RootModel[dict[str, int | str | bool]]):
    """Alerts by mail per project id: 1 on, 0 off."""


def session_of(request: Request, principal: PrincipalDep) -> str:
    """Return the secret of the caller's session; raise Unauthorized for a token."""
    given = credentials(request)
    if principal.kind != "session" or given is None:
        raise Unauthorized("This needs a browser session.")
    return given[1]


def mailing_tenants(principal: PrincipalDep) -> list[int]:
    """Return the organizations whose mail the caller may choose; raise Forbidden for a token that only reads."""
    if principal.kind == "session":  # what one is mailed is one's own choice, whatever the role
        return list(principal.tenants)
    tenants = [tenant for tenant in principal.tenants if scopes_within(principal, tenant) & WRITE_SCOPES]
    if not tenants:
        raise Forbidden
    return tenants


@router.put(
    "/",
    operation_id="updateSelf",
    summary="Change the caller's name, language or password",
    openapi_extra={"security": [{"session": []}]},
)
async def update_self(
    session: Annotated[str, Depends(session_of)],
    state: StateDep,
    principal: PrincipalDep,
    changes: ChangesDep,
    wanted: AccountUpdate,
) -> serializers.Account:
    user = await state.account(principal)
    change = AccountChange(wanted.name, wanted.options.language, wanted.password, wanted.current_password)
    changed = await update_account(changes, state.sign_in, user, change, session=session)
    return serializers.account(changed)


@router.get(
    "/notifications/alerts/",
    operation_id="getAlerts",
    summary="Show which projects the caller gets mail about",
    description="By project id: 1 for alerts by mail (the default), 0 for none.",
)
async def get_alerts(state: StateDep, principal: PrincipalDep) -> dict[str, int]:
    return await _alerts(state, principal)


@router.put(
    "/notifications/alerts/",
    operation_id="setAlerts",
    summary="Choose which projects the caller gets mail about",
    description="By project id: 1 for alerts by mail, 0 for none, -1 for the default. Others stay as they are.",
)
async def put_alerts(
    tenants: Annotated[list[int], Depends(mailing_tenants)],
    state: StateDep,
    principal: PrincipalDep,
    changes: ChangesDep,
    wanted: AlertSettings,
) -> dict[str, int]:
    chosen = {row_id(project): _is_on(value) for project, value in wanted.root.items()}
    await set_alerts(changes, int(principal.id), tenants, chosen)
    return await _alerts(state, principal)


async def _alerts(state: AppState, principal: Principal) -> dict[str, int]:
    rows = await state.database.read(list_alerts, int(principal.id), principal.tenants)
    return {str(row.project_id): int(row.alerts) for row in rows}


def _is_on(value: int | str | bool) -> bool:
    """Sentry's clients send numbers, also as text."""
    text = str(int(value) if isinstance(value, bool) else value)
    if text not in {"-1", "0", "1"}:
        raise BadRequest("An alert setting must be 1, 0 or -1.", code="invalid")
    return text != "0"
