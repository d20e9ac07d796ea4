"""Texts of pages. Every one is in the catalogue `shared/web/locales/hearback.pot`, from where it is translated.

Templates mark them by `{% trans %}` or `_("…")`, code by `_("…")`.
"""

import json
from gettext import NullTranslations
from typing import Final

TRANSLATIONS: Final = NullTranslations()


def gettext(text: str) -> str:
    """Return a text in the reader's language, which is English so far."""
    return TRANSLATIONS.gettext(text)


def ngettext(one: str, many: str, number: int) -> str:
    """Return the text for a number of things in the reader's language."""
    return TRANSLATIONS.ngettext(one, many, number)


def script_texts() -> str:
    """Return the texts of the shared script, as JSON."""
    texts = {
        "now": gettext("just now"),
        "ago": [gettext("{} min ago"), gettext("{} h ago"), gettext("{} d ago")],
        "in": [gettext("in {} min"), gettext("in {} h"), gettext("in {} d")],
        "dismiss": gettext("Dismiss"),
        "copied": gettext("Copied."),
        "failed": gettext("That did not work. Try again."),
        "unreachable": gettext("The server cannot be reached. Nothing was changed."),
    }
    return json.dumps(texts)
