"""The invitation's mail in every language."""

from datetime import UTC, datetime

import pytest
from registry.domain.invitation_texts import LANGUAGES, invitation_mail

UNTIL = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
FACTS = {"inviter": "Ann {x}", "organization": "Acme", "expires_at": UNTIL, "url": "https://h.example/accept/x/"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_who_where_until_when_and_how(language):
    subject, body = invitation_mail(language, **FACTS)
    for text in ("Ann {x}", "Acme"):
        assert text in subject
        assert text in body
    assert "2026-11-28 12:30 UTC" in body
    assert "\nhttps://h.example/accept/x/\n" in body


def test_languages_differ():
    assert len({invitation_mail(language, **FACTS) for language in LANGUAGES}) == len(LANGUAGES) == 13


@pytest.mark.parametrize(("wanted", "language"), [("de-AT", "de"), ("PT_br", "pt"), ("xx", "en"), (None, "en")])
def test_the_nearest_language_is_taken(wanted, language):
    assert invitation_mail(wanted, **FACTS) == invitation_mail(language, **FACTS)
