"""E-mail addresses by their form."""

import pytest
from hearback_kit.values.emails import is_email


@pytest.mark.parametrize(
    "text",
    [
        "jane@example.com", "j.d+tag@sub.example.co.uk", "o'neil_x@example.museum", '"quoted name"@example.com',
        "jane@localhost", "jane@[127.0.0.1]", "jane@[IPv6:::1]", "用户@例子.广告", "jörg@müller.de", "a@b.co",
        "x@corp.local", "first.last+tag@sub.example.co.uk", "u@bücher.example",
    ],
)  # fmt: skip
def test_email_is_accepted(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "jane", "@example.com", "jane@", "jane@example", "jane@.com", "jane@example..com",
        "jane@-example.com", "jane@example-.com", "jane@example.c", "jane@example.42", "a b@example.com",
        "jane@exa mple.com", ".jane@example.com", "jane.@example.com", "ja..ne@example.com", "jane@example.com\n",
        "jane@[300.1.1.1]", "jane@example.com, joe@example.com", "<jane@example.com>", "a" * 320 + "@example.com",
    ],
)  # fmt: skip
def test_email_is_refused(text: str) -> None:
    assert not is_email(text)
