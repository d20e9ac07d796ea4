"""The mail of one or several notices: headers, text and HTML parts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import Any, Final

from msgspec.structs import replace

from notifier.domain.message import alternatives
from notifier.domain.notice import Kind, Notice
from notifier.domain.texts import RIGHT_TO_LEFT, in_words, language_of, words

# Renders the text and the HTML part of a mail.
Renderer = Callable[[Mapping[str, Any]], tuple[str, str]]
SUBJECT_LENGTH_MAX: Final = 200
_HEADINGS: Final = {
    Kind.FEEDBACK: "new_feedback",
    Kind.REPORT: "new_report",
    Kind.ALERT: "alert",
    Kind.TEST: "test",
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """Addressing of a mail. Its Message-ID derives from `delivery_id`, so it is stable across retries."""

    delivery_id: int
    sender: str
    recipient: str
    host: str
    language: str | None = None
    unsubscribe_url: str | None = None
    reply_to: str | None = None


def compose(
    envelope: Envelope, notices: Sequence[Notice], render: Renderer, at: datetime, *, more: int = 0
) -> EmailMessage:
    """Return the mail; with several notices a digest, from which `more` were omitted."""
    first, is_digest = notices[0], len(notices) + more > 1
    language = language_of(envelope.language)
    phrases = words(language)
    heading = phrases[_HEADINGS[first.kind]]
    notices = [_in_words(notice, phrases) for notice in notices]
    subject = notices[0].subject
    if is_digest:
        heading = phrases["digest"].format(count=len(notices) + more)
        subject = f"[{first.project}] {heading}"
    text, html = render(
        {
            "language": language,
            "direction": "rtl" if language in RIGHT_TO_LEFT else "ltr",
            "subject": header_text(subject),
            "heading": heading,
            "project": first.project,
            "notices": notices,
            "digest": is_digest,
            "more": more,
            "words": phrases,
            "why": phrases["why"].format(project=first.project),
            "unsubscribe_url": envelope.unsubscribe_url,
        }
    )
    return alternatives(
        _headers(envelope, header_text(subject), "digest" if is_digest else first.thread, at), text, html
    )


def _in_words(notice: Notice, phrases: Mapping[str, str]) -> Notice:
    """Return a notice with its codes translated to the recipient's language."""
    facts = tuple((label, in_words(label, value, phrases)) for label, value in notice.facts)
    if notice.kind is Kind.ALERT:
        return replace(notice, facts=facts, subject=f"[{notice.project}] {notice.title}: {dict(facts)['state']}")
    if notice.kind is Kind.TEST:
        title = phrases["test"]
        subject = f"[{notice.project}] {title}"
        return replace(notice, subject=subject, title=title, text=phrases["test_text"])
    return replace(notice, facts=facts)


def _headers(envelope: Envelope, subject: str, thread: str, at: datetime) -> dict[str, str]:
    headers = {
        "From": _sender(envelope.sender),
        "To": _recipient(envelope.recipient),
        "Subject": subject,
        "Date": format_datetime(at),
        "Message-ID": f"<delivery-{envelope.delivery_id}@{envelope.host}>",
    }
    if thread != "digest":
        headers["References"] = headers["In-Reply-To"] = f"<{thread}@{envelope.host}>"
    headers["Auto-Submitted"] = "auto-generated"
    headers["X-Auto-Response-Suppress"] = "All"
    if envelope.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{envelope.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if envelope.reply_to and is_address(envelope.reply_to):
        headers["Reply-To"] = envelope.reply_to
    return headers


@lru_cache(maxsize=4)
def _sender(text: str) -> str:
    name, address = parseaddr(text)
    return str(Address(name, addr_spec=address))


@lru_cache(maxsize=256)  # to parse an address takes longer than the rest of the headers
def _recipient(text: str) -> str:
    """Return an address as a header has it; raise ValueError, IndexError or MessageError if it cannot be used."""
    return str(Address(addr_spec=text))


def header_text(text: str) -> str:
    """Sanitize a text for a header: one line, no control characters, truncated."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= SUBJECT_LENGTH_MAX else line[: SUBJECT_LENGTH_MAX - 1] + "…"


def is_address(text: str) -> bool:
    """Return whether a text is a single e-mail address that is safe in a header."""
    if not text.isprintable() or " " in text or text.count("@") != 1 or len(text) > 254:
        return False
    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError, MessageError):
        return False
    return bool(address.username and "." in address.domain and text.isascii())
