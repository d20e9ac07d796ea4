"""The edge's limits, from the environment (`HEARBACK_EDGE_...`)."""

from functools import cached_property

from hearback_kit.http_server.limits import HttpLimits
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class EdgeSettings(BaseSettings):
    """The limits of the edge. Times in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="HEARBACK_EDGE_", frozen=True)

    connections_max: int = Field(
        8192, ge=1, description="Open connections of clients; at most half of the files it may open."
    )
    connections_per_address_max: int = Field(
        1024, ge=1, description="Open connections of one client address, or of one IPv6 /64."
    )
    pipelined_max: int = Field(64, ge=1, description="Requests of a connection that wait for earlier answers.")
    head_bytes_max: int = Field(64 * 1024, ge=1024, description="Target and headers of a request.")
    head_seconds_max: float = Field(20.0, gt=0, description="Time a client may take to send the headers.")
    keep_alive_seconds_max: float = Field(75.0, gt=0, description="Time a connection may be idle.")
    body_grace_seconds: float = Field(20.0, gt=0, description="Time a body may take however short it is.")
    body_bytes_per_second_min: float = Field(
        2048.0, gt=0, description="Minimum rate of a body: this many bytes extend its time by a second."
    )
    body_seconds_max: float = Field(900.0, gt=0, description="Total time a body may take.")
    held_body_bytes_max: int = Field(
        64 * 1024, ge=0, description="Bodies up to this size are forwarded once they are complete."
    )
    streamed_bodies_max: int = Field(512, ge=1, description="Longer bodies that may arrive at the same time.")
    streamed_bodies_per_address_max: int = Field(128, ge=1, description="The same, for one client address.")
    idle_seconds_max: float = Field(60.0, gt=0, description="Time without progress of a request or answer.")
    linger_seconds_max: float = Field(
        2.0, gt=0, description="Time to read an error after which a client keeps sending."
    )
    linger_bytes_max: int = Field(
        512 * 1024 * 1024, ge=0, description="Bytes that are discarded after such an error before it is cut off."
    )
    upstream_connections_max: int = Field(1024, ge=1, description="Connections to one service.")
    registry_connections_max: int = Field(
        32, ge=1, description="Connections to the registry; what services ask it does not pass the edge."
    )
    registry_waiting_max: int = Field(4096, ge=0, description="Requests that wait for one of those.")
    upstream_idle_max: int = Field(64, ge=0, description="Idle connections kept to one service.")
    upstream_idle_seconds_max: float = Field(30.0, gt=0, description="Time such a connection is kept.")
    connect_seconds_max: float = Field(5.0, gt=0, description="Time to connect to a service.")
    sweep_seconds: float = Field(1.0, gt=0, description="Interval at which deadlines are checked.")
    stop_seconds_max: float = Field(10.0, gt=0, description="Time running requests may take when the edge stops.")

    @cached_property
    def request_limits(self) -> HttpLimits:
        """The limits of the time that a client takes for a head or body."""
        return HttpLimits(
            head_seconds_max=self.head_seconds_max,
            body_grace_seconds=self.body_grace_seconds,
            body_bytes_per_second_min=self.body_bytes_per_second_min,
            body_seconds_max=self.body_seconds_max,
        )
