"""Enable or disable a member's alerts for projects, also by a signed link in a mail."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hearback_kit.db import Database
from hearback_kit.errors import NotFound, existing
from hearback_kit.signing import Signer

from registry.service.change_configuration import Changes
from registry.store import alerts
from registry.store.alerts import Subscriber


@dataclass(frozen=True, slots=True)
class Subscription:
    """An account's alerts for a project."""

    user_id: int
    project_id: int


class UnsubscribeLinks:
    """Creates and verifies tokens of unsubscribe links; a token does not expire."""

    def __init__(self, secret: str, public_url: str) -> None:
        self._signer = Signer(secret, "hearback unsubscribe")
        self._prefix = f"{public_url.rstrip('/')}/unsubscribe/"

    def url(self, subscription: Subscription) -> str:
        """Return the link for a mail's `List-Unsubscribe` header."""
        token = self._signer.sign(f"{subscription.user_id}.{subscription.project_id}")
        return f"{self._prefix}{token}/"

    def read(self, token: str) -> Subscription:
        """Return the subscription of a token; raise NotFound for a forged one."""
        user_id, project_id = existing(self._signer.read(token)).split(".")
        return Subscription(int(user_id), int(project_id))


async def set_alerts(
    changes: Changes, user_id: int, organization_ids: Iterable[int], wanted: Mapping[int, bool]
) -> None:
    """Set an account's alerts by project id; raise NotFound for a project of another organization."""
    async with changes.begin() as change:
        known = await alerts.list_alerts(change.connection, user_id, organization_ids)
        before = {setting.project_id: setting.alerts for setting in known}
        if not wanted.keys() <= before.keys():
            raise NotFound
        for is_on in (True, False):
            chosen = [project_id for project_id, value in wanted.items() if value is is_on]
            await alerts.set_alerts(change.connection, user_id, chosen, is_on, change.now)
        for project_id, is_on in wanted.items():
            if before[project_id] is not is_on:
                change.touch_project(project_id)  # what is published stays; the notifier asks for recipients again


async def unsubscribe(changes: Changes, subscription: Subscription) -> Subscriber | None:
    """Disable alerts by a link in a mail; return None for a former member, who gets none."""
    found = await find_subscription(changes.database, subscription)
    if found is None:
        return None
    async with changes.by(subscription.user_id, "unsubscribe link").begin() as change:
        await alerts.set_alerts(
            change.connection, subscription.user_id, [subscription.project_id], False, change.now
        )
        change.touch_project(subscription.project_id)
    return found


async def find_subscription(database: Database, subscription: Subscription) -> Subscriber | None:
    """Return the subscriber of a subscription, or None for a former member."""
    return await database.read(alerts.find_subscriber, subscription.user_id, subscription.project_id)
