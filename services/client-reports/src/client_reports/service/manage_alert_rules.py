"""Create, replace and delete alert rules, within the limits per organization and project."""

from collections.abc import Sequence
from typing import NamedTuple

from hearback_kit.db import Connection, Database
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


async def create_alert_rule(state: AppState, organization_id: int, values: RuleValues) -> AlertRule:
    """Create a rule; raise TooManyRules at the limit of the organization or the project."""
    settings = state.settings
    async with state.database.transaction() as connection:
        of_organization, of_project = await store.count_rules(connection, organization_id, values.project_id)
        if of_organization >= settings.rules_max or of_project >= settings.rules_per_project_max:
            raise TooManyRules
        return await store.create_rule(connection, organization_id, values, state.clock.now())


async def get_alert_rule(state: AppState, organization_id: int, rule_id: int) -> RuleWithHistory:
    """Return a rule with its history; raise NotFound."""
    async with state.database.connection(share=organization_id) as connection:
        rule = await store.find_rule(connection, organization_id, rule_id)
        return await _with_history(state, connection, rule)


async def replace_alert_rule(
    state: AppState, organization_id: int, rule_id: int, values: RuleValues
) -> RuleWithHistory:
    """Replace a rule, whose status is `ok` until it is evaluated; raise NotFound or TooManyRules."""
    async with state.database.transaction() as connection:
        before = existing(await store.find_rule(connection, organization_id, rule_id))
        if before.values.project_id != values.project_id:
            _, of_project = await store.count_rules(connection, organization_id, values.project_id)
            if of_project >= state.settings.rules_per_project_max:
                raise TooManyRules
        rule = await store.replace_rule(connection, organization_id, rule_id, values)
        return await _with_history(state, connection, rule)


async def delete_alert_rule(database: Database, organization_id: int, rule_id: int) -> None:
    """Delete a rule with its history; raise NotFound."""
    if not await database.write(store.delete_rule, organization_id, rule_id):
        raise NotFound


async def _with_history(state: AppState, connection: Connection, rule: AlertRule | None) -> RuleWithHistory:
    rule = existing(rule)
    return RuleWithHistory(rule, await store.list_events(connection, rule.id, state.settings.alert_events_max))
