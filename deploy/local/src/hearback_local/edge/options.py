"""The edge's limits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """The edge's limits. Times in seconds, sizes in bytes."""

    # Clients.
    connections_max: int = 8192
    connections_per_address_max: int = 1024
    pipelined_max: int = 64
    head_bytes_max: int = 64 * 1024
    head_seconds_max: float = 20.0
    keep_alive_seconds_max: float = 75.0
    # A body may take the grace, and a second more for each so many bytes, but not longer than the maximum.
    body_grace_seconds: float = 20.0
    body_bytes_per_second_min: float = 2048.0
    body_seconds_max: float = 900.0
    # Shorter bodies are forwarded once they are complete, so that slow clients occupy no service.
    held_body_bytes_max: int = 64 * 1024
    # Longer bodies occupy a connection to a service while they arrive; the rest of those is for short requests.
    streamed_bodies_max: int = 512
    streamed_bodies_per_address_max: int = 128
    idle_seconds_max: float = 60.0
    linger_seconds_max: float = 2.0
    linger_bytes_max: int = 512 * 1024 * 1024
    # Services.
    upstream_idle_seconds_max: float = 30.0
    upstream_connections_max: int = 1024
    upstream_idle_max: int = 64
    connect_seconds_max: float = 5.0
    # The process.
    sweep_seconds: float = 1.0
    stop_seconds_max: float = 10.0
