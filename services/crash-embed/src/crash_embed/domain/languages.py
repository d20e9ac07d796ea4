"""Choose the dialog's language."""

from collections.abc import Sequence

from crash_embed.domain.texts import LANGUAGES, TEXTS

RIGHT_TO_LEFT = frozenset({"ar"})
FALLBACK = "en"
_RANGES_MAX = 32


def choose_language(lang: str | None, accept_language: str | None) -> str:
    """Return `lang` if it is supported, else the best of `Accept-Language`, else English."""
    found = _known(lang or "")
    if found:
        return found
    return next((code for code in map(_known, _preferred(accept_language or "")) if code), FALLBACK)


def direction(language: str) -> str:
    """Return the text direction, `rtl` or `ltr`."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def texts(language: str) -> dict[str, str]:
    """Return every text in a language, English where it has none."""
    return TEXTS[FALLBACK] | TEXTS.get(language, {})


def _known(tag: str) -> str | None:
    code = tag.strip().replace("_", "-").partition("-")[0].lower()
    return code if code in LANGUAGES else None


def _preferred(header: str) -> Sequence[str]:
    """Return the tags of an Accept-Language header by weight, without those of weight 0."""
    weighted: list[tuple[float, str]] = []
    for part in header.split(",")[:_RANGES_MAX]:
        tag, _, parameters = part.partition(";")
        weight = _weight(parameters)
        if weight > 0:
            weighted.append((weight, tag))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0
