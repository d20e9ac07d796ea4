"""Send a finished delivery again, or enable a stopped destination, on request."""

from datetime import datetime

from hearback_contracts.config import ProjectConfig
from hearback_kit.db import Database
from hearback_kit.errors import NotFound, existing

from notifier.errors import NotResendable
from notifier.store import destinations
from notifier.store.deliveries import Delivery, reopen
from notifier.store.delivery_log import find_delivery


async def resend_delivery(database: Database, project: ProjectConfig, delivery_id: int, at: datetime) -> Delivery:
    """Make a delivery due again and enable its destination; raise NotFound or NotResendable."""
    async with database.transaction() as connection:
        delivery = await reopen(connection, project.id, delivery_id, at)
        if delivery is None:
            if await find_delivery(connection, project.id, delivery_id) is None:
                raise NotFound
            raise NotResendable
        await destinations.switch_on(connection, delivery.destination, at)
    return delivery


async def resume_destination(database: Database, project: ProjectConfig, key: str, at: datetime) -> str:
    """Enable a destination of a project's deliveries; return its target. Raise NotFound."""
    async with database.transaction() as connection:
        stopped = await destinations.list_stopped(connection, project.id, at)
        found = existing(next((one for one in stopped if one.key == key), None))
        await destinations.switch_on(connection, key, at)
    return found.target
