"""Alert rules on discards, and on projects that fall silent."""

from typing import Annotated

from fastapi import APIRouter, Response
from hearback_contracts.config import OrganizationConfig
from hearback_fleet.access import ORGANIZATION_WRITE, PROJECT_WRITE, OrganizationScope, organization_scope
from hearback_fleet.audit import Audit, audit_by

from client_reports.api.deps import OrganizationReader, StateDep
from client_reports.api.params import RuleId
from client_reports.api.serializers import AlertRuleBody, AlertRuleDetail, AlertRuleView, rule_detail, rule_view
from client_reports.domain.alerts import AlertKind, RuleValues
from client_reports.domain.stats import InvalidStats, category_ids
from client_reports.errors import InvalidQuery
from client_reports.service import manage_alert_rules as rules
from client_reports.store.alert_rules import list_rules

router = APIRouter(prefix="/api/0/organizations/{organization}/alert-rules", tags=["alerts"])
Writer = Annotated[OrganizationScope, organization_scope(*ORGANIZATION_WRITE, *PROJECT_WRITE)]
AuditDep = Annotated[Audit, audit_by(Writer)]


@router.get("/", operation_id="listAlertRules", summary="List alert rules")
async def get_rules(app: StateDep, scope: OrganizationReader) -> list[AlertRuleView]:
    """Return the organization's rules with their status, oldest first."""
    async with app.database.connection(share=scope.organization.id) as connection:
        found = await list_rules(connection, scope.organization.id)
    return [rule_view(rule, scope.organization) for rule in found]


@router.post("/", operation_id="createAlertRule", summary="Add an alert rule", status_code=201)
async def create_rule(app: StateDep, scope: Writer, audit: AuditDep, body: AlertRuleBody) -> AlertRuleDetail:
    """Create a rule; it is evaluated within seconds."""
    rule = await rules.create_alert_rule(app, audit, scope.organization, _values(body, scope.organization))
    return rule_detail(rule, [], scope.organization)


@router.get("/{rule_id}/", operation_id="getAlertRule", summary="Get an alert rule with its history")
async def get_rule(app: StateDep, scope: OrganizationReader, rule_id: RuleId) -> AlertRuleDetail:
    """Return a rule with its status and latest changes."""
    found = await rules.get_alert_rule(app, scope.organization.id, rule_id)
    return rule_detail(found.rule, found.events, scope.organization)


@router.put("/{rule_id}/", operation_id="replaceAlertRule", summary="Replace an alert rule")
async def replace_rule(
    app: StateDep, scope: Writer, audit: AuditDep, rule_id: RuleId, body: AlertRuleBody
) -> AlertRuleDetail:
    """Replace a rule; its status is `ok` until it is evaluated."""
    values = _values(body, scope.organization)
    found = await rules.replace_alert_rule(app, audit, scope.organization, rule_id, values)
    return rule_detail(found.rule, found.events, scope.organization)


@router.delete("/{rule_id}/", operation_id="deleteAlertRule", summary="Delete an alert rule", status_code=204)
async def delete_rule(app: StateDep, scope: Writer, audit: AuditDep, rule_id: RuleId) -> Response:
    """Delete a rule with its history."""
    await rules.delete_alert_rule(app, audit, scope.organization, rule_id)
    return Response(status_code=204)


def _values(body: AlertRuleBody, organization: OrganizationConfig) -> RuleValues:
    """Return the rule to store; raise BadRequest for an unknown project or category."""
    project = organization.find_project(str(body.project))
    if project is None:
        raise InvalidQuery("The organization has no such project.")
    try:
        categories = category_ids([body.category] if body.category else [])
    except InvalidStats as error:
        raise InvalidQuery(str(error)) from error
    return RuleValues(
        project_id=project.id,
        name=body.name,
        kind=AlertKind(body.kind),
        threshold=body.threshold,
        reasons=tuple(body.reasons) if body.reasons else None,
        category=categories[0] if categories else None,
        enabled=body.enabled,
    )
