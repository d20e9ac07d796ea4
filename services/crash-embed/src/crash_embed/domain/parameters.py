"""The query string of the dialog: the last value counts, unknown parameters are ignored."""

from urllib.parse import parse_qsl

from hearback_contracts.identifiers import Dsn, parse_event_id
from hearback_kit.values.nul import NUL

# The texts that `showReportDialog` lets a page replace (protocol: dialog#the-script).
TEXT_PARAMETERS = (
    "title",
    "subtitle",
    "subtitle2",
    "labelName",
    "labelEmail",
    "labelComments",
    "labelClose",
    "labelSubmit",
    "errorGeneric",
    "errorFormEntry",
    "successMessage",
)
# All that a page may set in the dialog.
SHOWN_PARAMETERS = (*TEXT_PARAMETERS, "name", "email", "nonce")
PARAMETERS_MAX = 256


def parse_query(query: bytes) -> dict[str, str]:
    """Return the first `PARAMETERS_MAX` parameters by name; undecodable bytes are replaced."""
    text = "&".join(query.decode("utf-8", "replace").split("&", PARAMETERS_MAX)[:PARAMETERS_MAX])
    return dict(parse_qsl(text, keep_blank_values=True))


def read_event_id(parameters: dict[str, str]) -> str | None:
    """Return the event id as 32 hex digits, "" for an empty one, None if it is missing or malformed."""
    given = parameters.get("eventId")
    return "" if given == "" else parse_event_id(given)


def parse_dsn(text: str | None) -> Dsn | None:
    """Return a DSN, or None; only its public key and project id are used."""
    if not text or NUL in text:
        return None
    try:
        return Dsn.parse(text)
    except ValueError:
        return None
