"""Which pages may use a project's dialog (reference: feedback-backend 6.3).

Unlike ingestion, the dialog is only ever used by pages: a request that names no page is refused
unless the project allows all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class _Page:
    scheme: str
    host: str
    port: int | None
    path: str


def page_of(origin: str | None, referer: str | None) -> str | None:
    """The page that asks: `Origin` unless it is empty or `null`, else scheme and host of `Referer`."""
    if origin and origin != "null":
        return origin
    if not referer:
        return None
    try:
        parts = urlsplit(referer)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else None


def is_allowed(page: str | None, patterns: Iterable[Any]) -> bool:
    """Whether a page matches any pattern.

    Patterns: `*`; `domain.com` (any scheme and port); `*.domain.com` (the domain and all below);
    `*:8080` (any host on a port); a base URL with a scheme, which then holds for its port, too, and
    may have a path prefix. Case does not matter, and international names match in either spelling.
    """
    entries = [entry.strip() for entry in patterns if isinstance(entry, str) and entry.strip()]
    if "*" in entries:
        return True
    parsed = _parse_page(page) if page else None
    if parsed is None:
        return False
    return any(_matches(entry, parsed) for entry in entries)


def _parse_page(page: str) -> _Page | None:
    try:
        parts = urlsplit(page.strip())
        port = parts.port
    except ValueError:
        return None
    if not parts.scheme:
        return None
    scheme = parts.scheme.lower()
    return _Page(scheme, _ascii(parts.hostname or ""), port or _DEFAULT_PORTS.get(scheme), parts.path or "/")


def _matches(entry: str, page: _Page) -> bool:
    scheme, has_scheme, rest = entry.partition("://")
    if not has_scheme:
        scheme, rest = "*", entry
    address, has_path, path = rest.partition("/")
    host, port = _split_port(address)
    if scheme.lower() not in {"*", page.scheme}:
        return False
    if port is None and has_scheme and scheme != "*":
        if page.port != _DEFAULT_PORTS.get(page.scheme):
            return False
    elif port not in {None, "*", str(page.port)}:
        return False
    if not _host_matches(_ascii(host), page.host):
        return False
    return not has_path or page.path.startswith("/" + path.rstrip("*"))


def _split_port(address: str) -> tuple[str, str | None]:
    host, colon, port = address.rpartition(":")
    if colon and (port == "*" or port.isdigit()) and not (host.startswith("[") and not host.endswith("]")):
        return host.strip("[]"), port
    return address.strip("[]"), None


def _host_matches(wanted: str, host: str) -> bool:
    if wanted in {"*", host}:
        return True
    return wanted.startswith("*.") and (host == wanted[2:] or host.endswith(wanted[1:]))


def _ascii(host: str) -> str:
    """A host name in lower case and, label by label, in its ASCII spelling."""
    host = host.lower().rstrip(".")
    if host.isascii():
        return host
    try:
        return ".".join(label if label.isascii() else label.encode("idna").decode() for label in host.split("."))
    except UnicodeError:
        return host
