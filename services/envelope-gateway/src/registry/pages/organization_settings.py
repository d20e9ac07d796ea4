"""Settings of an organization: name, slug and flags."""

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, Response
from hearback_contracts.flags import Feature
from hearback_fleet.access import ORGANIZATION_WRITE
from hearback_kit.errors import BadRequest, Conflict, ServiceError
from hearback_web import Flash, FormDep, read_edit, redirect
from hearback_web.texts import gettext as _

from registry.domain.fields import NAME_LENGTH_MAX, SLUG_LENGTH_MAX
from registry.domain.options import features_with_defaults
from registry.pages.deps import OrganizationPage, OrganizationReadDep, OrganizationWriteDep, saved, wrong_field
from registry.service.update_organization import update_organization
from registry.store.organizations import Organization

router = APIRouter(include_in_schema=False)

_PATH: Final = "/settings/{organization}/"


def feature_texts() -> list[tuple[Feature, str, str]]:
    """Return the flags with labels and descriptions."""
    return [
        (
            Feature.INGEST,
            _("Accept feedback"),
            _("Off: whatever SDKs and forms send is refused, and each refusal is recorded with its reason."),
        ),
        (
            Feature.UI,
            _("Show the feedback pages"),
            _("Off: inbox and reports are hidden for everybody, and the API says so. Feedback still arrives."),
        ),
        (
            Feature.VISIBLE,
            _("Show feedback in lists"),
            _("Off: lists and counts are empty. Nothing is deleted; switched on again, everything is there."),
        ),
        (
            Feature.SPAM_FILTER_INGEST,
            _("Judge new feedback for spam"),
            _("Off: nothing is judged. On: each project can still be left out in its own settings."),
        ),
        (
            Feature.SPAM_FILTER_ACTIONS,
            _("Keep spam out of the inbox and the mail"),
            _("Off: the verdict is shown, and spam is treated like any other feedback. It is never deleted."),
        ),
    ]


@router.get(_PATH)
async def show(scope: OrganizationReadDep) -> Response:
    """Show the settings, read-only without write scopes."""
    return _page(scope)


@router.post(_PATH)
async def save(form: FormDep, scope: OrganizationWriteDep) -> Response:
    """Save one `part`: name and slug, or the flags."""
    if form.get("part") == "features":
        features = {feature.value: form.is_on(feature.value) for feature in Feature}
        flags = read_edit(form, features, features_with_defaults(scope.organization.features))
        changes = {name: features[name] for name in features if name in flags.changed}
        await update_organization(scope.changes, scope.organization, {}, changes)
        return scope.redirect("", saved())
    given = {
        "name": form.text("name", length_max=NAME_LENGTH_MAX),
        "slug": form.text("slug", length_max=SLUG_LENGTH_MAX),
    }
    edit = read_edit(form, given, _stored(scope.organization))
    if edit.conflicts:
        return _page(scope, edit.values, Conflict(), edit.conflicts)
    if not edit.values["name"]:
        error = BadRequest(_("An organization needs a name."), code="invalid_name")
        return _page(scope, edit.values, error)
    values = {name: edit.values[name] for name in edit.changed}
    try:
        changed = await update_organization(scope.changes, scope.organization, values, {})
    except ServiceError as error:
        return _page(scope, edit.values, error)
    return redirect(scope.request, f"/settings/{changed.slug}/", Flash(_("Saved.")))


def _stored(organization: Organization) -> dict[str, str]:
    return {"name": organization.name, "slug": organization.slug}


def _page(
    scope: OrganizationPage,
    given: Mapping[str, str] | None = None,
    error: ServiceError | None = None,
    conflicts: Mapping[str, str] | None = None,
) -> Response:
    organization = scope.organization
    return scope.render(
        "organization_settings.html",
        error=error,
        stored=_stored(organization),
        given=given or _stored(organization),
        wrong=conflicts or wrong_field(error, "name", "slug"),
        features=[(feature.value, label, text) for feature, label, text in feature_texts()],
        flags=features_with_defaults(organization.features),
        may_change=scope.may(ORGANIZATION_WRITE),
    )
