"""Add, change, delete and test a project's notification rules."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from hearback_contracts.audit import AuditEvent
from hearback_contracts.config import ProjectConfig
from hearback_fleet.audit import Audit, changes_between
from hearback_kit.db import Database
from hearback_kit.db.rows import Window
from hearback_kit.errors import NotFound, existing
from hearback_kit.values.ids import new_id

from notifier.clients.outbound import OutboundCalls, TargetRefused
from notifier.domain.mail import is_address
from notifier.domain.notice import Sender, of_test
from notifier.domain.recipients import Channel, NotificationRule, rule_destination
from notifier.domain.webhook import SECRET_PREFIX
from notifier.errors import InvalidTarget, TooManyRules
from notifier.service.app_state import AppState
from notifier.store import destinations, notification_rules
from notifier.store.batches import NewNotices, store_notices
from notifier.store.delivery_log import list_deliveries

_SECRET_BYTES: Final = 24


async def list_rules(database: Database, project_id: int) -> Sequence[tuple[NotificationRule, str | None]]:
    """Return a project's rules, oldest first, each with why nothing is sent to its target any more, or None."""
    async with database.connection() as connection:
        rules = await notification_rules.list_rules(connection, project_id)
        keys = [rule_destination(rule).key for rule in rules]
        reasons = await destinations.find_reasons(connection, keys)
    return [(rule, reasons.get(key)) for rule, key in zip(rules, keys, strict=True)]


async def add_rule(
    state: AppState, audit: Audit, project: ProjectConfig, values: Mapping[str, Any]
) -> NotificationRule:
    """Create a rule with a new secret; raise InvalidTarget, or TooManyRules at the limit."""
    await _check_target(state.calls, project, values)
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    row = {**values, "organization_id": project.organization_id, "project_id": project.id, "secret": secret}
    rules_max = state.settings.rules_max
    async with state.unit_of_work.begin() as work:
        connection = work.connection
        if await notification_rules.count_rules(connection, project.id) >= rules_max:
            raise TooManyRules(f"A project has at most {rules_max} notification rules.")
        rule = await notification_rules.insert_rule(connection, row, state.clock.now())
        event, settings = AuditEvent.NOTIFICATION_RULE_CREATED, _audited(values)
        audit(work, event, project.id, rule.id, name=rule.name, project=project.slug, settings=settings)
    return rule


async def change_rule(
    state: AppState, audit: Audit, project: ProjectConfig, rule_id: int, values: Mapping[str, Any]
) -> NotificationRule:
    """Change a rule and enable its destination; raise InvalidTarget or NotFound."""
    await _check_target(state.calls, project, values)
    async with state.unit_of_work.begin() as work:
        connection = work.connection
        before = existing(await notification_rules.find_rule(connection, project.id, rule_id))
        rule = existing(await notification_rules.update_rule(connection, project.id, rule_id, values))
        await destinations.switch_on(connection, rule_destination(rule).key, state.clock.now())
        if changes := _changes(before, values):
            event = AuditEvent.NOTIFICATION_RULE_EDITED
            audit(work, event, project.id, rule.id, name=before.name, project=project.slug, changes=changes)
    return rule


async def remove_rule(state: AppState, audit: Audit, project: ProjectConfig, rule_id: int) -> None:
    """Delete a rule; raise NotFound."""
    async with state.unit_of_work.begin() as work:
        connection = work.connection
        rule = existing(await notification_rules.find_rule(connection, project.id, rule_id))
        if not await notification_rules.delete_rule(connection, project.id, rule_id):
            raise NotFound
        event = AuditEvent.NOTIFICATION_RULE_REMOVED
        audit(work, event, project.id, rule_id, name=rule.name, project=project.slug)


async def send_test(state: AppState, project: ProjectConfig, rule_id: int) -> int:
    """Store a test delivery to a rule's target, due at once; return its id. Raise NotFound."""
    test_id = new_id()
    new = NewNotices(state.clock.now())
    async with state.database.transaction() as connection:
        rule = existing(await notification_rules.find_rule(connection, project.id, rule_id))
        destination = replace(rule_destination(rule), digest_minutes=0)
        await destinations.switch_on(connection, destination.key, new.at)
        notice = of_test(test_id, Sender(project, state.settings.public_url), new.at)
        new.add(project, notice, [destination])
        await store_notices(connection, new, state.settings)
        found = await list_deliveries(connection, project.id, Window(1), subject_id=test_id)
    return found[0].id


async def _check_target(calls: OutboundCalls, project: ProjectConfig, values: Mapping[str, Any]) -> None:
    """Raise InvalidTarget for an invalid e-mail address, or a URL that may not be called."""
    target = values["target"]
    if values["channel"] == Channel.EMAIL:
        if not is_address(target):
            raise InvalidTarget("The target is not an e-mail address.")
        return
    try:
        await calls.check(target, project.organization_id)
    except TargetRefused as error:
        raise InvalidTarget(f"The target cannot be used: {error}.") from error


def _changes(before: NotificationRule, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what differs, as the audit log shows it."""
    stored = {name: getattr(before, name) for name in values}
    stored |= {name: list(value) for name, value in stored.items() if isinstance(value, tuple)}
    different = changes_between(stored, values)
    return {
        name: {
            "old": _audited({"channel": before.channel, name: change["old"]})[name],
            "new": _audited({"channel": values.get("channel", before.channel), name: change["new"]})[name],
        }
        for name, change in different.items()
    }


def _audited(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a rule without what may be secret: the path of a webhook's URL often is."""
    shown = dict(values)
    if "target" in shown and values["channel"] == Channel.WEBHOOK:
        shown["target"] = _server_of(values["target"])
    return shown


def _server_of(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:  # a stored URL that was accepted before such ones were refused
        return "…"
    return f"{parts.scheme}://{parts.hostname}/…"
