"""Look for due deliveries."""

from notifier.service.deliver_notices import DeliverNotices


class Deliver:
    """The periodic job."""

    def __init__(self, deliver: DeliverNotices) -> None:
        self._deliver = deliver

    async def run_once(self) -> None:
        """Deliver what is due."""
        await self._deliver.run_once()
