"""Translatable texts; `make generate` extracts them to `shared/web/locales/hearback.pot`.

Templates mark them with `{% trans %}` or `_("…")`, code with `_("…")`.
"""

import json
from gettext import NullTranslations
from typing import Final

TRANSLATIONS: Final = NullTranslations()


def gettext(text: str) -> str:
    """Return the translation of a text; only English exists so far."""
    return TRANSLATIONS.gettext(text)


def ngettext(one: str, many: str, number: int) -> str:
    """Return the translation of a text for a number of things."""
    return TRANSLATIONS.ngettext(one, many, number)


def script_texts() -> str:
    """Return the texts of the scripts of every page, as JSON."""
    texts = {
        "now": gettext("just now"),
        "ago": [gettext("{} min ago"), gettext("{} h ago"), gettext("{} d ago")],
        "in": [gettext("in {} min"), gettext("in {} h"), gettext("in {} d")],
        "dismiss": gettext("Dismiss"),
        "copied": gettext("Copied."),
        "failed": gettext("That did not work. Try again."),
        "restored": gettext("What you typed is here again. It is not saved yet."),
        "unreachable": gettext("The server cannot be reached. Nothing was changed."),
    }
    return json.dumps(texts)
