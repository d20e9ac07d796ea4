"""A project's notification rules: list, form, test and removal."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from hearback_fleet.access import PROJECT_WRITE
from hearback_kit.db.rows import Window
from hearback_kit.errors import existing
from hearback_web import Flash, FormDep, ProjectPageScope, read_edit, redirect
from hearback_web.texts import gettext as _
from hearback_web.words import delivery_words, source_words
from starlette.responses import Response

from notifier.domain.recipients import NotificationRule, rule_destination
from notifier.errors import InvalidTarget, TooManyRules
from notifier.pages.deps import PAGES, SETTINGS, AuditDep, Reader, RuleId, StateDep, Writer
from notifier.pages.rule_forms import RuleForm, fields_of, form_of, kind_labels, read_rule, with_fields
from notifier.service.app_state import AppState
from notifier.service.manage_rules import add_rule, change_rule, list_rules, remove_rule, send_test
from notifier.store import destinations
from notifier.store.delivery_log import list_deliveries
from notifier.store.notification_rules import find_rule
from notifier.store.tables import PENDING

router = APIRouter(prefix=f"{SETTINGS}/alerts", include_in_schema=False)
LATEST_SHOWN = 10


@router.get("/")
async def show_rules(request: Request, state: StateDep, scope: Reader) -> Response:
    """Show the rules, oldest first."""
    rules = await list_rules(state.database, scope.project.id)
    return PAGES.render(
        request,
        "alerts.html",
        project=scope.project,
        rules=rules,
        base=f"{scope.settings_path}alerts/",
        may_write=scope.may(PROJECT_WRITE),
        is_full=len(rules) >= state.settings.rules_max,
        rules_max=state.settings.rules_max,
        per_minute=state.settings.burst_per_minute,
        source_labels=source_words(),
    )


@router.get("/new/")
async def show_new(request: Request, scope: Writer) -> Response:
    """Show the empty form."""
    return _form_page(request, scope, RuleForm())


@router.post("/new/")
async def create(request: Request, state: StateDep, scope: Writer, audit: AuditDep, form: FormDep) -> Response:
    """Create a rule, or show the form with errors."""
    read = read_rule(form)
    if read.errors:
        return _form_page(request, scope, read, status=400)
    try:
        rule = await add_rule(state, audit, scope.project, read.values)
    except (InvalidTarget, TooManyRules) as error:
        field = "target" if isinstance(error, InvalidTarget) else "name"
        return _form_page(request, scope, replace(read, errors={field: error.detail}), status=error.status)
    url = f"{scope.settings_path}alerts/{rule.id}/"
    return redirect(request, url, Flash(_("The rule is added. Send a test to see that it arrives.")))


@router.get("/{rule_id}/")
async def show_rule(request: Request, state: StateDep, scope: Writer, rule_id: RuleId) -> Response:
    """Show a rule's form with its latest deliveries."""
    rule = await _find(state, scope, rule_id)
    return await _rule_page(request, state, scope, rule, form_of(rule))


@router.post("/{rule_id}/")
async def save(
    request: Request, state: StateDep, scope: Writer, audit: AuditDep, rule_id: RuleId, form: FormDep
) -> Response:
    """Change a rule, or show the form with errors."""
    rule = await _find(state, scope, rule_id)
    edit = read_edit(form, fields_of(read_rule(form)), fields_of(form_of(rule)), {"kind": dict(kind_labels())})
    read = with_fields(edit.values)
    if edit.conflicts:
        read = replace(read, errors=edit.conflicts)
        return await _rule_page(request, state, scope, rule, read, status=409)
    if read.errors:
        return await _rule_page(request, state, scope, rule, read, status=400)
    try:
        await change_rule(state, audit, scope.project, rule_id, read.values)
    except InvalidTarget as error:
        refused = replace(read, errors={"target": error.detail})
        return await _rule_page(request, state, scope, rule, refused, status=error.status)
    return redirect(request, f"{scope.settings_path}alerts/", Flash(_("The rule is saved.")))


@router.post("/{rule_id}/test/")
async def send(request: Request, state: StateDep, scope: Writer, rule_id: RuleId, _form: FormDep) -> Response:
    """Send a test; the rule's page shows the result."""
    await send_test(state, scope.project, rule_id)
    return redirect(request, f"{scope.settings_path}alerts/{rule_id}/#deliveries")


@router.post("/{rule_id}/delete/")
async def delete(
    request: Request, state: StateDep, scope: Writer, audit: AuditDep, rule_id: RuleId, _form: FormDep
) -> Response:
    await remove_rule(state, audit, scope.project, rule_id)
    return redirect(request, f"{scope.settings_path}alerts/", Flash(_("The rule is deleted.")))


async def _find(state: AppState, scope: ProjectPageScope, rule_id: int) -> NotificationRule:
    return existing(await state.database.read(find_rule, scope.project.id, rule_id))


def _form_page(
    request: Request,
    scope: ProjectPageScope,
    form: RuleForm,
    *,
    status: int = 200,
    rule: NotificationRule | None = None,
    **values: Any,
) -> Response:
    return PAGES.render(
        request,
        "alert.html",
        status,
        project=scope.project,
        form=form,
        rule=rule,
        stored=fields_of(form_of(rule)) if rule else None,
        kind_labels=kind_labels(),
        source_labels=source_words(),
        base=f"{scope.settings_path}alerts/",
        **values,
    )


async def _rule_page(
    request: Request,
    state: AppState,
    scope: ProjectPageScope,
    rule: NotificationRule,
    form: RuleForm,
    *,
    status: int = 200,
) -> Response:
    key = rule_destination(rule).key
    async with state.database.connection() as connection:
        reasons = await destinations.find_reasons(connection, [key])
        latest = await list_deliveries(connection, scope.project.id, Window(LATEST_SHOWN), rule_id=rule.id)
    return _form_page(
        request,
        scope,
        form,
        status=status,
        rule=rule,
        block="latest" if "hx-request" in request.headers else None,
        off_reason=reasons.get(key),
        latest=latest,
        waits=any(one.state == PENDING and one.attempts == 0 for one in latest[:1]),
        state_labels=delivery_words(),
        log=f"{scope.settings_path}deliveries/",
    )
