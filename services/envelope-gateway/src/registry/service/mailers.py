"""What sends mail: an SMTP server, or a folder of `.eml` files as long as none is set up."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from hearback_kit.errors import BadRequest

_SECONDS_MAX: Final = 20.0
_PORTS: Final = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


class MailFolder:
    """Writes each mail to a file that appears when it is complete; only the owner can read it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        """Write a mail; the same one again replaces its file."""
        await asyncio.to_thread(self._write, message)

    def _write(self, message: EmailMessage) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = parsedate_to_datetime(message["Date"]).strftime("%Y%m%dT%H%M%SZ")
        name = message["Message-ID"].strip("<>").partition("@")[0]
        target = self._folder / f"{stamp}-{name}.eml"
        partial = target.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_bytes(bytes(message))
        partial.replace(target)


class SmtpServer:
    """Sends by an SMTP server at `smtp://`, `smtp+starttls://` (required) or `smtps://`, with user and password.

    With plain `smtp://` STARTTLS is used when the server offers it; `?starttls=never` does without.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise BadRequest("The mail URL is smtp://, smtp+starttls:// or smtps:// with a host.", code="smtp_url")
        self._host = parts.hostname
        self._port = parts.port or _PORTS[parts.scheme]
        self._is_tls = parts.scheme == "smtps"
        self._is_starttls_required = parts.scheme == "smtp+starttls"
        self._is_starttls_refused = self._is_tls or parse_qs(parts.query).get("starttls") == ["never"]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")

    async def send(self, message: EmailMessage) -> None:
        """Send a mail; raise OSError or SMTPException."""
        await asyncio.to_thread(self._send, message)

    def _send(self, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        if self._is_tls:
            client: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=_SECONDS_MAX, context=context)
        else:
            client = smtplib.SMTP(self._host, self._port, timeout=_SECONDS_MAX)
        with client:
            client.ehlo()
            if self._is_starttls_required or (client.has_extn("starttls") and not self._is_starttls_refused):
                client.starttls(context=context)
            if self._user:
                client.login(self._user, self._password)
            client.send_message(message)
