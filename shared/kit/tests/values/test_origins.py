"""Which pages match which patterns."""

import pytest
from hearback_kit.values.origins import check_pattern, is_origin_allowed, page_of, web_page_of
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("patterns", "page", "expected"),
    [
        (["*"], "http://a.b", True),
        (["*"], None, True),
        (["*"], "nonsense", True),
        ([], "http://a.b", False),
        (["a.b"], None, False),
        (["a.b"], "http://a.b", True),
        (["a.b"], "https://a.b:8443/page", True),
        (["a.b"], "http://x.a.b", False),
        (["*.a.b"], "http://x.a.b", True),
        (["*.a.b"], "http://y.x.a.b", True),
        (["*.a.b"], "http://a.b", True),
        (["*.a.b"], "http://evila.b", False),
        (["https://*.a.b"], "https://x.a.b", True),
        (["https://*.a.b"], "http://x.a.b", False),
        # a star elsewhere than as the leading label
        (["*a.b"], "http://evila.b", False),
        (["*a.b"], "http://a.b", False),
        (["a.*"], "http://a.b", False),
        (["x.*.b"], "http://x.a.b", False),
        (["*.*.b"], "http://x.a.b", False),
        (["*.a*.b"], "http://x.a1.b", False),
        (["a*"], "http://a.b", False),
        # schemes and ports
        (["https://a.b"], "http://a.b", False),
        (["https://a.b"], "https://a.b", True),
        (["https://a.b"], "https://a.b:443", True),
        (["https://a.b"], "https://a.b:8443", False),
        (["*://a.b"], "https://a.b:8443", True),
        (["https://a.b:*"], "https://a.b:8443", True),
        (["a.b:8443"], "https://a.b:8443", True),
        (["a.b:8443"], "https://a.b", False),
        (["a.b:443"], "https://a.b", True),
        (["*:8080"], "http://a.b:8080", True),
        (["*:8080"], "http://a.b", False),
        (["http://*"], "http://a.b", True),
        (["app://localhost"], "app://localhost", True),
        (["[::1]:8080"], "http://[::1]:8080", True),
        (["::1"], "http://[::1]:8080", True),
        # paths
        (["http://a.b/app*"], "http://a.b/app/page", True),
        (["http://a.b/app*"], "http://a.b/other", False),
        (["a.b/App"], "http://a.b/app/page", True),
        (["http://a.b/"], "http://a.b", True),
        # capitals, blanks, dots, international names
        (["HTTPS://A.B"], "https://a.b", True),
        (["https://a.b"], "HTTPS://A.B", True),
        (["*.A.b"], "http://X.a.B", True),
        ([" a.b "], "http://a.b", True),
        (["a.b."], "http://a.b", True),
        (["münchen.example"], "https://xn--mnchen-3ya.example", True),
        (["*.xn--mnchen-3ya.example"], "https://www.münchen.example", True),
        # what is no pattern or no page
        ([5, None, "", "://", "https://", ":80"], "http://a.b", False),
        (["a.b"], "http://[broken", False),
        (["a.b"], "http://a.b:notaport", False),
        (["a.b"], "null", False),
        (["a.b"], "a.b", False),
    ],
)
def test_origins(patterns, page, expected):
    assert is_origin_allowed(page, patterns) is expected
    if expected:
        assert [check_pattern(pattern) for pattern in patterns] == patterns


@pytest.mark.parametrize(
    "pattern",
    [
        "*a.b", "a.*", "x.*.b", "*.*.b", "*.a*.b", "a*", "**", "*.*", "https://shop-*.example", "HTTPS://A.*.B",
        "http*://a.b", "**://a.b", "a.b:80*", "a.b/x*y", "a.b/*/y", "", "://", "https://", ":80",
    ],
)  # fmt: skip
def test_a_pattern_that_matches_nothing_is_refused(pattern):
    with pytest.raises(ValueError, match="matches nothing"):
        check_pattern(pattern)


@given(st.none() | st.text() | st.text().map("http://".__add__), st.lists(st.text() | st.integers()))
def test_matching_raises_nothing(page, patterns):
    is_origin_allowed(page, [pattern for pattern in patterns if pattern != "*"])


@pytest.mark.parametrize(
    ("origin", "referer", "web_page", "page"),
    [
        ("http://a.b", "http://c.d/x", "http://a.b", "http://a.b"),
        ("HTTPS://A.B", None, "HTTPS://A.B", "HTTPS://A.B"),
        (None, "http://c.d/x", "http://c.d/x", "http://c.d/x"),
        ("null", "http://c.d/x", "http://c.d/x", "http://c.d/x"),
        ("", "http://c.d/x", "http://c.d/x", "http://c.d/x"),
        ("file://", None, None, "file://"),
        ("null", None, None, None),
        (None, "", None, None),
    ],
)
def test_the_page_that_sends(origin, referer, web_page, page):
    assert web_page_of(origin, referer) == web_page
    assert page_of(origin, referer) == page
