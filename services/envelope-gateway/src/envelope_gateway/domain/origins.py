"""Which web pages may send: option `sentry:origins` (protocol: authentication#origins)."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(origin: str | None, referer: str | None) -> str | None:
    """The URL of the page that sends: `Origin`, else `Referer`; only http and https count."""
    for value in (origin, referer):
        if value and value.startswith(("http://", "https://")):
            return value
    return None


def is_allowed(origin: str | None, allowed: Sequence[Any]) -> bool:
    """Whether a page may send. No origin always passes; an empty list refuses every page.

    An entry is `*`, a host (`example.com`), a host with wildcards (`*.example.com`), or a URL with a
    scheme, port or path, which then must match, too.
    """
    if origin is None or "*" in allowed:
        return True
    try:
        parts = urlsplit(origin)
        host = (parts.hostname or "").lower()
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return False
    return any(
        _matches(entry, parts.scheme, host, port, parts.path) for entry in allowed if isinstance(entry, str)
    )


def _matches(entry: str, scheme: str, host: str, port: int | None, path: str) -> bool:
    entry = entry.strip().lower()
    wanted_scheme, has_scheme, rest = entry.partition("://")
    if not has_scheme:
        wanted_scheme, rest = "", entry
    wanted, slash, wanted_path = rest.partition("/")
    wanted_host, colon, wanted_port = wanted.rpartition(":")
    if not colon or not (wanted_port.isdigit() or wanted_port == "*"):
        wanted_host, wanted_port = wanted, ""
    if has_scheme and wanted_scheme not in {scheme, "*"}:
        return False
    if wanted_port and wanted_port != "*" and int(wanted_port) != port:
        return False
    if has_scheme and not wanted_port and port != _DEFAULT_PORTS.get(scheme):
        return False
    if not _host_matches(wanted_host, host):
        return False
    return not slash or path.startswith("/" + wanted_path.rstrip("*"))


def _host_matches(wanted: str, host: str) -> bool:
    if wanted in {host, "*"}:
        return True
    if wanted.startswith("*.") and host == wanted[2:]:
        return True
    pattern = re.escape(wanted).replace(r"\*", "[^/]*")
    return "*" in wanted and re.fullmatch(pattern, host) is not None
