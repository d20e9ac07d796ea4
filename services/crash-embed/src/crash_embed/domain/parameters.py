"""The query of the dialog: last value wins, unknown parameters are ignored."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from hearback_contracts.identifiers import is_public_key, parse_event_id

# What `showReportDialog` lets a page say itself (reference: feedback-backend 6.4).
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
PARAMETERS_MAX = 256


@dataclass(frozen=True, slots=True)
class DsnReference:
    """The two parts of a DSN that count here: the host is ignored."""

    public_key: str
    project_id: int


def parse_query(query: bytes) -> dict[str, str]:
    """Parameters by name; beyond `PARAMETERS_MAX` nothing is read, and nothing ever fails."""
    text = "&".join(query.decode("utf-8", "replace").split("&", PARAMETERS_MAX)[:PARAMETERS_MAX])
    return dict(parse_qsl(text, keep_blank_values=True))


def read_event_id(parameters: dict[str, str]) -> str | None:
    """The event id in its plain form, "" for an empty one; None when missing or malformed."""
    given = parameters.get("eventId")
    return "" if given == "" else parse_event_id(given)


def parse_dsn(text: str | None) -> DsnReference | None:
    """The public key and project id of a DSN, or None when it cannot be one."""
    if not text or "\x00" in text:
        return None
    try:
        parts = urlsplit(text.strip())
        public_key = parts.username or ""
    except ValueError:
        return None
    project = parts.path.rstrip("/").rpartition("/")[2]
    if not is_public_key(public_key) or not (project.isascii() and project.isdigit()) or len(project) > 19:
        return None
    return DsnReference(public_key, int(project))
