"""Create, replace and delete alert rules, within the limits per organization and project."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from hearback_contracts.audit import AuditEvent
from hearback_contracts.categories import DataCategory
from hearback_contracts.config import OrganizationConfig
from hearback_fleet.audit import Audit, changes_between
from hearback_kit.db import Connection
from hearback_kit.errors import NotFound, existing

from client_reports.domain.alerts import RuleValues
from client_reports.errors import TooManyRules
from client_reports.service.app_state import AppState
from client_reports.store import alert_rules as store
from client_reports.store.alert_rules import AlertEvent, AlertRule


class RuleWithHistory(NamedTuple):
    """A rule and its latest changes of status, newest first."""

    rule: AlertRule
    events: Sequence[AlertEvent]


async def create_alert_rule(
    state: AppState, audit: Audit, organization: OrganizationConfig, values: RuleValues
) -> AlertRule:
    """Create a rule; raise TooManyRules at the limit of the organization or the project."""
    settings = state.settings
    async with state.unit_of_work.begin() as work:
        connection = work.connection
        of_organization, of_project = await store.count_rules(connection, organization.id, values.project_id)
        if of_organization >= settings.rules_max or of_project >= settings.rules_per_project_max:
            raise TooManyRules
        rule = await store.create_rule(connection, organization.id, values, state.clock.now())
        shown = _audited(values, organization)
        event = AuditEvent.ALERT_RULE_CREATED
        named = {"name": values.name, "project": shown["project"]}
        audit(work, event, values.project_id, rule.id, **named, settings=shown)
    return rule


async def get_alert_rule(state: AppState, organization_id: int, rule_id: int) -> RuleWithHistory:
    """Return a rule with its history; raise NotFound."""
    async with state.database.connection(share=organization_id) as connection:
        rule = await store.find_rule(connection, organization_id, rule_id)
        return await _with_history(state, connection, rule)


async def replace_alert_rule(
    state: AppState, audit: Audit, organization: OrganizationConfig, rule_id: int, values: RuleValues
) -> RuleWithHistory:
    """Replace a rule, whose status is `ok` until it is evaluated; raise NotFound or TooManyRules."""
    async with state.unit_of_work.begin() as work:
        connection = work.connection
        before = existing(await store.find_rule(connection, organization.id, rule_id))
        if before.values.project_id != values.project_id:
            _, of_project = await store.count_rules(connection, organization.id, values.project_id)
            if of_project >= state.settings.rules_per_project_max:
                raise TooManyRules
        rule = await store.replace_rule(connection, organization.id, rule_id, values)
        found = await _with_history(state, connection, rule)
        shown = _audited(before.values, organization)
        if changes := changes_between(shown, _audited(values, organization)):
            event = AuditEvent.ALERT_RULE_EDITED
            named = {"name": before.values.name, "project": shown["project"]}
            audit(work, event, before.values.project_id, rule_id, **named, changes=changes)
    return found


async def delete_alert_rule(state: AppState, audit: Audit, organization: OrganizationConfig, rule_id: int) -> None:
    """Delete a rule with its history; raise NotFound."""
    async with state.unit_of_work.begin() as work:
        connection = work.connection
        before = existing(await store.find_rule(connection, organization.id, rule_id))
        if not await store.delete_rule(connection, organization.id, rule_id):
            raise NotFound
        named = {"name": before.values.name, "project": organization.project_slug(before.values.project_id)}
        audit(work, AuditEvent.ALERT_RULE_REMOVED, before.values.project_id, rule_id, **named)


def _audited(values: RuleValues, organization: OrganizationConfig) -> dict[str, Any]:
    """Return a rule as the audit log shows it."""
    return {
        "name": values.name,
        "project": organization.project_slug(values.project_id),
        "kind": str(values.kind),
        "threshold": values.threshold,
        "reasons": list(values.reasons) if values.reasons else None,
        "category": None if values.category is None else str(DataCategory(values.category)),
        "enabled": values.enabled,
    }


async def _with_history(state: AppState, connection: Connection, rule: AlertRule | None) -> RuleWithHistory:
    rule = existing(rule)
    return RuleWithHistory(rule, await store.list_events(connection, rule.id, state.settings.alert_events_max))
