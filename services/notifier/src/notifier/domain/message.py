"""Messages of RFC 5322 with a text and an HTML part, without the time that the library takes for each header.

The library parses each header that is set and folds it token by token, five milliseconds for a mail. It writes a
long URL as encoded words, which no program takes for a link, and loses spaces between words that it encodes. Here
it gets headers that are folded already, except for addresses with names that need to be encoded.
"""

from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Mapping
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy, Policy
from typing import Any, Final

_LINE_LENGTH_MAX: Final = 78
_WORD_LENGTH_MAX: Final = 900  # a line may have 998 characters
# "=_" is in no body that is encoded (RFC 2045, section 6.7), so that no text can end its part.
_BOUNDARY: Final = "=_alternative"


class _Folded(str):
    """A header and its lines, with what the library's policies ask a header for: a name, and to be folded."""

    name: str
    lines: list[str]

    def fold(self, *, policy: Policy) -> str:
        """Return the header as it is sent."""
        return f"{self.name}: {policy.linesep.join(self.lines)}{policy.linesep}"


class _FoldedHeaders(EmailPolicy):
    """Folds headers of plain words at their spaces, and encodes subjects; leaves other headers to the library."""

    def header_max_count(self, name: str) -> int | None:
        return None

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        if not _is_plain(value) and name != "Subject":
            return super().header_store_parse(name, value)
        header = _Folded(value)
        header.name = name
        header.lines = _lines(name, value) if _is_plain(value) else _encoded(name, value)
        return name, header


def _is_plain(text: str) -> bool:
    """Return whether a text is words that need no encoding."""
    words = text.split()
    return (
        text.isascii()
        and text.isprintable()
        and "=?" not in text
        and " ".join(words) == text != ""
        and max(map(len, words)) <= _WORD_LENGTH_MAX
    )


def _lines(name: str, value: str) -> list[str]:
    """Fold plain words; one that is too long for a line has one of its own."""
    lines, length = [""], len(f"{name}:")
    for word in value.split(" "):
        length += 1 + len(word)
        if not lines[-1] or length <= _LINE_LENGTH_MAX:
            lines[-1] += f" {word}"
        else:
            lines.append(f" {word}")
            length = 1 + len(word)
    return [lines[0][1:], *lines[1:]]


def _encoded(name: str, value: str) -> list[str]:
    return Header(value, "utf-8", header_name=name).encode().split("\n")


_POLICY: Final = _FoldedHeaders()


def alternatives(headers: Mapping[str, str], text: str, html: str) -> EmailMessage:
    """Return the message with headers, and the same content as text and as HTML; raise ValueError."""
    message = EmailMessage(_POLICY)
    for name, value in headers.items():
        message[name] = value
    message["MIME-Version"] = "1.0"
    message["Content-Type"] = f'multipart/alternative; boundary="{_BOUNDARY}"'
    message.set_payload([_part("plain", text), _part("html", html)])
    return message


def _part(subtype: str, text: str) -> EmailMessage:
    """Return a part in the encoding that is shorter: quoted-printable, or Base64 for most other scripts."""
    content = b"\n".join(text.encode().splitlines()) + b"\n"
    quoted, encoded = b2a_qp(content), encodebytes(content)
    is_quoted = len(quoted) <= len(encoded)
    part = EmailMessage(_POLICY)
    part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = "quoted-printable" if is_quoted else "base64"
    part.set_payload((quoted if is_quoted else encoded).decode("ascii"))
    return part
