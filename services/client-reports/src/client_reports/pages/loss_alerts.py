"""A project's alert rules on losses and silence: list, add, change, delete."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from hearback_contracts.categories import DataCategory
from hearback_fleet.access import PROJECT_WRITE
from hearback_fleet.audit import Audit, audit_by
from hearback_kit.api.params import RowId
from hearback_kit.errors import NotFound
from hearback_web import Flash, Form, FormDep, ProjectPageScope, Undo, read_edit, redirect
from hearback_web.texts import gettext as _
from starlette.responses import Response

from client_reports.domain.alerts import AlertKind, RuleValues
from client_reports.domain.stats import InvalidStats, category_ids
from client_reports.errors import TooManyRules
from client_reports.pages.deps import PAGES, RulesReader, RulesWriter, StateDep
from client_reports.service import manage_alert_rules as rules
from client_reports.service.app_state import AppState
from client_reports.store.alert_rules import AlertRule, list_rules

THRESHOLD_MAX: Final = 1e18
_NAME_LENGTH_MAX: Final = 200
_REASONS_MAX: Final = 50
_THOUSANDS: Final = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?\Z")
# The fields that are texts, with the characters that are read of them.
_TEXTS: Final = {"name": 1_000, "kind": 50, "threshold": 50, "reasons": 20_000, "category": 100}
_CATEGORIES: Final = ("error", "feedback", "transaction", "session", "replay", "attachment_item", "log_item")
router = APIRouter(include_in_schema=False)
PATH: Final = "/settings/{organization}/projects/{project}/loss-alerts/"
RuleParam = Annotated[RowId, Path()]
AuditDep = Annotated[Audit, audit_by(RulesWriter)]


@dataclass(frozen=True, slots=True)
class Given:
    """The form of a rule; invalid values are kept as text, to be shown again."""

    name: str = ""
    kind: str = AlertKind.DISCARDS.value
    threshold: str = ""
    reasons: str = ""
    category: str = ""
    enabled: bool = True

    @classmethod
    def of_form(cls, form: Form) -> "Given":
        """Return what was submitted."""
        texts = {name: form.text(name, length_max=length_max) for name, length_max in _TEXTS.items()}
        return cls(**texts, enabled=form.is_on("enabled"))

    @classmethod
    def of_rule(cls, rule: AlertRule) -> "Given":
        """Return the form of a stored rule."""
        values = rule.values
        category = "" if values.category is None else str(DataCategory(values.category))
        reasons = "\n".join(values.reasons or ())
        threshold = repr(values.threshold).removesuffix(".0")
        return cls(values.name, values.kind.value, threshold, reasons, category, values.enabled)

    def check(self) -> dict[str, str]:
        """Return error messages by field."""
        wrong = {}
        if not 0 < len(self.name) <= _NAME_LENGTH_MAX:
            wrong["name"] = _("Give it a name of at most {} characters.").format(_NAME_LENGTH_MAX)
        if self.kind not in set(AlertKind):
            wrong["kind"] = _("Choose what it watches.")
        if not 0 < self.number <= THRESHOLD_MAX:
            wrong["threshold"] = _("Give a number above zero.")
        if len(self.reason_list) > _REASONS_MAX or any(len(one) > _NAME_LENGTH_MAX for one in self.reason_list):
            wrong["reasons"] = _("At most {} reasons, each of at most {} characters.").format(
                _REASONS_MAX, _NAME_LENGTH_MAX
            )
        if self.category and self.category_id is None:
            wrong["category"] = _("Choose a data category.")
        return wrong

    @property
    def number(self) -> float:
        """The threshold; 0 if it is not a number."""
        try:
            value = float(self.threshold.replace(",", "" if _THOUSANDS.match(self.threshold) else "."))
        except ValueError:
            return 0.0
        return value if math.isfinite(value) else 0.0

    @property
    def reason_list(self) -> list[str]:
        """The reasons, one per line."""
        return [line.strip() for line in self.reasons.splitlines() if line.strip()]

    @property
    def category_id(self) -> int | None:
        """The category's id; None for all, and for an unknown one."""
        try:
            return category_ids([self.category])[0] if self.category else None
        except InvalidStats:
            return None

    def values(self, project_id: int) -> RuleValues:
        """Return the rule of a valid form."""
        return RuleValues(
            project_id=project_id,
            name=self.name,
            kind=AlertKind(self.kind),
            threshold=self.number,
            reasons=tuple(self.reason_list) or None,
            category=self.category_id,
            enabled=self.enabled,
        )


@router.get(PATH)
async def rules_page(request: Request, state: StateDep, scope: RulesReader) -> Response:
    """Show the project's rules, with a form for a new one."""
    return await _list_page(request, state, scope, Given())


@router.post(PATH)
async def create_rule(
    request: Request, state: StateDep, scope: RulesWriter, audit: AuditDep, form: FormDep
) -> Response:
    """Create a rule, or show the form with errors."""
    given = Given.of_form(form)
    wrong = given.check()
    if wrong:
        return await _list_page(request, state, scope, given, wrong, status=400)
    try:
        await rules.create_alert_rule(state, audit, scope.organization, given.values(scope.project.id))
    except TooManyRules as error:
        return await _list_page(request, state, scope, given, {"name": error.detail}, status=error.status)
    return redirect(request, f"{scope.settings_path}loss-alerts/", Flash(_("The rule watches from now on.")))


@router.get(PATH + "{rule_id}/")
async def rule_page(request: Request, state: StateDep, scope: RulesReader, rule_id: RuleParam) -> Response:
    """Show a rule with its history and form."""
    found = await _find(state, scope, rule_id)
    return _rule_page(request, scope, found, Given.of_rule(found.rule))


@router.post(PATH + "{rule_id}/")
async def change_rule(
    request: Request, state: StateDep, scope: RulesWriter, audit: AuditDep, rule_id: RuleParam, form: FormDep
) -> Response:
    """Change a rule, or delete it (`action` is `delete`)."""
    found = await _find(state, scope, rule_id)
    if form.get("action") == "delete":
        await rules.delete_alert_rule(state, audit, scope.organization, found.rule.id)
        before = Given.of_rule(found.rule)
        fields = {name: getattr(before, name) for name in _TEXTS}
        undo = Undo(f"{scope.settings_path}loss-alerts/", fields | ({"enabled": "1"} if before.enabled else {}))
        return redirect(request, f"{scope.settings_path}loss-alerts/", Flash(_("The rule is deleted."), undo=undo))
    stored = asdict(Given.of_rule(found.rule))
    edit = read_edit(
        form, asdict(Given.of_form(form)), stored, {"kind": _kinds(), "category": dict(_categories())}
    )
    given = Given(**edit.values)
    wrong = edit.conflicts or given.check()
    if wrong:
        status = 409 if edit.conflicts else 400
        return _rule_page(request, scope, found, given, wrong, status)
    values = given.values(scope.project.id)
    await rules.replace_alert_rule(state, audit, scope.organization, found.rule.id, values)
    flash = Flash(_("Saved. The rule is looked at again in a moment."))
    return redirect(request, f"{scope.settings_path}loss-alerts/", flash)


async def _find(state: AppState, scope: ProjectPageScope, rule_id: int) -> rules.RuleWithHistory:
    """Return a rule of the project; raise NotFound."""
    found = await rules.get_alert_rule(state, scope.organization.id, rule_id)
    if found.rule.values.project_id != scope.project.id:
        raise NotFound
    return found


async def _list_page(
    request: Request,
    state: AppState,
    scope: ProjectPageScope,
    given: Given,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    async with state.database.connection(share=scope.organization.id) as connection:
        found = await list_rules(connection, scope.organization.id)
    own = [rule for rule in found if rule.values.project_id == scope.project.id]
    return _page(request, "loss_alerts.html", scope, given, wrong, status, rules=own)


def _rule_page(
    request: Request,
    scope: ProjectPageScope,
    found: rules.RuleWithHistory,
    given: Given,
    wrong: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    stored = asdict(Given.of_rule(found.rule))
    return _page(request, "loss_alert.html", scope, given, wrong, status, stored=stored, **found._asdict())


def _kinds() -> dict[str, str]:
    return {
        AlertKind.DISCARDS: _("SDKs drop many in an hour"),
        AlertKind.DISCARD_SHARE: _("SDKs drop a large share"),
        AlertKind.SILENCE: _("Nothing comes in any more"),
    }


def _categories() -> list[tuple[str, str]]:
    return [("", _("Any data")), *((name, name.replace("_", " ")) for name in _CATEGORIES)]


def _page(
    request: Request,
    template: str,
    scope: ProjectPageScope,
    given: Given,
    wrong: Mapping[str, str] | None = None,
    status: int = 200,
    **values: Any,
) -> Response:
    return PAGES.render(
        request,
        template,
        status,
        project=scope.project,
        base=f"{scope.settings_path}loss-alerts/",
        given=given,
        wrong=wrong or {},
        may_change=scope.may(PROJECT_WRITE),
        kinds=_kinds(),
        units={
            AlertKind.DISCARDS: _("an hour"),
            AlertKind.DISCARD_SHARE: _("of what was accepted"),
            AlertKind.SILENCE: _("hours"),
        },
        categories=_categories(),
        **values,
    )
