"""The search language, as parsed."""

import pytest
from feedback.domain.search import parse_search, quoted, tag_name
from feedback.domain.search_keys import ALIASES, KEYS
from feedback.domain.search_terms import Has, Match, Number, Search, SearchError, Words

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
        (r'"a \"b\" C:\d\\"', (Words('a "b" C:\\d\\'),)),
        (f'"{"A" * 32}"', (Words("A" * 32, event_id="a" * 32),)),
        ("!gone", (Words("gone", negated=True),)),
        ("Error: it broke", (Words("Error"), Words("it"), Words("broke"))),
        ("Ошибка: нет", (Words("Ошибка"), Words("нет"))),
        ("release: 1", (Has("release", negated=True), Words("1"))),
        ("http://x.io/a", (Words("http://x.io/a"),)),
        ("user.email:a@b.io", (Match("user.email", ("a@b.io",)),)),
        ('release:"my app 1"', (Match("release", ("my app 1",)),)),
        ("!level:[info,warning]", (Match("level", ("info", "warning"), negated=True),)),
        ("associatedEventId:x", (Match("associated_event_id", ("x",)),)),
        ("tags[level.x]:y", (Match("level.x", ("y",), is_tag=True),)),
        ('tags["odd key"]:y', (Match("odd key", ("y",), is_tag=True),)),
        ("!tags[status]:open", (Match("status", ("open",), negated=True, is_tag=True),)),
        ("has:tags[is]", (Has("is", is_tag=True),)),
        ("größe:XL", (Match("größe", ("XL",)),)),
        ("has:user.email", (Has("user.email"),)),
        ("!has:user.email", (Has("user.email", negated=True),)),
        ('release:""', (Has("release", negated=True),)),
        ("is:unassigned", (Match("is", ("unassigned",)),)),
        ("!is:linked", (Match("is", ("linked",), negated=True),)),
        ("is:[unresolved, assigned]", (Match("is", ("unresolved", "assigned")),)),
        ("substatus:New", (Match("substatus", ("new",)),)),
        ("priority:High", (Match("issue.priority", ("high",)),)),
        ("timesSeen:>=1", (Number("timesseen", ">=", 1),)),
        ("!userCount:0", (Number("usercount", "=", 0, negated=True),)),
        ('user:"id:42"', (Match("user", ("id:42",)),)),
        ("OS.Name:Windows", (Match("os.name", ("Windows",)),)),
        ("contexts.os.name:Windows", (Match("os.name", ("Windows",)),)),
        ("metadata.contact_email:a@b", (Match("contact_email", ("a@b",)),)),
        ('title:"User Feedback: it is..."', (Words("it is"),)),
        ("hasSeen:0", (Match("hasseen", ("false",)),)),
        ("!plan:gold", (Match("plan", ("gold",), negated=True),)),
        ("😡", (Words("😡", pattern=True),)),
        ('!"😡 👎🏽"', (Words("😡 👎🏽", negated=True, pattern=True),)),
        ("message:???", (Words("???", pattern=True),)),
        ("broken 😡", (Words("broken"), Words("😡", pattern=True))),
        ("save & close -", (Words("save"), Words("close"))),
        ('save "&"', (Words("save"), Words("&", pattern=True))),
        ("??? !…", (Words("???", pattern=True), Words("…", negated=True, pattern=True))),
        ("level:info ?", (Match("level", ("info",)), Words("?", pattern=True))),
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
        "is:weird", "status:", "firstSeen:>soon", "age:2026-01-01x", "timestamp:", "a OR b", "!age:-1h",
        "date:9999-99-99", "substatus:x", "is:[unresolved, weird]", "issue.priority:urgent", "timesSeen:many",
        "timesSeen:[1,2]", "userCount:-1", "timesSeen:1.5", "type:error", "has_linked_error:maybe",
    ],
)  # fmt: skip
def test_refused(query: str) -> None:
    with pytest.raises(SearchError):
        parsed(query)


@pytest.mark.parametrize(
    "value",
    ["open", "two words", 'a "quoted" one', "a:b", "tab\tand\nline", "[x]", "", "\\", "C:\\my dir\\", "a b\\\\",
     'a\\"b', 'a \\\\"', r"\\server\the share", "x\\", '"', '\\"'],
)  # fmt: skip
def test_a_tag_of_any_name_has_a_search(value: str) -> None:
    for tag in (*KEYS, *ALIASES, "plan", "größe", "odd key", "a:b", "a]b", 'q"q', "1st", "emoji😀"):
        (term,) = parsed(f"{tag_name(tag)}:{quoted(value)}").terms
        assert isinstance(term, Match if value else Has), tag
        assert term.key == tag
        assert (term.values if isinstance(term, Match) else ("",)) == (value,), tag


def test_too_many_terms() -> None:
    with pytest.raises(SearchError):
        parse_search("a " * 101, now=NOW, terms_max=100)
    assert len(parse_search("a " * 100, now=NOW, terms_max=100).terms) == 100


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("pay user.email:a has:os.name is:linked age:-1h", set()),
        ("plan:gold", {"plan"}),
        ("!Plan:g* has:Tier", {"plan", "tier"}),
        ("tags[level]:x tags[tier]:y", {"tier"}),
        ('"odd key":x', {"odd key"}),
        ("os.nam:x", {"os.nam"}),
    ],
)
def test_names_that_are_none_of_our_keys(query: str, names: set[str]) -> None:
    assert parsed(query).names == names


@pytest.mark.parametrize(
    ("query", "indexed"),
    [
        ("", False),
        ("is:linked age:-1h timesSeen:1 assigned:me", False),
        ("pay", True),
        ("k:v", True),
        ("has:k", True),
    ],
)
def test_what_an_inverted_index_finds(query: str, indexed: bool) -> None:
    assert parsed(query).is_indexed is indexed
