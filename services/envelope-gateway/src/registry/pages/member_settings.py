"""Members of an organization: invitations, roles, removal."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response
from hearback_contracts.roles import ROLES
from hearback_kit.api.paging import PageRequest
from hearback_kit.api.params import RowId
from hearback_kit.errors import BadRequest, Conflict, ServiceError, existing
from hearback_web import Flash, FormDep, read_edit
from hearback_web.texts import gettext as _

from registry.domain.fields import EMAIL_LENGTH_MAX, EMAIL_PATTERN
from registry.domain.roles import scopes_beyond
from registry.pages.deps import OrganizationPage, PageDep, listing, organization_page, wrong_field
from registry.service import invite_member as inviting
from registry.service import manage_members
from registry.store.members import Member, find_member, list_members

router = APIRouter(include_in_schema=False)

MEMBER_READ: Final = ("member:read", "member:write", "member:admin")
MEMBER_WRITE: Final = ("member:write", "member:admin")
_PATH: Final = "/settings/{organization}/members/"
ReadDep = Annotated[OrganizationPage, organization_page(*MEMBER_READ)]
WriteDep = Annotated[OrganizationPage, organization_page(*MEMBER_WRITE)]
MemberId = Annotated[RowId, Path()]


def role_texts() -> dict[str, str]:
    """Return descriptions of roles by name."""
    return {
        "viewer": _("sees everything, changes nothing"),
        "member": _("works with feedback"),
        "admin": _("also changes projects and their keys"),
        "manager": _("also changes the organization and its members"),
        "owner": _("also decides about owners"),
    }


@router.get(_PATH)
async def show(page: PageDep, scope: ReadDep) -> Response:
    return await _page(page, scope)


@router.post(_PATH)
async def invite(form: FormDep, page: PageDep, scope: WriteDep) -> Response:
    """Invite a person. Without a mail server, the response (and only it) shows the link."""
    email, role = form.text("email", length_max=EMAIL_LENGTH_MAX), form.get("role", "member")
    try:
        if not re.fullmatch(EMAIL_PATTERN, email) or role not in ROLES:
            raise BadRequest(_("Give an e-mail address and a role."), code="invalid_email")
        member, link = await inviting.invite_member(scope.changes, scope.authority, email=email, role=role)
    except ServiceError as error:
        return await _page(page, scope, problem=error, given={"email": email, "role": role})
    if link is None:
        return scope.redirect("members/", Flash(_("The invitation of {} is on its way.").format(member.email)))
    return await _page(page, scope, invited=member, link=link)


@router.post(_PATH + "{member}/")
async def change(form: FormDep, page: PageDep, scope: WriteDep, member: MemberId) -> Response:
    """Give a member another role (`role`), or an invitation a new link (`reinvite`)."""
    try:
        if form.is_on("reinvite"):
            found, link = await inviting.renew_invitation(scope.changes, scope.authority, member)
            if link is not None:
                return await _page(page, scope, invited=found, link=link)
            text = _("The invitation of {} is on its way again.").format(found.email)
        else:
            role = form.get("role", "")
            if role not in ROLES:
                raise BadRequest(_("There is no such role."))
            found = existing(await scope.state.database.read(find_member, scope.organization.id, member))
            edit = read_edit(form, {"role": role}, {"role": found.role})
            if edit.conflicts:
                detail = _("The role of {} was changed meanwhile, to {}. Choose again to replace it.")
                raise Conflict(detail.format(found.email, found.role))
            if edit.changed:
                found = await manage_members.update_role(scope.changes, scope.authority, member, role)
            text = _("{} is {} now.").format(found.name or found.email, found.role)
    except ServiceError as error:
        return await _page(page, scope, problem=error)
    return scope.redirect("members/", Flash(text))


@router.post(_PATH + "{member}/remove/")
async def remove(_form: FormDep, page: PageDep, scope: WriteDep, member: MemberId) -> Response:
    """Remove a member, or withdraw an invitation."""
    try:
        await manage_members.remove_member(scope.changes, scope.authority, member)
    except ServiceError as error:
        return await _page(page, scope, problem=error)
    return scope.redirect("members/", Flash(_("Removed.")))


async def _page(
    page: PageRequest,
    scope: OrganizationPage,
    *,
    problem: ServiceError | None = None,
    given: dict[str, str] | None = None,
    invited: Member | None = None,
    link: str | None = None,
) -> Response:
    rows = await scope.state.database.read(list_members, scope.organization.id, page.window)
    scopes, texts = scope.person.scopes, role_texts()
    return scope.render(
        "members.html",
        error=problem,
        wrong=wrong_field(problem, "email") if given else {},
        **listing(page, rows),
        now=scope.state.clock.now(),
        roles=[(role, texts[role]) for role in ROLES if _may_give(role, scopes)],
        role_texts=texts,
        given=given or {"email": "", "role": "member"},
        invited=invited,
        link=link,
        is_mailed=scope.state.settings.mails_invitations,
        own_id=int(scope.person.principal.id),
        may_change=scope.may(MEMBER_WRITE),
    )


def _may_give(role: str, scopes: frozenset[str]) -> bool:
    return not scopes_beyond(role, scopes) and (role != "owner" or "org:admin" in scopes)
