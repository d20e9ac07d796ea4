"""Rate limits per project and client address."""

from hearback_kit.limits import Limit, LimitBatches
from hearback_kit.values.addresses import address_block

from crash_embed.settings import Settings


class RequestLimits:
    """Rate limits of scripts and of forms, per project and per address (IPv6: per /64)."""

    def __init__(self, limiter: LimitBatches, settings: Settings) -> None:
        self._limiter = limiter
        self._window = settings.limit_window_seconds
        self._scripts = (settings.scripts_per_project_max, settings.scripts_per_address_max)
        self._posts = (settings.posts_per_project_max, settings.posts_per_address_max)

    async def retry_after(self, project_id: int, address: str | None, *, is_post: bool) -> int:
        """Count a request; return the seconds to wait, 0 if it is allowed."""
        kind, (per_project, per_address) = ("posts", self._posts) if is_post else ("scripts", self._scripts)
        window = self._window
        limits = [Limit(f"embed:{kind}:project:{project_id}", per_project, window, shift=project_id % window)]
        if address:
            limits.append(Limit(f"embed:{kind}:address:{address_block(address)}", per_address, window))
        return await self._limiter.retry_after(*limits)
