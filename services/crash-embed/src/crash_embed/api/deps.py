"""What the endpoint takes from the app."""

from dataclasses import dataclass

from hearback_fleet.configuration import Configuration
from hearback_fleet.quotas import ReportQuotas
from hearback_kit.clock import Clock
from hearback_kit.values.addresses import TrustedProxies

from crash_embed.service.check_limits import RequestLimits
from crash_embed.service.publish_report import ReportPublisher
from crash_embed.service.render_dialog import DialogScript
from crash_embed.settings import Settings


@dataclass(frozen=True, slots=True)
class AppState:
    """The state of the running app (`app.state.state`). `origins` are allowed for every project."""

    settings: Settings
    proxies: TrustedProxies
    origins: tuple[str, ...]
    configuration: Configuration
    limits: RequestLimits
    quotas: ReportQuotas
    publisher: ReportPublisher
    script: DialogScript
    clock: Clock
