"""Mail that a fleet without a mail server writes as `.eml` files below `<data-dir>/mail/`."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError

SUFFIX = ".eml"


def list_mail(data_dir: DataDir, limit: int) -> list[dict[str, Any]]:
    """Return name, date, recipient and subject of the latest mails, newest first."""
    paths = sorted(_files(data_dir), key=lambda path: (path.stat().st_mtime, path.name), reverse=True)
    return [_summary(path, _parse(path)) for path in paths[:limit]]


def show_mail(data_dir: DataDir, name: str) -> dict[str, Any]:
    """Return a mail with its headers and text; `name` is one of `list_mail`, with or without `.eml`.

    Raises FleetError if there is no such mail.
    """
    known = {path.name.removesuffix(SUFFIX): path for path in _files(data_dir)}
    path = known.get(name.removesuffix(SUFFIX))
    if path is None:
        raise FleetError(f"no mail {name} in {data_dir.mail}")
    message = _parse(path)
    body = message.get_body(preferencelist=("plain", "html"))
    return {
        **_summary(path, message),
        "from": _header(message, "From"),
        "message_id": _header(message, "Message-ID"),
        "file": str(path),
        "text": body.get_content() if body is not None else "",
    }


def delete_mail_naming(data_dir: DataDir, address: str) -> int:
    """Delete all mails with an address in a header or the text; return their number."""
    count = 0
    for path in _files(data_dir):
        message = _parse(path)
        texts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
        if any(address in str(text).lower() for text in [*message.values(), *texts]):
            path.unlink()
            count += 1
    return count


def why_none(data_dir: DataDir, environment: dict[str, Any]) -> str:
    """Return why there is no mail. `environment` is the running fleet's, or empty."""
    if environment.get("HEARBACK_SMTP_URL"):
        return "no mail is kept here: this fleet sends it to the server of HEARBACK_SMTP_URL"
    return f"no mail has been written to {data_dir.mail}"


def _files(data_dir: DataDir) -> list[Path]:
    return [path for path in data_dir.mail.glob(f"*{SUFFIX}") if path.is_file()]


def _parse(path: Path) -> EmailMessage:
    with path.open("rb") as file:
        return BytesParser(policy=policy.default).parse(file)


def _summary(path: Path, message: EmailMessage) -> dict[str, Any]:
    return {
        "name": path.name.removesuffix(SUFFIX),
        "date": _header(message, "Date"),
        "to": _header(message, "To"),
        "subject": _header(message, "Subject"),
    }


def _header(message: EmailMessage, name: str) -> str | None:
    value = message.get(name)
    return None if value is None else str(value)
