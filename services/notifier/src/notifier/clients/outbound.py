"""Calls to URLs that users configure (webhooks): only public addresses, no redirects, bounded (SSRF protection).

The name is resolved once and the connection goes to the checked address, so DNS rebinding has no effect.
"""

import asyncio
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import httpx

from notifier.clients.resolver import Resolver

BODY_BYTES_MAX: Final = 2_000
_UNLIMITED: Final = httpx.Limits(max_connections=None)  # callers limit how many calls are under way
_PORTS: Final = {"http": 80, "https": 443}
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")  # NAT64: the last 32 bits are an IPv4 address


class TargetRefused(Exception):
    """A URL may not be called: not http(s), not resolvable, or an address inside the network."""


class HostUnknown(TargetRefused):
    """A host has no address, at the moment or ever."""


class CallFailed(Exception):
    """A call got no response."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A target's response; `text` is its first BODY_BYTES_MAX bytes."""

    status: int
    text: str


def is_public(address: str) -> bool:
    """Return whether an IP address is public, and so is an IPv4 address embedded in it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed in _TRANSLATED:
            parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)
        else:
            parsed = parsed.ipv4_mapped or parsed.sixtofour or parsed
    is_site_local = isinstance(parsed, ipaddress.IPv6Address) and parsed.is_site_local
    return parsed.is_global and not (parsed.is_multicast or parsed.is_reserved or is_site_local)


class OutboundCalls:
    """Posts to URLs that an organization's users configure. `allowed_hosts` may have private addresses."""

    def __init__(
        self,
        *,
        seconds_max: float = 10.0,
        allowed_hosts: Sequence[str] = (),
        resolver: Resolver | None = None,
    ) -> None:
        self._resolver = resolver or Resolver()
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self._seconds_max = seconds_max
        self._client = httpx.AsyncClient(
            timeout=seconds_max, follow_redirects=False, trust_env=False, limits=_UNLIMITED
        )

    async def check(self, url: str, organization_id: int) -> str:
        """Return the address to connect to; raise TargetRefused for a URL that may not be called."""
        try:
            parts = urlsplit(url)
            host = httpx.URL(url).raw_host.decode()
        except (ValueError, httpx.InvalidURL) as error:
            raise TargetRefused("the URL cannot be read") from error
        try:
            port = parts.port
        except ValueError as error:
            raise TargetRefused("the URL's port is not a number") from error
        if parts.scheme not in _PORTS or not parts.hostname or parts.username or parts.password:
            raise TargetRefused("the URL must be http:// or https://, with a host and without a user")
        try:
            async with asyncio.timeout(self._seconds_max):
                addresses = await self._resolver.resolve(host, port or _PORTS[parts.scheme], organization_id)
        except TimeoutError as error:
            raise HostUnknown(f"{host} was not resolved within {self._seconds_max:g} s") from error
        except (OSError, UnicodeError) as error:
            raise HostUnknown(f"{host} cannot be resolved") from error
        is_allowed = parts.hostname.lower() in self._allowed
        if not addresses or not (is_allowed or all(map(is_public, addresses))):
            raise TargetRefused(f"{parts.hostname} is an address inside the network")
        return addresses[0]

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], organization_id: int) -> Answer:
        """Post a body and return the response; redirects are not followed.

        Raise TargetRefused for a URL that may not be called, CallFailed without a response in time. The timeout of
        the client begins again with every byte, so that a slow answer would hold up all that is delivered.
        """
        try:
            async with asyncio.timeout(self._seconds_max):
                return await self._post(url, body, headers, organization_id)
        except TimeoutError as error:
            raise CallFailed(f"no complete answer within {self._seconds_max:g} s") from error

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str], organization_id: int) -> Answer:
        try:
            address = await self.check(url, organization_id)
        except HostUnknown as error:  # names are unknown for a while, too
            raise CallFailed(str(error)) from error
        parts, target = urlsplit(url), httpx.URL(url)
        host = f"[{address}]" if ":" in address else address
        pinned = urlunsplit(parts._replace(netloc=f"{host}:{parts.port or _PORTS[parts.scheme]}"))
        request = self._client.build_request(
            "POST", pinned, content=body, headers={**headers, "Host": target.netloc.decode()}
        )
        request.extensions["sni_hostname"] = target.raw_host.decode()
        try:
            response = await self._client.send(request, stream=True)
            try:
                text = await _read(response)
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise CallFailed(f"{type(error).__name__}: {error}") from error
        return Answer(response.status_code, text)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _read(response: httpx.Response) -> str:
    found = b""
    async for part in response.aiter_raw():
        found += part
        if len(found) >= BODY_BYTES_MAX:
            break
    return found[:BODY_BYTES_MAX].decode(errors="replace")
