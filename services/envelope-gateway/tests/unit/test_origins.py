"""Which pages may send."""

import pytest
from envelope_gateway.domain.origins import is_allowed, origin_of


@pytest.mark.parametrize(
    ("allowed", "origin", "expected"),
    [
        (["*"], "http://a.b", True),
        ([], "http://a.b", False),
        ([], None, True),
        (["a.b"], "http://a.b", True),
        (["a.b"], "https://a.b:8443/page", True),
        (["a.b"], "http://x.a.b", False),
        (["*.a.b"], "http://x.a.b", True),
        (["*.a.b"], "http://a.b", True),
        (["*.a.b"], "http://evila.b", False),
        (["https://a.b"], "http://a.b", False),
        (["https://a.b"], "https://a.b", True),
        (["https://a.b"], "https://a.b:8443", False),
        (["a.b:8443"], "https://a.b:8443", True),
        (["a.b:8443"], "https://a.b", False),
        (["http://a.b/app*"], "http://a.b/app/page", True),
        (["http://a.b/app*"], "http://a.b/other", False),
        ([5, None], "http://a.b", False),
        (["a.b"], "http://[broken", False),
    ],
)
def test_origins(allowed, origin, expected):
    assert is_allowed(origin, allowed) is expected


@pytest.mark.parametrize(
    ("origin", "referer", "expected"),
    [
        ("http://a.b", "http://c.d/x", "http://a.b"),
        (None, "http://c.d/x", "http://c.d/x"),
        ("null", "http://c.d/x", "http://c.d/x"),
        ("file://", None, None),
        (None, None, None),
    ],
)
def test_where_an_origin_comes_from(origin, referer, expected):
    assert origin_of(origin, referer) == expected
