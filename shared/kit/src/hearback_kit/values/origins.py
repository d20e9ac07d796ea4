"""Match origins against patterns such as `*.example.com` (protocol: authentication#allowed-origins)."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_WEB: Final = ("http://", "https://")
_HOST_CHARACTERS_MAX: Final = 253


def web_page_of(origin: str | None, referer: str | None) -> str | None:
    """Return the page of a request: `Origin`, else `Referer`; None if neither is http or https."""
    for value in (origin, referer):
        if value and value[:8].lower().startswith(_WEB):
            return value
    return None


def page_of(origin: str | None, referer: str | None) -> str | None:
    """Return the page of a request: `Origin` unless it is empty or `null`, else `Referer`, else None."""
    if origin and origin != "null":
        return origin
    return referer or None


def is_origin_allowed(page: str | None, patterns: Iterable[Any]) -> bool:
    """Return whether a page matches any of the patterns; None matches only `*`.

    Patterns: `*` (everything); `example.com` (any scheme and port); `*.example.com` (the domain and subdomains);
    `*:8080` (any host on a port); a scheme before any of these (`https://example.com`, `*://…`), where http and
    https without a port mean the default port; a path prefix after it. A star elsewhere in a host matches nothing.
    Matching is case-insensitive, and IDNs match in either spelling. Entries that are not texts match nothing.
    """
    entries = [entry.strip() for entry in patterns if isinstance(entry, str)]
    if "*" in entries:
        return True
    parsed = _parse_page(page) if page else None
    return parsed is not None and any(_matches(_parse_pattern(entry), parsed) for entry in entries if entry)


def check_pattern(entry: str) -> str:
    """Return a pattern that some page can match; raise ValueError with what is wrong with another."""
    pattern = _parse_pattern(entry.strip())
    host = pattern.host.removeprefix("*.") if pattern.host != "*" else "all"
    parts = (pattern.scheme.removeprefix("*"), host, (pattern.port or "").removeprefix("*"), pattern.path)
    if not host or any("*" in part for part in parts):
        raise ValueError(f"origins such as https://shop.example.org or *.example.org; {entry} matches nothing")
    return entry


@dataclass(frozen=True, slots=True)
class _Page:
    scheme: str
    host: str
    port: int | None
    path: str


@dataclass(frozen=True, slots=True)
class _Pattern:
    scheme: str
    host: str
    port: str | None
    path: str


def _parse_page(page: str) -> _Page | None:
    try:
        parts = urlsplit(page.strip())
        port = parts.port
    except ValueError:
        return None
    if not parts.scheme:
        return None
    port = port or _DEFAULT_PORTS.get(parts.scheme)
    return _Page(parts.scheme, _ascii_host(parts.hostname or ""), port, (parts.path or "/").lower())


@lru_cache(maxsize=1_024)
def _parse_pattern(entry: str) -> _Pattern:
    scheme, has_scheme, rest = entry.lower().partition("://")
    if not has_scheme:
        scheme, rest = "*", entry.lower()
    address, _, path = rest.partition("/")
    host, port = _split_port(address)
    if port is None and scheme in _DEFAULT_PORTS:
        port = str(_DEFAULT_PORTS[scheme])
    return _Pattern(scheme, _ascii_host(host), port, "/" + path.rstrip("*"))


def _split_port(address: str) -> tuple[str, str | None]:
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        return host, rest[1:] or None
    if address.count(":") > 1:
        return address, None
    host, _, port = address.partition(":")
    return host, port or None


def _matches(pattern: _Pattern, page: _Page) -> bool:
    return (
        pattern.scheme in {"*", page.scheme}
        and pattern.port in {None, "*", str(page.port)}
        and _host_matches(pattern.host, page.host)
        and page.path.startswith(pattern.path)
    )


def _host_matches(pattern: str, host: str) -> bool:
    if not pattern or pattern in {"*", host}:
        return bool(pattern)
    domain = pattern[2:] if pattern.startswith("*.") else ""
    return bool(domain) and "*" not in domain and (host == domain or host.endswith("." + domain))


def _ascii_host(host: str) -> str:
    """Return a host name in lower case and ASCII (IDNA), without a trailing dot."""
    host = host.lower().removesuffix(".")
    if host.isascii() or len(host) > _HOST_CHARACTERS_MAX:
        return host
    try:
        return ".".join(label if label.isascii() else label.encode("idna").decode() for label in host.split("."))
    except UnicodeError:
        return host
