"""Limits per fixed window, counted in Valkey: one limiter for every service."""

from hearback_kit.limits.batches import Callback, LimitBatches, LimitCheck, RetryAfters, Role
from hearback_kit.limits.windows import FAILED_OPEN, PREFIX, Limit
