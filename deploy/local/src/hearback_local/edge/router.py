"""Routes requests to services by path."""

from collections.abc import Iterable, Mapping
from functools import lru_cache, partial

from hearback_contracts.routes import service_of
from hearback_kit.client_shares import ClientShares
from hearback_kit.http_server.channel import Channel
from hearback_kit.values.addresses import address_block

from hearback_local.edge import heads
from hearback_local.edge.proxied import ProxiedRequest
from hearback_local.edge.requests import Refusal, RequestHead
from hearback_local.edge.settings import EdgeSettings
from hearback_local.edge.upstream import Pool

# The service that serves connections itself once a request of it has come.
TAKES_OVER = "envelope-gateway"
TOO_MANY_BODIES = Refusal(429, "too_many_requests", "Too many large requests are being received; try again later.")


class Router:
    """Routes paths to services; answers `/healthz` and unknown paths itself.

    `channel` hands connections over to the gateway, while it is connected.
    """

    def __init__(self, ports: Mapping[str, int], settings: EdgeSettings) -> None:
        self.channel: Channel | None = None
        self._held_body_bytes_max = settings.held_body_bytes_max
        self._streams = ClientShares(settings.streamed_bodies_max, settings.streamed_bodies_per_address_max)
        self._find_service = lru_cache(maxsize=4096)(service_of)
        # The registry authenticates the tokens of all services: requests from outside must not keep it from that.
        self._pools = {
            name: Pool(
                name,
                port,
                connections_max=settings.registry_connections_max
                if name == "registry"
                else settings.upstream_connections_max,
                waiting_max=settings.registry_waiting_max if name == "registry" else 0,
                idle_max=settings.upstream_idle_max,
                connect_seconds_max=settings.connect_seconds_max,
            )
            for name, port in ports.items()
        }

    @property
    def pools(self) -> Iterable[Pool]:
        """The connection pools, one per service."""
        return self._pools.values()

    def may_hand_over(self, head: RequestHead) -> bool:
        """Return whether the connection may be handed over with a request."""
        return (
            self.channel is not None
            and bool(head.length)
            and self._holds_body(head)
            and head.is_plain
            and self._find_service(_path_of(head.target)) == TAKES_OVER
        )

    def hand_over(self, descriptor: int, data: bytes) -> bool:
        """Hand a connection and the bytes read from it over to the gateway; return whether that worked."""
        return self.channel is not None and self.channel.send(descriptor, data)

    def serve(self, request: ProxiedRequest, head: RequestHead, client_ip: str) -> None:
        """Forward a request to its service, or respond here."""
        path = _path_of(head.target)
        service = self._find_service(path)
        if service is None:
            self._answer_here(request, path)
            return
        pool = self._pools.get(service)
        if pool is None:
            request.fail(503, "unavailable", f"The service {service} is not running.", retry_seconds=5)
            return
        forwarded = heads.request_head(
            head.method, head.target, head.headers, client_ip=client_ip.encode(), chunked=head.is_chunked
        )
        if request.request_done or self._holds_body(head):
            request.forward(pool, forwarded, hold_body=True)
        elif self._streams.take(block := address_block(client_ip)):
            request.on_done = partial(self._streams.give_back, block)
            request.forward(pool, forwarded, hold_body=False)
        else:
            request.fail(*TOO_MANY_BODIES, retry_seconds=10)

    def _holds_body(self, head: RequestHead) -> bool:
        length = head.length
        return length is not None and length <= self._held_body_bytes_max and not head.expects_continue

    def _answer_here(self, request: ProxiedRequest, path: str) -> None:
        if path == "/healthz" and request.method in {b"GET", b"HEAD"}:
            request.answer(
                200, b"application/json", b'{"status":"ok"}', [heads.header(b"Cache-Control", b"no-store")]
            )
        else:
            request.fail(404, "not_found", "No service has this path.")


def _path_of(target: bytes) -> str:
    """Return the path of a request target: `/path?query`, or the same after a scheme and host."""
    path = target.split(b"?", 1)[0].split(b"#", 1)[0]
    if not path.startswith(b"/") and b"://" in path:
        path = b"/" + path.split(b"://", 1)[1].partition(b"/")[2]
    return path.decode("latin-1")
