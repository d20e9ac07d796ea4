"""Send a finished delivery again, or enable a stopped destination, on request."""

from hearback_contracts.config import ProjectConfig
from hearback_kit.errors import existing

from notifier.errors import NotResendable
from notifier.service.app_state import AppState
from notifier.store import destinations
from notifier.store.deliveries import Delivery, reopen
from notifier.store.delivery_log import find_delivery


async def resend_delivery(state: AppState, project: ProjectConfig, delivery_id: int) -> Delivery:
    """Make a delivery due again and enable its destination; raise NotFound or NotResendable."""
    now = state.clock.now()
    async with state.database.transaction() as connection:
        delivery = await reopen(connection, project.id, delivery_id, now)
        if delivery is None:
            existing(await find_delivery(connection, project.id, delivery_id))
            raise NotResendable
        await destinations.switch_on(connection, delivery.destination, now)
    return delivery


async def resume_destination(state: AppState, project: ProjectConfig, key: str) -> str:
    """Enable a destination of a project's deliveries; return its target. Raise NotFound."""
    now = state.clock.now()
    async with state.database.transaction() as connection:
        stopped = await destinations.list_stopped(connection, project.id, now, key=key)
        found = existing(next(iter(stopped), None))
        await destinations.switch_on(connection, key, now)
    return found.target
