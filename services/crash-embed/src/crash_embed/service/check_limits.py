"""Rate limits per project and client address."""

from enum import StrEnum

from hearback_kit.limits import Limit, LimitBatches
from hearback_kit.values.addresses import address_block

from crash_embed.settings import Settings


class Kind(StrEnum):
    """What is limited by itself; refused scripts take nothing from those of allowed pages."""

    SCRIPT = "scripts"
    REFUSED_SCRIPT = "refused-scripts"
    FORM = "posts"


class RequestLimits:
    """Rate limits of scripts and of forms, per project and per address (IPv6: per /64)."""

    def __init__(self, limiter: LimitBatches, settings: Settings) -> None:
        self._limiter = limiter
        self._window = settings.limit_window_seconds
        scripts = (settings.scripts_per_project_max, settings.scripts_per_address_max)
        posts = (settings.posts_per_project_max, settings.posts_per_address_max)
        self._most = {Kind.SCRIPT: scripts, Kind.REFUSED_SCRIPT: scripts, Kind.FORM: posts}

    async def retry_after(self, kind: Kind, project_id: int, address: str | None) -> int:
        """Count a request; return the seconds to wait, 0 if it is allowed."""
        (per_project, per_address), window = self._most[kind], self._window
        limits = [Limit(f"embed:{kind}:project:{project_id}", per_project, window, shift=project_id % window)]
        if address:
            limits.append(Limit(f"embed:{kind}:address:{address_block(address)}", per_address, window))
        return await self._limiter.retry_after(*limits)
