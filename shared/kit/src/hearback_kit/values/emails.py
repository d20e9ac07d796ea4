"""Validate the form of e-mail addresses, and find one in texts."""

import re
from ipaddress import ip_address

# Dot-separated words of RFC 5322 characters, letters of any script among them, or a quoted string.
_LOCAL = re.compile(
    r"[-!#$%&'*+/=?^_`{}|~\w]+(?:\.[-!#$%&'*+/=?^_`{}|~\w]+)*\Z|\"(?:[^\"\\\x00-\x1f\x7f]|\\.)*\"\Z"
)
_LABEL = re.compile(r"[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?\Z")
_LENGTH_MAX = 320


def is_email(text: str) -> bool:
    """Return whether `text` has the form of one address, such as `a.b+c@example.com`.

    Accepted as well: `localhost`, IP literals in brackets, international domains and local parts.
    """
    local, at, domain = text.rpartition("@")
    if not at or len(text) > _LENGTH_MAX or not _LOCAL.match(local):
        return False
    if domain.startswith("[") and domain.endswith("]"):
        return _is_address(domain[1:-1].removeprefix("IPv6:"))
    if domain.lower() == "localhost":
        return True
    labels = domain.split(".")
    ends_well = len(labels[-1]) > 1 and not labels[-1].isdecimal()
    return len(labels) > 1 and ends_well and all(_LABEL.match(label) for label in labels)


def address_pattern(address: str) -> str:
    """Return a regular expression, for Python and PostgreSQL, of texts that are an address or `Name <address>`.

    Blanks around it do not count; whoever uses it sees to it that case does not.
    """
    quoted = re.escape(address)
    return rf"^\s*{quoted}\s*$|<\s*{quoted}\s*>\s*$"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
