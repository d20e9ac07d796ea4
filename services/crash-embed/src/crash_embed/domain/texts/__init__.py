"""The dialog's texts, one module per language; a text that a language lacks is shown in English."""

from typing import Final

from crash_embed.domain.texts import ar, de, en, es, fr, it, ja, ko, nl, pl, pt, ru, zh

TEXTS: Final[dict[str, dict[str, str]]] = {
    "ar": ar.TEXTS,
    "de": de.TEXTS,
    "en": en.TEXTS,
    "es": es.TEXTS,
    "fr": fr.TEXTS,
    "it": it.TEXTS,
    "ja": ja.TEXTS,
    "ko": ko.TEXTS,
    "nl": nl.TEXTS,
    "pl": pl.TEXTS,
    "pt": pt.TEXTS,
    "ru": ru.TEXTS,
    "zh": zh.TEXTS,
}
LANGUAGES: Final = frozenset(TEXTS)
