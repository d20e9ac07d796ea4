"""A project's feedback options: mails, spam, and the crash-report dialog with a preview."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from hearback_contracts.flags import Feature
from hearback_contracts.options import Option
from hearback_fleet.access import PROJECT_WRITE
from hearback_kit.errors import ServiceError
from hearback_web import FormDep, redirect
from hearback_web.texts import gettext as _

from registry.domain.options import features_with_defaults, with_defaults
from registry.pages.deps import ProjectPage, ProjectReadDep, ProjectWriteDep, StateDep, render, saved
from registry.service.update_project import update_project

router = APIRouter(include_in_schema=False)

COLOUR_LENGTH_MAX: Final = 7
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
async def show(request: Request, scope: ProjectReadDep) -> Response:
    return _page(request, scope, with_defaults(scope.project.options))


@router.post(_PATH)
async def save(request: Request, state: StateDep, form: FormDep, scope: ProjectWriteDep) -> Response:
    """Save the options of one `part`: handling of feedback, or the dialog."""
    options: dict[str, Any]
    if form.get("part") == "dialog":
        options = {option.value: form.get(option.value, "") for option in _CHOICES}
        has_accent = form.is_on("accent")
        accent = form.text(Option.DIALOG_ACCENT.value, length_max=COLOUR_LENGTH_MAX)
        options[Option.DIALOG_ACCENT.value] = accent if has_accent else ""
        options[Option.BRANDING.value] = form.is_on(Option.BRANDING.value)
    else:
        options = {option.value: form.is_on(option.value) for option in _HANDLING}
    try:
        await update_project(state.changes, scope.actor, scope.project, {}, options)
    except ServiceError as error:
        return _page(request, scope, with_defaults(scope.project.options) | options, error.detail)
    return redirect(request, f"{scope.path}user-feedback/", saved())


def _page(request: Request, scope: ProjectPage, options: dict[str, Any], problem: str | None = None) -> Response:
    project = scope.project
    required = [("required", _("Required")), ("optional", _("Optional")), ("hidden", _("Hidden"))]
    return render(
        request,
        "feedback_settings.html",
        400 if problem else 200,
        project=project,
        options=options,
        handling=handling_texts(),
        required=required,
        themes=[("auto", _("As the visitor's system")), ("light", _("Light")), ("dark", _("Dark"))],
        judges_spam=features_with_defaults(project.features)[Feature.SPAM_FILTER_INGEST.value],
        preview_url=f"/organizations/{project.organization_slug}/projects/{project.slug}/modal-preview/",
        problem=problem,
        may_change=not scope.person.scopes.isdisjoint(PROJECT_WRITE),
        csp={"frame-src": "'self'"},
    )
