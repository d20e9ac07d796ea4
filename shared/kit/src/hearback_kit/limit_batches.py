"""The names of before, until the gateway uses those of `hearback_kit.limits`."""

from hearback_kit.limits import Callback, LimitBatches, LimitCheck, RetryAfters, Role

Demand = LimitCheck
Waits = RetryAfters
Told = Callback

__all__ = ["Demand", "LimitBatches", "Role", "Told", "Waits"]
