"""Read a request's line and headers."""

from dataclasses import dataclass

from hearback_kit.values.addresses import TrustedProxies
from starlette.requests import Request

from crash_embed.domain.parameters import parse_query

_HEADER_CHARACTERS_MAX = 4_096


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """A request before its body is read. `origin` is the header as sent, "" without one."""

    method: str
    parameters: dict[str, str]
    query: str
    origin: str
    referer: str | None
    accept: str
    accept_language: str
    accepts_gzip: bool
    if_none_match: str
    asks_w3c_headers: bool
    address: str | None

    @property
    def accepts_script(self) -> bool:
        """Whether `Accept` names `text/javascript`."""
        return "text/javascript" in self.accept


def parse_request(request: Request, proxies: TrustedProxies) -> EmbedRequest:
    """Read a request's line and headers; trusted proxies may report the client's address."""
    headers = request.headers
    query: bytes = request.scope.get("query_string", b"")
    peer = request.client.host if request.client else None
    return EmbedRequest(
        method=request.method,
        parameters=parse_query(query),
        query=query.decode("utf-8", "replace"),
        origin=headers.get("origin", ""),
        referer=headers.get("referer"),
        accept=headers.get("accept", ""),
        accept_language=headers.get("accept-language", "")[:_HEADER_CHARACTERS_MAX],
        accepts_gzip="gzip" in headers.get("accept-encoding", ""),
        if_none_match=headers.get("if-none-match", "")[:_HEADER_CHARACTERS_MAX],
        asks_w3c_headers="traceparent" in headers.get("access-control-request-headers", "").lower(),
        address=proxies.client_address(peer, request.scope["headers"]),
    )
