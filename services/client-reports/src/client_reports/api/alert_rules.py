"""Rules that raise an alert when much is lost, or when a project falls silent."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from hearback_contracts.categories import DataCategory
from hearback_contracts.config import OrganizationConfig
from hearback_fleet.access import (
    EVENT_READ,
    ORGANIZATION_READ,
    ORGANIZATION_WRITE,
    PROJECT_READ,
    PROJECT_WRITE,
    OrganizationScope,
    organization_scope,
)
from hearback_kit.errors import BadRequest, NotFound

from client_reports.api.deps import AppState, StateDep
from client_reports.api.schemas import (
    AlertEventView,
    AlertRuleBody,
    AlertRuleDetail,
    AlertRuleView,
    wire_time,
)
from client_reports.domain.stats import InvalidStats, category_ids
from client_reports.errors import InvalidQuery, TooManyRules
from client_reports.store import alert_rules as store

router = APIRouter(prefix="/api/0/organizations/{organization}/alert-rules", tags=["alerts"])
Reader = Annotated[OrganizationScope, organization_scope(*ORGANIZATION_READ, *PROJECT_READ, *EVENT_READ)]
Writer = Annotated[OrganizationScope, organization_scope(*ORGANIZATION_WRITE, *PROJECT_WRITE)]
RuleId = Annotated[str, Path(description="Id of the rule.", pattern=r"^[0-9]{1,18}$")]


@router.get("/", operation_id="listAlertRules", summary="All rules of the organization")
async def get_rules(state: StateDep, scope: Reader) -> list[AlertRuleView]:
    """The rules, oldest first, with how they stand."""
    async with state.database.connection() as connection:
        rows = await store.list_rules(connection, scope.organization.id)
    return [AlertRuleView(**_fields(row, scope.organization)) for row in rows]


@router.post("/", operation_id="createAlertRule", summary="Add a rule", status_code=201)
async def create_rule(state: StateDep, scope: Writer, body: AlertRuleBody) -> AlertRuleDetail:
    """Add a rule; it is looked at within moments."""
    values = _values(body, scope.organization)
    async with state.database.transaction() as connection:
        count = await store.count_rules(connection, scope.organization.id)
        if count >= state.settings.rules_max:
            raise TooManyRules
        row = await store.create_rule(connection, values, state.clock.now())
    return AlertRuleDetail(**_fields(row, scope.organization), history=[])


@router.get("/{rule_id}/", operation_id="getAlertRule", summary="A rule with its history")
async def get_rule(state: StateDep, scope: Reader, rule_id: RuleId) -> AlertRuleDetail:
    """How a rule stands, and its latest changes."""
    async with state.database.connection() as connection:
        row = await store.find_rule(connection, scope.organization.id, int(rule_id))
        if row is None:
            raise NotFound
        return await _detail(state, connection, row, scope.organization)


@router.put("/{rule_id}/", operation_id="replaceAlertRule", summary="Replace a rule")
async def replace_rule(state: StateDep, scope: Writer, rule_id: RuleId, body: AlertRuleBody) -> AlertRuleDetail:
    """Replace a rule; it then stands at `ok` until it is looked at again."""
    values = _values(body, scope.organization)
    async with state.database.transaction() as connection:
        row = await store.change_rule(connection, scope.organization.id, int(rule_id), values)
        if row is None:
            raise NotFound
        return await _detail(state, connection, row, scope.organization)


@router.delete("/{rule_id}/", operation_id="deleteAlertRule", summary="Delete a rule", status_code=204)
async def delete_rule(state: StateDep, scope: Writer, rule_id: RuleId) -> Response:
    """Delete a rule with its history."""
    async with state.database.transaction() as connection:
        if not await store.delete_rule(connection, scope.organization.id, int(rule_id)):
            raise NotFound
    return Response(status_code=204)


async def _detail(state: AppState, connection: Any, row: Any, organization: OrganizationConfig) -> AlertRuleDetail:
    events = await store.list_events(connection, row.id, state.settings.alert_events_max)
    history = [AlertEventView(at=wire_time(event.at), status=event.status, value=event.value) for event in events]
    return AlertRuleDetail(**_fields(row, organization), history=history)


def _values(body: AlertRuleBody, organization: OrganizationConfig) -> dict[str, Any]:
    """The rule as it is stored; raises BadRequest for what does not exist."""
    texts = [body.name, *(body.reasons or ()), body.category or ""]
    if any("\x00" in text for text in texts):
        raise BadRequest("Null characters are not allowed.", code="null_characters")
    project = organization.find_project(str(body.project))
    if project is None:
        raise InvalidQuery("The organization has no such project.")
    try:
        categories = category_ids([body.category] if body.category else [])
    except InvalidStats as error:
        raise InvalidQuery(str(error)) from error
    return {
        "organization_id": organization.id,
        "project_id": project.id,
        "name": body.name,
        "kind": body.kind,
        "threshold": body.threshold,
        "reasons": body.reasons or None,
        "category": categories[0] if categories else None,
        "enabled": body.enabled,
    }


def _fields(row: Any, organization: OrganizationConfig) -> dict[str, Any]:
    project = organization.find_project(str(row.project_id))
    return {
        "id": str(row.id),
        "name": row.name,
        "project": project.slug if project else str(row.project_id),
        "projectId": str(row.project_id),
        "kind": row.kind,
        "threshold": row.threshold,
        "reasons": row.reasons,
        "category": None if row.category is None else str(DataCategory(row.category)),
        "enabled": row.enabled,
        "dateCreated": wire_time(row.created_at),
        "status": row.status,
        "value": row.value,
        "lastEvaluated": wire_time(row.evaluated_at) if row.evaluated_at else None,
        "lastTriggered": wire_time(row.triggered_at) if row.triggered_at else None,
        "lastResolved": wire_time(row.resolved_at) if row.resolved_at else None,
    }
