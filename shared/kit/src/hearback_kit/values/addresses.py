"""Determine a client's address behind proxies (protocol: authentication#client-address)."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Headers = Iterable[tuple[bytes, bytes]]

_FORWARDED_FOR: Final = b"x-forwarded-for"
_FORWARDED: Final = b"forwarded"
_FORWARDED_PAIR: Final = re.compile(r'(?:^|[;,])\s*for\s*=\s*(?:"([^"]*)"|([^\s;,"]*))', re.IGNORECASE)
_ADDRESS_CHARACTERS_MAX: Final = 64
_HEADER_BYTES_MAX: Final = 4_096
_HEADER_BYTES_KEPT: Final = 256


@lru_cache(maxsize=4_096)
def parse_address(text: str) -> str | None:
    """Return the normalized IP address of a forwarding header's entry, or None.

    Blanks, quotes, brackets, a port (`198.51.100.9:51234`, `[2001:db8::1]:443`) and an IPv6 zone are stripped; an
    IPv4-mapped IPv6 address becomes IPv4.
    """
    text = text.strip().strip('"').strip()
    if len(text) > _ADDRESS_CHARACTERS_MAX:
        return None
    if text.startswith("["):
        text, closed, rest = text[1:].partition("]")
        if not closed or (rest and not _is_port(rest)):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _is_port(":" + port):
            return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return str((address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address)


def _is_port(text: str) -> bool:
    return text[:1] == ":" and text.isascii() and text[1:].isdigit() and len(text) <= 6


@lru_cache(maxsize=4_096)
def address_block(address: str) -> str:
    """Return the key of an address in limits: an IPv4 address, or the /64 of IPv6.

    A text that is not an address is returned unchanged.
    """
    parsed = parse_address(address)
    if parsed is None:
        return address
    return str(IPv6Network((parsed, 64), strict=False)) if ":" in parsed else parsed


def parse_networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Parse a comma-separated list of networks; raise ValueError for an invalid entry."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


class TrustedProxies:
    """The networks of trusted proxies, whose forwarding headers are used.

    `preferred_headers` (in lower case), which CDNs set, have one address each and take precedence. Without a CDN
    any client can forge them, so no limit may depend on them.
    """

    def __init__(
        self, networks: Iterable[IPv4Network | IPv6Network], *, preferred_headers: Sequence[bytes] = ()
    ) -> None:
        self._networks = tuple(networks)
        self._preferred = tuple(preferred_headers)
        self._names = frozenset((*preferred_headers, _FORWARDED_FOR, _FORWARDED))
        self._read_cached = lru_cache(maxsize=4_096)(self._read)
        self._is_trusted = lru_cache(maxsize=4_096)(self._look_up)

    def trusts(self, peer: str | None) -> bool:
        """Return whether a peer is a trusted proxy; None is a local socket, which is trusted."""
        if peer is None:
            return True
        address = parse_address(peer)
        return address is not None and self._is_trusted(address)

    def client_address(self, peer: str | None, headers: Headers) -> str | None:
        """Return the address of the client of a request, or None.

        `peer` is the other end of the connection, `headers` are in lower case. For a trusted peer, it is the last
        entry of `X-Forwarded-For` (else `Forwarded`) that is not a trusted proxy, or the first if all are.
        """
        found = [(name, value) for name, value in headers if name in self._names]
        if not found or not self.trusts(peer):
            return peer
        for name in self._preferred:
            for other, value in found:
                address = parse_address(_text(value).partition(",")[0]) if other == name else None
                if address:
                    return address
        for name in (_FORWARDED_FOR, _FORWARDED):
            value = b",".join(value for other, value in found if other == name)
            if value:
                read = self._read_cached if len(value) <= _HEADER_BYTES_KEPT else self._read
                return read(value, name == _FORWARDED) or peer
        return peer

    def _read(self, value: bytes, is_forwarded: bool) -> str | None:
        text = _text(value)
        hops = [a or b for a, b in _FORWARDED_PAIR.findall(text)] if is_forwarded else text.split(",")
        farthest: str | None = None
        for hop in reversed(hops):
            address = parse_address(hop)
            if address is not None:
                if not self._is_trusted(address):
                    return address
                farthest = address
        return farthest

    def _look_up(self, address: str) -> bool:
        parsed = ip_address(address)
        return any(parsed in network for network in self._networks if network.version == parsed.version)


def _text(value: bytes) -> str:
    """Return the end of a header, where the nearest hops are."""
    return value[-_HEADER_BYTES_MAX:].decode("latin-1")
