"""The rules: origins, addresses of people, forms, languages, colours."""

from typing import Any

import pytest
from crash_embed.domain.appearance import Appearance, Requirement, ink_on
from crash_embed.domain.email import is_email
from crash_embed.domain.form import EMAIL_MESSAGE, NUL_MESSAGE, REQUIRED_MESSAGE, Form, check_form
from crash_embed.domain.languages import choose_language, texts
from crash_embed.domain.origins import is_allowed, page_of
from crash_embed.domain.parameters import DsnReference, parse_dsn, parse_query, read_event_id
from crash_embed.domain.texts import TEXTS
from hearback_contracts.config import ProjectConfig
from hypothesis import given
from hypothesis import strategies as st

ALLOWED = [
    ("https://example.com", ["*"]),
    ("http://example.com", ["example.com"]),
    ("https://example.com:8443", ["example.com"]),
    ("https://EXAMPLE.com", ["Example.COM"]),
    ("https://example.com.", ["example.com"]),
    ("https://www.example.com", ["*.example.com"]),
    ("https://a.b.example.com:81", ["*.example.com"]),
    ("https://example.com", ["*.example.com"]),
    ("https://anything.net:8080", ["*:8080"]),
    ("https://example.com:8080", ["example.com:8080"]),
    ("https://example.com", ["https://example.com"]),
    ("https://example.com:443", ["https://example.com"]),
    ("https://example.com", ["https://example.com:443"]),
    ("https://example.com:9000", ["https://example.com:9000"]),
    ("https://example.com:9000", ["https://example.com:*"]),
    ("https://example.com", ["https://example.com/"]),
    ("https://example.com", ["https://example.com/*"]),
    ("https://example.com/shop/cart", ["https://example.com/shop"]),
    ("https://example.com/shop/cart", ["example.com/shop*"]),
    ("http://localhost", ["*://localhost"]),
    ("https://bücher.example", ["xn--bcher-kva.example"]),
    ("https://xn--bcher-kva.example", ["bücher.example"]),
    ("https://shop.bücher.example", ["*.BÜCHER.example"]),
    ("http://127.0.0.1:3000", ["127.0.0.1"]),
    ("http://[::1]:3000", ["[::1]:3000"]),
    ("capacitor://localhost", ["capacitor://localhost"]),
    ("app://", ["app://*"]),
    ("https://b.example", ["https://a.example", " b.example "]),
]
REFUSED = [
    ("https://example.com", []),
    ("https://example.com", [""]),
    ("https://example.com", [None, 7]),
    (None, ["example.com"]),
    ("", ["example.com"]),
    ("null", ["example.com"]),
    ("https://evil.com", ["example.com"]),
    ("https://www.example.com", ["example.com"]),
    ("https://badexample.com", ["*.example.com"]),
    ("https://example.com.evil.net", ["example.com"]),
    ("https://example.com.evil.net", ["*.example.com"]),
    ("https://example.com@evil.net", ["example.com"]),
    ("https://evil.net/example.com", ["example.com"]),
    ("http://example.com", ["https://example.com"]),
    ("https://example.com:8443", ["https://example.com"]),
    ("https://example.com:81", ["*:8080"]),
    ("https://example.com:81", ["example.com:8080"]),
    ("https://example.com", ["https://example.com/shop"]),
    ("https://[::1", ["example.com"]),
    ("https://example.com:port", ["example.com"]),
]


@pytest.mark.parametrize(("page", "patterns"), ALLOWED)
def test_origin_is_allowed(page: str, patterns: list[str]) -> None:
    assert is_allowed(page, patterns)


@pytest.mark.parametrize(("page", "patterns"), REFUSED)
def test_origin_is_refused(page: str, patterns: list[str]) -> None:
    assert not is_allowed(page, patterns)


def test_everything_is_allowed_by_the_star_even_without_a_page() -> None:
    assert is_allowed(None, ["*"])


@pytest.mark.parametrize(
    ("origin", "referer", "page"),
    [
        ("https://a.example", "https://b.example/x", "https://a.example"),
        ("null", "https://b.example/x?y#z", "https://b.example"),
        ("", "https://b.example:81/x", "https://b.example:81"),
        (None, "https://b.example", "https://b.example"),
        (None, "about:blank", None),
        (None, "https://[", None),
        ("null", None, None),
        (None, None, None),
    ],
)
def test_page_is_the_origin_or_else_the_referer(origin: Any, referer: Any, page: Any) -> None:
    assert page_of(origin, referer) == page


@given(st.text(max_size=80), st.lists(st.text(max_size=40), max_size=4))
def test_origin_rules_never_fail(page: str, patterns: list[str]) -> None:
    is_allowed(page, patterns)
    page_of(page, page)


@pytest.mark.parametrize(
    "text",
    [
        "jane@example.com",
        "j.d+tag@sub.example.co.uk",
        "o'neil_x@example.museum",
        '"quoted name"@example.com',
        "jane@localhost",
        "jane@[127.0.0.1]",
        "jane@[IPv6:::1]",
        "用户@例子.广告",
        "jörg@müller.de",
        "a@b.co",
        "x@corp.local",
    ],
)
def test_email_is_accepted(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jane",
        "@example.com",
        "jane@",
        "jane@example",
        "jane@.com",
        "jane@example..com",
        "jane@-example.com",
        "jane@example-.com",
        "jane@example.c",
        "a b@example.com",
        "jane@exa mple.com",
        ".jane@example.com",
        "jane.@example.com",
        "ja..ne@example.com",
        "jane@example.com\n",
        "jane@[300.1.1.1]",
        "jane@example.com, joe@example.com",
        "<jane@example.com>",
        "a" * 320 + "@example.com",
    ],
)
def test_email_is_refused(text: str) -> None:
    assert not is_email(text)


ASKING = Appearance(Requirement.REQUIRED, Requirement.REQUIRED, True, "", "auto")
GOOD = {"name": "Jane", "email": "jane@example.com", "comments": "It broke."}


def long(characters: int, limit: int) -> str:
    return f"Ensure this value has at most {limit} characters (it has {characters})."


@pytest.mark.parametrize(
    ("field", "value", "messages"),
    [
        ("name", "", [REQUIRED_MESSAGE]),
        ("name", " \t\n ", [REQUIRED_MESSAGE]),
        ("name", "n" * 128, None),
        ("name", "  " + "n" * 128 + "  ", None),
        ("name", "n" * 129, [long(129, 128)]),
        ("name", "a\x00b", [NUL_MESSAGE]),
        ("email", "", [REQUIRED_MESSAGE]),
        ("email", "nonsense", [EMAIL_MESSAGE]),
        ("email", "a" * 63 + "@example.com", None),
        ("email", "a" * 64 + "@example.com", [long(76, 75)]),
        ("email", "x" * 80, [EMAIL_MESSAGE, long(80, 75)]),
        ("email", "a\x00b@example.com", [EMAIL_MESSAGE, NUL_MESSAGE]),
        ("comments", "", [REQUIRED_MESSAGE]),
        ("comments", "c" * 4096, None),
        ("comments", "😀" * 4096, None),
        ("comments", "c" * 4097, [long(4097, 4096)]),
        ("comments", "c" * 4097 + "\x00", [long(4098, 4096), NUL_MESSAGE]),
    ],
)
def test_form_is_checked_field_by_field(field: str, value: str, messages: list[str] | None) -> None:
    result = check_form(GOOD | {field: value}, ASKING, 0)
    if messages is None:
        assert isinstance(result, Form)
        assert getattr(result, field) == value.strip()
    else:
        assert result == {field: messages}


def test_form_names_every_missing_field() -> None:
    assert check_form({}, ASKING, 0) == {field: [REQUIRED_MESSAGE] for field in ("name", "email", "comments")}


def test_form_follows_the_project() -> None:
    relaxed = Appearance(Requirement.HIDDEN, Requirement.OPTIONAL, True, "", "auto")
    assert check_form({"comments": "x", "name": "Jane"}, relaxed, 0) == Form("", "", "x")
    assert check_form({"comments": "x", "email": "bad"}, relaxed, 0) == {"email": [EMAIL_MESSAGE]}


@pytest.mark.parametrize(
    ("more", "marks"),
    [
        ({}, ()),
        ({"homepage": ""}, ()),
        ({"homepage": "https://spam.example"}, ("honeypot",)),
        ({"elapsed": "1999"}, ("too_fast",)),
        ({"elapsed": "2000"}, ()),
        ({"elapsed": "-1"}, ()),
        ({"elapsed": "²"}, ()),
        ({"elapsed": "9" * 500}, ()),
        ({"elapsed": "0", "homepage": "x"}, ("honeypot", "too_fast")),
    ],
)
def test_machines_are_only_marked(more: dict[str, str], marks: tuple[str, ...]) -> None:
    result = check_form(GOOD | more, ASKING, 2_000)
    assert isinstance(result, Form)
    assert result.marks == marks


@pytest.mark.parametrize(
    ("lang", "header", "language"),
    [
        (None, None, "en"),
        ("de", "fr", "de"),
        ("DE_at", None, "de"),
        ("zh-Hant-TW", None, "zh"),
        ("pt-BR", "de", "pt"),
        ("xx", "fr-CA, de;q=0.9", "fr"),
        ("", "xx, pl;q=0.2, ja;q=0.8, *;q=0.1", "ja"),
        (None, "de;q=0, it;q=0.1", "it"),
        (None, "de;q=nonsense, ko", "ko"),
        (None, "*", "en"),
        ("constructor", "," * 500 + "ru", "en"),
        (None, "ar-EG", "ar"),
    ],
)
def test_language_is_chosen(lang: str | None, header: str | None, language: str) -> None:
    assert choose_language(lang, header) == language


def test_every_language_has_every_text_and_nothing_else() -> None:
    assert set(TEXTS) == {"en", "de", "fr", "es", "pt", "it", "nl", "pl", "ja", "zh", "ko", "ru", "ar"}
    for language, own in TEXTS.items():
        assert set(own) == set(TEXTS["en"]), language
        assert all(own.values())
        assert "{max}" in own["fieldLong"]


def test_missing_texts_are_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(TEXTS["de"], "title")
    assert texts("de")["title"] == TEXTS["en"]["title"]
    assert texts("de")["labelClose"] == "Schließen"


def project(**options: Any) -> ProjectConfig:
    names = {"name": "feedback:modal_name", "accent": "feedback:modal_accent", "theme": "feedback:modal_theme"}
    return ProjectConfig(
        id=1,
        slug="web",
        name="web",
        organization_id=1,
        organization_slug="demo",
        options={names.get(key, f"feedback:{key}"): value for key, value in options.items()},
    )


def test_appearance_takes_only_declared_values() -> None:
    assert Appearance.of(project()) == ASKING
    assert Appearance.of(project(name="sometimes", accent="red;}", theme="pink", branding="0")) == Appearance(
        Requirement.REQUIRED, Requirement.REQUIRED, False, "", "auto"
    )
    assert Appearance.of(project(name=["x"], accent=7, theme=None, branding="1")) == ASKING
    assert Appearance.of(project(accent="#ABCDEF", theme="dark")).accent == "#abcdef"


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        values = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@given(st.integers(0, 0xFFFFFF))
def test_text_on_any_accent_can_be_read(number: int) -> None:
    accent = f"#{number:06x}"
    assert contrast(accent, ink_on(accent)) >= 4.3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"http://{'a' * 32}@host/1", DsnReference("a" * 32, 1)),
        (f"https://{'a' * 32}:secret@host:9/path/prefix/42/", DsnReference("a" * 32, 42)),
        (f"//{'a' * 32}@anything/7", DsnReference("a" * 32, 7)),
        (None, None),
        ("", None),
        ("http://short@host/1", None),
        (f"http://{'a' * 32}@host/", None),
        (f"http://{'a' * 32}@host/web", None),
        (f"http://{'a' * 32}@host/{'9' * 20}", None),
        (f"http://{'a' * 31}\x00@host/1", None),
        (f"http://{'é' * 32}@host/1", None),
        (f"http://{'a' * 32}@[::1/1", None),
    ],
)
def test_dsn_is_read(text: str | None, found: DsnReference | None) -> None:
    assert parse_dsn(text) == found


def test_query_takes_the_last_value_and_never_fails() -> None:
    assert parse_query(b"a=1&a=2&b=&=x&c") == {"a": "2", "b": "", "": "x", "c": ""}
    assert parse_query(b"a=%FF&b=" + "ü".encode()) == {"a": "�", "b": "ü"}
    assert len(parse_query(b"&".join(b"k%d=1" % i for i in range(5_000)))) <= 256
    assert read_event_id({}) is None
    assert read_event_id({"eventId": ""}) == ""
    assert read_event_id({"eventId": "01234567-89AB-cdef-0123-456789abcdef"}) == "0123456789abcdef0123456789abcdef"


@given(st.binary(max_size=300))
def test_any_query_can_be_read(query: bytes) -> None:
    parameters = parse_query(query)
    parse_dsn(parameters.get("dsn"))
    read_event_id(parameters)
