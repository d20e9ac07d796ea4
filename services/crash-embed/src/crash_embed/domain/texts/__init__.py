"""The dialog's texts, one module per language; a text that a language lacks is shown in English."""

from typing import Final

from crash_embed.domain.texts import ar, de, en, es, fr, it, ja, ko, nl, pl, pt, ru, zh

_MODULES: Final = (ar, de, en, es, fr, it, ja, ko, nl, pl, pt, ru, zh)
TEXTS: Final[dict[str, dict[str, str]]] = {one.__name__.rpartition(".")[2]: one.TEXTS for one in _MODULES}
LANGUAGES: Final = frozenset(TEXTS)
