"""Authenticate by a public key in headers, query or path (protocol: authentication)."""

import base64
import binascii
from typing import NamedTuple
from urllib.parse import parse_qsl

from hearback_contracts.identifiers import is_public_key

from envelope_gateway.domain.refusals import BAD_AUTH_HEADER, BAD_PUBLIC_KEY, MULTIPLE_AUTH, Refused

PROTOCOL_VERSION = 7
CLIENT_LENGTH_MAX = 200


class Authentication(NamedTuple):
    """A public key and the client that sent it, such as `sentry.python/2.75.0`."""

    public_key: str
    client: str | None = None


def authenticate(
    sentry_auth: bytes | None, authorization: bytes | None, query: bytes, path_key: str | None = None
) -> Authentication | None:
    """Return the authentication of a request, or None.

    The sources, in order: `X-Sentry-Auth`, `Authorization`, the query string, a key in the path. Raise `Refused`:
    401 for several sources or a malformed one, 400 for an invalid key or version.
    """
    found: Authentication | None = None
    for pairs in _sources(sentry_auth, authorization, query, path_key):
        if found is not None:
            raise Refused(401, MULTIPLE_AUTH)
        found = _read(pairs)
    return found


def _sources(
    sentry_auth: bytes | None, authorization: bytes | None, query: bytes, path_key: str | None
) -> list[dict[str, str]]:
    sources: list[dict[str, str]] = []
    for header in (sentry_auth, authorization):
        if header and header[:7].lower() == b"sentry ":
            sources.append(_header_pairs(header[7:].decode("utf-8", "replace")))
        elif header is authorization and header and header[:6].lower() == b"basic ":
            sources.extend(_basic_pairs(header[6:]))
    if b"sentry_" in query:
        text = query.decode("utf-8", "replace")
        sources.append(dict(parse_qsl(text, keep_blank_values=True, max_num_fields=None)))
    if path_key is not None:
        sources.append({"sentry_key": path_key})
    return sources


def _header_pairs(text: str) -> dict[str, str]:
    pairs = {}
    for part in text.split(","):
        name, *values = part.split("=")
        if values:
            pairs[name.strip()] = values[0].strip()
    return pairs


def _basic_pairs(encoded: bytes) -> list[dict[str, str]]:
    try:
        user = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return []
    return [{"sentry_key": user}]


def _read(pairs: dict[str, str]) -> Authentication:
    public_key = pairs.get("sentry_key", "")
    if not public_key:
        raise Refused(401, BAD_AUTH_HEADER, ("missing public key in auth header",))
    version = pairs.get("sentry_version", "7").partition(".")[0]
    if not (version.isascii() and version.isdigit()) or int(version[:6]) >= 1 << 16 or len(version) > 5:
        raise Refused(401, BAD_AUTH_HEADER, ("invalid value for version",))
    if int(version) > PROTOCOL_VERSION:
        raise Refused(400, f"unsupported protocol version ({int(version)})")
    public_key = public_key.partition(".")[0]
    if not is_public_key(public_key):
        raise Refused(400, BAD_PUBLIC_KEY, ("invalid project key",))
    client = pairs.get("sentry_client", "").replace("\0", "")[:CLIENT_LENGTH_MAX]
    return Authentication(public_key, client or None)
