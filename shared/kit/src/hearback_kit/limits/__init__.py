"""Limits per fixed window, counted in Valkey: one limiter for every service."""

from hearback_kit.limits.batches import LimitBatches
from hearback_kit.limits.checks import LimitCheck, RetryAfters, Role
from hearback_kit.limits.windows import FAILED_OPEN, PREFIX, Limit
