"""Which language the dialog speaks."""

import pytest
from crash_embed.domain.languages import choose_language, texts
from crash_embed.domain.texts import TEXTS
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("lang", "header", "language"),
    [
        (None, None, "en"), ("de", "fr", "de"), ("DE_at", None, "de"), ("zh-Hant-TW", None, "zh"),
        ("pt-BR", "de", "pt"), ("xx", "fr-CA, de;q=0.9", "fr"), ("", "xx, pl;q=0.2, ja;q=0.8, *;q=0.1", "ja"),
        (None, "de;q=0, it;q=0.1", "it"), (None, "de;q=nonsense, ko", "ko"), (None, "*", "en"),
        ("constructor", "," * 500 + "ru", "en"), (None, "ar-EG", "ar"),
    ],
)  # fmt: skip
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


@given(st.text() | st.none(), st.text() | st.none())
def test_any_header_gives_a_language(lang: str | None, header: str | None) -> None:
    assert choose_language(lang, header) in TEXTS
