"""Options of a consumer: batches, deadlines and limits."""

from dataclasses import dataclass
from typing import Final, Self

from hearback_kit.bus.backlog import Backlog
from hearback_kit.bus.holding import Holding
from hearback_kit.bus.read_barrier import ConsumerBarrier
from hearback_kit.settings import ServiceSettings
from hearback_kit.valkey import BLOCK_MS_MAX

REMOTE_GATHER_MS_MAX: Final = 300
_BLOCK_MS_MIN: Final = 100


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """Options of a consumer. A batch may take a third of `idle_ms_min`, after which others claim it.

    Messages are read `read_max` at a time until there are `batch_max`, or they have `batch_bytes_max` bytes, so
    that very many large ones fit into memory.

    `gather_ms_max` is the maximum linger: how long a message waits, under load, for more to be handled with it. A
    consumer pauses when `dead_letter_tenants_min` tenants fail, each of which may have that fraction of
    `retries_waiting_max`, or, with fewer tenants, after `dead_letters_in_a_row_max` dead letters without a
    success. `barrier` and `holding` are not shared by consumers. A helper handles batches while there is a
    `backlog`, which it shares with the consumers it helps.
    """

    batch_max: int = 256
    batch_bytes_max: int = 32 << 20
    read_max: int = 128
    gather_ms_max: int = 0
    block_ms: int = BLOCK_MS_MAX
    idle_ms_min: int = 30_000
    deliveries_max: int = 5
    retry_seconds_first: float = 0.5
    retry_seconds_max: float = 30.0
    outage_seconds: float = 1.0
    retries_waiting_max: int = 10_000
    retries_per_turn_max: int = 32
    dead_letters_per_minute_max: int = 100
    dead_letter_tenants_min: int = 5
    dead_letters_in_a_row_max: int = 20
    forget_consumers_ms: int = 86_400_000
    barrier: ConsumerBarrier | None = None
    holding: Holding | None = None
    backlog: Backlog | None = None
    is_helper: bool = False

    @classmethod
    def of(cls, settings: ServiceSettings, *, batch_max: int, has_remote_readers: bool = False) -> Self:
        """Return the options in a service's settings.

        With `has_remote_readers`, readers are in another process and cannot end the linger, so it is shorter.
        """
        remote_ms_max = REMOTE_GATHER_MS_MAX if has_remote_readers else settings.gather_ms_max
        return cls(
            batch_max=batch_max,
            gather_ms_max=min(settings.gather_ms_max, remote_ms_max),
            idle_ms_min=settings.consumer_idle_ms_min,
            deliveries_max=settings.deliveries_max,
            backlog=Backlog(),
        )

    @property
    def block_ms_max(self) -> int:
        """Maximum time that a read blocks; between reads, messages of dead consumers are claimed."""
        return min(self.block_ms, max(_BLOCK_MS_MIN, self.idle_ms_min // 5))

    @property
    def retries_per_tenant_max(self) -> int:
        """Maximum of a tenant's messages that wait for a retry; others become dead letters immediately."""
        return max(1, self.retries_waiting_max // self.dead_letter_tenants_min)

    @property
    def batch_seconds_max(self) -> float:
        """Timeout of a handler for a batch."""
        return self.idle_ms_min / 3_000
