"""Add, change, delete and test a project's notification rules."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from hearback_contracts.config import ProjectConfig
from hearback_kit.db import Database
from hearback_kit.db.rows import Window
from hearback_kit.errors import NotFound, existing
from hearback_kit.values.ids import new_id

from notifier.clients.outbound import OutboundCalls, TargetRefused
from notifier.domain.mail import is_address
from notifier.domain.notice import of_test
from notifier.domain.recipients import Channel, NotificationRule, rule_destination
from notifier.domain.webhook import SECRET_PREFIX
from notifier.errors import InvalidTarget, TooManyRules
from notifier.service.address_notices import deliveries_of
from notifier.store import destinations, notification_rules
from notifier.store.deliveries import insert_deliveries
from notifier.store.delivery_log import list_deliveries

_SECRET_BYTES: Final = 24


async def check_target(calls: OutboundCalls, channel: Channel, target: str) -> None:
    """Raise InvalidTarget for an invalid e-mail address, or a URL that may not be called."""
    if channel is Channel.EMAIL:
        if not is_address(target):
            raise InvalidTarget("The target is not an e-mail address.")
        return
    try:
        await calls.check(target)
    except TargetRefused as error:
        raise InvalidTarget(f"The target cannot be used: {error}.") from error


async def add_rule(
    database: Database, project: ProjectConfig, values: Mapping[str, Any], *, rules_max: int, at: datetime
) -> NotificationRule:
    """Create a rule with a new secret; raise TooManyRules at the limit."""
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    row = {**values, "organization_id": project.organization_id, "project_id": project.id, "secret": secret}
    async with database.transaction() as connection:
        if await notification_rules.count_rules(connection, project.id) >= rules_max:
            raise TooManyRules(f"A project has at most {rules_max} notification rules.")
        return await notification_rules.insert_rule(connection, row, at)


async def change_rule(
    database: Database, project: ProjectConfig, rule_id: int, values: Mapping[str, Any], at: datetime
) -> NotificationRule:
    """Change a rule and enable its destination; raise NotFound."""
    async with database.transaction() as connection:
        rule = existing(await notification_rules.update_rule(connection, project.id, rule_id, values))
        await destinations.switch_on(connection, rule_destination(rule).key, at)
    return rule


async def remove_rule(database: Database, project: ProjectConfig, rule_id: int) -> None:
    """Delete a rule; raise NotFound."""
    async with database.transaction() as connection:
        if not await notification_rules.delete_rule(connection, project.id, rule_id):
            raise NotFound


async def send_test(
    database: Database, project: ProjectConfig, rule_id: int, public_url: str, at: datetime
) -> int:
    """Store a test delivery to a rule's target, due at once; return its id. Raise NotFound."""
    test_id = new_id()
    async with database.transaction() as connection:
        rule = existing(await notification_rules.find_rule(connection, project.id, rule_id))
        destination = replace(rule_destination(rule), digest_minutes=0)
        await destinations.switch_on(connection, destination.key, at)
        notice = of_test(test_id, project, public_url, at)
        await insert_deliveries(connection, deliveries_of(notice, project, [destination]), at)
        found = await list_deliveries(connection, project.id, Window(1), subject_id=test_id)
    return found[0].id
