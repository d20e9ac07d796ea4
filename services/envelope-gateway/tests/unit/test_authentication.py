"""Authentication out of headers and query."""

import base64

import pytest
from envelope_gateway.domain.authentication import Authentication, authenticate
from envelope_gateway.domain.refusals import Refused

from ..data.envelopes import KEY

RAVEN, NODE = "raven-node/2.6.3", "sentry.javascript.node/11.12.0"
BAD = "bad x-sentry-auth header"
NO_KEY, BAD_KEY = ("missing public key in auth header",), ("invalid project key",)
BASIC = b"Basic " + base64.b64encode(f"{KEY}:".encode())


@pytest.mark.parametrize(
    ("header", "authorization", "query", "client"),
    [
        (f"Sentry sentry_key={KEY}", None, "", None),
        (f"sentry sentry_key={KEY},sentry_version=7,sentry_client=a/1", None, "", "a/1"),
        (f"SENTRY  sentry_version=2.0 , sentry_key = {KEY} ,x=y", None, "", None),
        (f"Sentry sentry_version=5, sentry_client={RAVEN}, sentry_key={KEY}", None, "", RAVEN),
        (f"Sentry sentry_key={KEY}.no-cache", None, "", None),
        (f"Sentry sentry_key={KEY}=extra, sentry_secret=s", None, "", None),
        ("", f"Sentry sentry_key={KEY}", "", None),
        ("Bearer x", f"Sentry sentry_key={KEY}", "", None),
        (None, BASIC.decode(), "", None),
        (None, None, f"sentry_key={KEY}&sentry_client=sentry.javascript.node%2F11.12.0", NODE),
        (None, "Bearer token", f"a=b&sentry_version=7&sentry_key={KEY}", None),
    ],
)
def test_accepted(header, authorization, query, client):
    found = authenticate(
        header.encode() if header is not None else None,
        authorization.encode() if authorization is not None else None,
        query.encode(),
    )
    assert found == Authentication(KEY, client)


def test_the_key_in_the_path():
    assert authenticate(None, None, b"", KEY) == Authentication(KEY)


@pytest.mark.parametrize("header", [None, b"", b"Sentry", b"Basic x", b"nonsense"])
def test_nothing_is_nothing(header):
    assert authenticate(header, None, b"a=b") is None
    assert authenticate(None, b"Basic !", b"") is None


@pytest.mark.parametrize(
    ("header", "query", "status", "detail", "causes"),
    [
        ("Sentry x=y", "", 401, BAD, NO_KEY),
        ("Sentry sentry_key=", "", 401, BAD, NO_KEY),
        ("", "sentry_client=x", 401, BAD, NO_KEY),
        (f"Sentry sentry_key={KEY},sentry_version=x", "", 401, BAD, ("invalid value for version",)),
        (f"Sentry sentry_key={KEY},sentry_version=65536", "", 401, BAD, ("invalid value for version",)),
        (f"Sentry sentry_key={KEY},sentry_version=8", "", 400, "unsupported protocol version (8)", ()),
        ("Sentry sentry_key=short", "", 400, "bad sentry DSN public key", BAD_KEY),
        (f"Sentry sentry_key={KEY}0", "", 400, "bad sentry DSN public key", BAD_KEY),
        ("", f"sentry_key={'é' * 32}", 400, "bad sentry DSN public key", BAD_KEY),
        (f"Sentry sentry_key={KEY}", f"sentry_key={KEY}", 401, "multiple authorization payloads detected", ()),
    ],
)
def test_refused(header, query, status, detail, causes):
    with pytest.raises(Refused) as caught:
        authenticate(header.encode(), None, query.encode())
    assert (caught.value.status, caught.value.detail, caught.value.causes) == (status, detail, causes)


def test_header_and_authorization_together_are_two():
    with pytest.raises(Refused, match="multiple"):
        authenticate(f"Sentry sentry_key={KEY}".encode(), BASIC, b"")
