"""What sends mail: an SMTP server, or a folder of `.eml` files as long as none is set up."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_SECONDS_MAX: Final = 20.0


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
    """Sends by an SMTP server: `smtp://[user:password@]host[:port]` (with STARTTLS where offered) or `smtps://`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        self._is_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._is_tls else 25)
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
            if not self._is_tls and client.has_extn("starttls"):
                client.starttls(context=context)
            if self._user:
                client.login(self._user, self._password)
            client.send_message(message)
