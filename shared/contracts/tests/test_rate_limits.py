"""Limits as clients read them."""

import pytest
from hearback_contracts.rate_limits import RateLimit, rate_limit_headers


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (
            RateLimit(60, ("feedback",), "organization", "feedback_quota"),
            "60:feedback:organization:feedback_quota",
        ),
        (RateLimit(4711, ("transaction", "security"), "project"), "4711:transaction;security:project"),
        (RateLimit(17.1, (), "key"), "18::key"),
    ],
    ids=["reason", "two categories", "all categories"],
)
def test_spelling(limit, text):
    assert str(limit) == text


def test_both_headers_tell_the_longest():
    limits = [
        RateLimit(5, ("error",), "key"),
        RateLimit(60, ("feedback",)),
        RateLimit(70, ("feedback",), "organization", "x"),
    ]
    assert dict(rate_limit_headers(limits)) == {
        "x-sentry-rate-limits": "5:error:key, 70:feedback:organization:x",
        "retry-after": "70",
    }
    assert rate_limit_headers([]) == ()
