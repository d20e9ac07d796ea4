"""One request: what its line and headers say."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import Request

from crash_embed.domain.parameters import parse_query

Networks = Sequence[IPv4Network | IPv6Network]
_HEADER_CHARACTERS_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Ask:
    """A request before its body is read. `origin` is the header as sent, "" without one."""

    method: str
    parameters: dict[str, str]
    url: str
    origin: str
    referer: str | None
    accept: str
    accept_language: str
    accepts_gzip: bool
    if_none_match: str
    address: str | None

    @property
    def accepts_script(self) -> bool:
        """Whether `Accept` names `text/javascript`."""
        return "text/javascript" in self.accept


def read_ask(request: Request, trusted: Networks) -> Ask:
    """Take a request apart; proxies are believed when they are in `trusted`."""
    headers = request.headers
    query: bytes = request.scope.get("query_string", b"")
    peer = request.client.host if request.client else None
    is_proxied = _is_trusted(peer, trusted)
    proto = headers.get("x-forwarded-proto", "").split(",")[0].strip().lower() if is_proxied else ""
    scheme = proto if proto in {"http", "https"} else request.scope.get("scheme", "http")
    address = _client(peer, ",".join(headers.getlist("x-forwarded-for")), trusted) if is_proxied else peer
    path = request.scope.get("raw_path") or request.scope["path"].encode()
    target = path.split(b"?", 1)[0] + (b"?" + query if query else b"")
    return Ask(
        method=request.method,
        parameters=parse_query(query),
        url=f"{scheme}://{headers.get('host', '')}{target.decode('utf-8', 'replace')}",
        origin=headers.get("origin", ""),
        referer=headers.get("referer"),
        accept=headers.get("accept", ""),
        accept_language=headers.get("accept-language", "")[:_HEADER_CHARACTERS_MAX],
        accepts_gzip="gzip" in headers.get("accept-encoding", ""),
        if_none_match=headers.get("if-none-match", "")[:_HEADER_CHARACTERS_MAX],
        address=address,
    )


def _client(peer: str | None, forwarded: str, trusted: Networks) -> str | None:
    """The nearest address that is not one of our proxies; the farthest named when all are."""
    names = [name.strip() for name in forwarded.split(",") if _parse(name.strip())]
    for name in reversed(names):
        if not _is_trusted(name, trusted):
            return name
    return names[0] if names else peer


@lru_cache(maxsize=4_096)
def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_trusted(text: str | None, trusted: Networks) -> bool:
    address = _parse(text) if text else None
    if address is None:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in trusted if network.version == mapped.version)
