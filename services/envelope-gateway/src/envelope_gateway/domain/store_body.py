"""Decode bodies of the legacy `/store/` endpoint (protocol: http#store-requests)."""

import base64
import binascii
import codecs
import json
import zlib
from typing import Any
from urllib.parse import parse_qs

import msgspec
from hearback_contracts.identifiers import parse_event_id
from hearback_kit.values.lenient_json import read_leniently

from envelope_gateway.domain.json_values import is_too_deep
from envelope_gateway.domain.refusals import BODY_TOO_LARGE, EMPTY_BODY, INVALID_JSON, INVALID_STORE_BODY, Refused

PIXEL = b"GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x00;"
_PATCHED_CLIENTS = ("raven-python/", "sentry-python/", "sentry.python/")
_ITEM_TYPES = {"transaction": "transaction", "csp": "security", "userreportv2": "feedback"}


class _Head(msgspec.Struct):
    event_id: Any = None
    type: Any = None


_decode_head = msgspec.json.Decoder(_Head).decode


def read_pixel_data(query: bytes) -> bytes:
    """Return the `sentry_data` of a query: JSON, or base64, whose `+` clients do not always escape."""
    data = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("sentry_data", [""])[0]
    if not data.lstrip().startswith("{"):
        data = data.replace(" ", "+")
    return data.encode("utf-8", "replace")


def unpack(body: bytes, bytes_max: int) -> bytes:
    """Return the JSON of a body that may be base64 or base64(zlib). Raise `Refused` (400, 413)."""
    body = body.removeprefix(codecs.BOM_UTF8)
    if not body:
        raise Refused(400, EMPTY_BODY)
    if body.lstrip()[:1] == b"{":
        return body
    try:
        decoded = base64.b64decode(body.translate(None, b" \t\r\n") + b"==")
    except (binascii.Error, ValueError) as error:
        raise Refused(400, INVALID_STORE_BODY, (str(error),)) from error
    if decoded[:1] == b"{":
        return decoded
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(decoded, bytes_max + 1)
    except zlib.error as error:
        raise Refused(400, INVALID_STORE_BODY, (str(error),)) from error
    if len(plain) > bytes_max:
        raise Refused(413, BODY_TOO_LARGE, plain=True)
    if not inflater.eof:
        raise Refused(400, INVALID_STORE_BODY, ("unexpected end of file",))
    return plain


def read_store_body(body: bytes, client: str | None) -> tuple[str, str | None, bytes]:
    """Return the item type, event id and JSON payload of an unpacked body. Raise `Refused` (400) for bad JSON.

    NaN and infinities, which old Python clients write, become null for these clients only; everything else is
    repaired by `read_leniently` for all.
    """
    try:
        head, payload = _decode_head(body), body
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError) as error:
        head, payload = _patch(body, error, takes_nan=client is not None and client.startswith(_PATCHED_CLIENTS))
    event_id = None
    if head.event_id is not None:
        event_id = parse_event_id(head.event_id)
        if event_id is None:
            raise _bad_json(ValueError("event_id: expected a UUID"))
    kind = head.type if isinstance(head.type, str) else ""
    return _ITEM_TYPES.get(kind, "event"), event_id, payload


def _patch(body: bytes, error: Exception, *, takes_nan: bool) -> tuple[_Head, bytes]:
    value = None if is_too_deep(body) else read_leniently(body, takes_nan=takes_nan)
    if value is None:
        raise _bad_json(error) from error
    payload = json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()
    return _Head(value.get("event_id"), value.get("type")), payload


def _bad_json(error: Exception) -> Refused:
    return Refused(400, f"{INVALID_JSON}: {type(error).__name__}", (str(error),))
