"""Create, replace and delete alert rules, within the limits per organization and project."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from hearback_kit.db import Database
from hearback_kit.errors import NotFound, existing

from client_reports.domain.alerts import RuleValues
from client_reports.errors import TooManyRules
from client_reports.store import alert_rules as store
from client_reports.store.alert_rules import AlertEvent, AlertRule


class RuleWithHistory(NamedTuple):
    """A rule and its latest changes of status, newest first."""

    rule: AlertRule
    events: Sequence[AlertEvent]


async def create_alert_rule(
    database: Database,
    organization_id: int,
    values: RuleValues,
    *,
    organization_max: int,
    project_max: int,
    now: datetime,
) -> AlertRule:
    """Create a rule; raise TooManyRules at the limit of the organization or the project."""
    async with database.transaction() as connection:
        of_organization, of_project = await store.count_rules(connection, organization_id, values.project_id)
        if of_organization >= organization_max or of_project >= project_max:
            raise TooManyRules
        return await store.create_rule(connection, organization_id, values, now)


async def get_alert_rule(
    database: Database, organization_id: int, rule_id: int, *, events_max: int
) -> RuleWithHistory:
    """Return a rule with its history; raise NotFound."""
    async with database.connection(share=organization_id) as connection:
        rule = existing(await store.find_rule(connection, organization_id, rule_id))
        return RuleWithHistory(rule, await store.list_events(connection, rule_id, events_max))


async def replace_alert_rule(
    database: Database,
    organization_id: int,
    rule_id: int,
    values: RuleValues,
    *,
    project_max: int,
    events_max: int,
) -> RuleWithHistory:
    """Replace a rule, whose status is `ok` until it is evaluated; raise NotFound or TooManyRules."""
    async with database.transaction() as connection:
        before = existing(await store.find_rule(connection, organization_id, rule_id))
        if before.values.project_id != values.project_id:
            _, of_project = await store.count_rules(connection, organization_id, values.project_id)
            if of_project >= project_max:
                raise TooManyRules
        rule = existing(await store.replace_rule(connection, organization_id, rule_id, values))
        return RuleWithHistory(rule, await store.list_events(connection, rule_id, events_max))


async def delete_alert_rule(database: Database, organization_id: int, rule_id: int) -> None:
    """Delete a rule with its history; raise NotFound."""
    async with database.transaction() as connection:
        if not await store.delete_rule(connection, organization_id, rule_id):
            raise NotFound
