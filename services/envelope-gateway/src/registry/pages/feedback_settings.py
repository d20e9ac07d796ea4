"""A project's feedback options: mails, spam, and the crash-report dialog with a preview."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Response
from hearback_contracts.flags import Feature
from hearback_contracts.options import Option
from hearback_fleet.access import PROJECT_WRITE
from hearback_kit.errors import ServiceError
from hearback_web import Edit, FormDep, read_edit
from hearback_web.texts import gettext as _

from registry.domain.options import features_with_defaults, with_defaults
from registry.pages.deps import ProjectPage, ProjectReadDep, ProjectWriteDep, saved
from registry.service.update_project import update_project
from registry.store.projects import Project

router = APIRouter(include_in_schema=False)

FIELD_LENGTH_MAX: Final = 100
_COLOUR: Final = "#6c5fc7"  # what the field begins with, without a colour of one's own
_PATH: Final = "/settings/{organization}/projects/{project}/user-feedback/"
_HANDLING: Final = (
    Option.USER_REPORT_NOTIFICATIONS,
    Option.MAIL_REPLY_TO,
    Option.SPAM_DETECTION,
    Option.FILTER_GARBAGE_MESSAGES,
)
_CHOICES: Final = (Option.DIALOG_NAME, Option.DIALOG_EMAIL, Option.DIALOG_THEME)


def handling_texts() -> list[tuple[Option, str, str]]:
    """Return the options of the first part with labels and descriptions."""
    return [
        (
            Option.USER_REPORT_NOTIFICATIONS,
            _("Enable Crash Report Notifications"),
            _("Mail the team about reports from the crash-report dialog and older SDKs, too."),
        ),
        (
            Option.MAIL_REPLY_TO,
            _("Replies go to the person"),
            _("Whoever answers a mail about feedback writes to its sender, not to Hearback."),
        ),
        (
            Option.SPAM_DETECTION,
            _("Enable Spam Detection"),
            _("Judge new feedback. It needs the organization's flag, too. Spam is kept apart, never deleted."),
        ),
        (
            Option.FILTER_GARBAGE_MESSAGES,
            _("Refuse empty and placeholder reports"),
            _("Reports without words, or with only “test” and the like. Each refusal is recorded."),
        ),
    ]


@router.get(_PATH)
async def show(scope: ProjectReadDep) -> Response:
    return _page(scope, _stored(scope.project))


@router.post(_PATH)
async def save(form: FormDep, scope: ProjectWriteDep) -> Response:
    """Save the options of one `part`: handling of feedback, or the dialog."""
    part = "dialog" if form.get("part") == "dialog" else "handling"
    stored = _stored(scope.project)
    given = {
        name: form.is_on(name) if isinstance(value, bool) else form.text(name, length_max=FIELD_LENGTH_MAX)
        for name, value in stored[part].items()
    }
    edit = read_edit(form, given, stored[part], _labels())
    parts = stored | {part: edit.values}
    if edit.conflicts:
        status = 200 if "hx-request" in scope.request.headers else 409  # htmx shows no answer with an error
        return _page(scope, parts, status, wrong=edit.conflicts)
    try:
        await update_project(scope.changes, scope.project, {}, _options(edit))
    except ServiceError as error:
        return _page(scope, parts, 400, problem=error.detail)
    return scope.redirect("user-feedback/", saved())


def _stored(project: Project) -> dict[str, Mapping[str, Any]]:
    """Return the forms of what is stored, by part."""
    options = with_defaults(project.options)
    colour = options[Option.DIALOG_ACCENT]
    return {
        "handling": {option.value: options[option] for option in _HANDLING},
        "dialog": {
            **{option.value: options[option] for option in _CHOICES},
            "accent": colour != "",
            Option.DIALOG_ACCENT.value: (colour or _COLOUR).lower(),
            Option.BRANDING.value: options[Option.BRANDING],
        },
    }


def _options(edit: Edit) -> dict[str, Any]:
    """Return the options of the changed fields; the colour is stored while its switch is on."""
    colour = Option.DIALOG_ACCENT.value
    options = {name: edit.values[name] for name in edit.changed - {"accent"}}
    if not edit.changed.isdisjoint({"accent", colour}):
        options[colour] = edit.values[colour] if edit.values["accent"] else ""
    return options


def _presence() -> list[tuple[str, str]]:
    return [("required", _("Required")), ("optional", _("Optional")), ("hidden", _("Hidden"))]


def _themes() -> list[tuple[str, str]]:
    return [("auto", _("As the visitor's system")), ("light", _("Light")), ("dark", _("Dark"))]


def _labels() -> dict[str, dict[str, str]]:
    return {
        Option.DIALOG_NAME.value: dict(_presence()),
        Option.DIALOG_EMAIL.value: dict(_presence()),
        Option.DIALOG_THEME.value: dict(_themes()),
    }


def _page(
    scope: ProjectPage,
    parts: Mapping[str, Mapping[str, Any]],
    status: int = 200,
    *,
    problem: str | None = None,
    wrong: Mapping[str, str] | None = None,
) -> Response:
    project = scope.project
    return scope.render(
        "feedback_settings.html",
        status,
        stored=_stored(project),
        given={**parts["handling"], **parts["dialog"]},
        wrong=wrong or {},
        handling=handling_texts(),
        required=_presence(),
        themes=_themes(),
        judges_spam=features_with_defaults(project.features)[Feature.SPAM_FILTER_INGEST.value],
        preview_url=f"/organizations/{project.organization_slug}/projects/{project.slug}/modal-preview/",
        problem=problem,
        may_change=scope.may(PROJECT_WRITE),
        csp={"frame-src": "'self'"},
    )
