"""API tokens of an organization: created with scopes, shown once, revoked."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from hearback_contracts.roles import SCOPES
from hearback_kit.api.paging import PageRequest
from hearback_kit.api.params import RowId
from hearback_kit.errors import BadRequest, ServiceError
from hearback_web import Flash, Form, FormDep, SignedInDep, redirect
from hearback_web.texts import gettext as _

from registry.domain.fields import NAME_LENGTH_MAX
from registry.domain.roles import WRITE_SCOPES
from registry.pages.deps import (
    OrganizationPage,
    PageDep,
    StateDep,
    first_organization,
    listing,
    organization_page,
    wrong_field,
)
from registry.service import manage_tokens
from registry.service.manage_tokens import NewToken
from registry.store.tokens import Token, list_tokens

router = APIRouter(include_in_schema=False)

DAYS_MAX: Final = 3_650
_PATH: Final = "/settings/{organization}/tokens/"
ReadDep = Annotated[OrganizationPage, organization_page(*sorted(SCOPES))]
WriteDep = Annotated[OrganizationPage, organization_page(*sorted(WRITE_SCOPES))]
TokenId = Annotated[RowId, Path()]


@router.get("/settings/account/api/auth-tokens/")
async def find(request: Request, state: StateDep, person: SignedInDep) -> Response:
    """Redirect to the tokens of the person's first organization."""
    organization = await first_organization(state, person)
    return redirect(request, f"/settings/{organization.slug}/tokens/" if organization else "/")


@router.get(_PATH)
async def show(page: PageDep, scope: ReadDep) -> Response:
    """List the tokens that the person may see."""
    return await _page(page, scope)


@router.post(_PATH)
async def create(form: FormDep, page: PageDep, scope: WriteDep) -> Response:
    """Create a token. Only the response shows its secret."""
    days = form.text("days", length_max=10)
    try:
        expires_at = None
        if days:
            if not (days.isascii() and days.isdigit() and 1 <= int(days) <= DAYS_MAX):
                raise BadRequest(_("A token is valid for 1 to {} days.").format(DAYS_MAX), code="invalid_days")
            expires_at = scope.state.clock.now() + timedelta(days=int(days))
        if not form.getlist("scopes"):
            raise BadRequest(_("Choose at least one scope."))
        name = form.text("name", length_max=NAME_LENGTH_MAX) or _("API token")
        wanted = NewToken(name, frozenset(form.getlist("scopes")), expires_at)
        secret, token = await manage_tokens.create_token(scope.changes, scope.authority, wanted)
    except ServiceError as error:
        return await _page(page, scope, problem=error, given=form)
    return await _page(page, scope, created=token, secret=secret)


@router.post(_PATH + "{token}/revoke/")
async def revoke(_form: FormDep, scope: WriteDep, token: TokenId) -> Response:
    await manage_tokens.revoke_token(scope.changes, scope.authority, token)
    return scope.redirect("tokens/", Flash(_("The token is revoked.")))


async def _page(
    page: PageRequest,
    scope: OrganizationPage,
    *,
    problem: ServiceError | None = None,
    given: Form | None = None,
    created: Token | None = None,
    secret: str | None = None,
) -> Response:
    authority = scope.authority
    rows = await scope.state.database.read(
        list_tokens, scope.organization.id, authority.only_user_id, authority.scopes, page.window
    )
    return scope.render(
        "tokens.html",
        error=problem,
        wrong=wrong_field(problem, "days"),
        given=given or {},
        **listing(page, rows),
        now=scope.state.clock.now(),
        scopes=sorted(scope.person.scopes),
        chosen=["event:read", "project:read", "org:read"] if given is None else given.getlist("scopes"),
        created=created,
        secret=secret,
        may_change=scope.may(WRITE_SCOPES),
    )
