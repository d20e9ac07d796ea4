"""Send mail to an SMTP server, or write it to a folder.

SMTP cannot detect a message that is sent twice. Callers set a `Message-ID` that is stable across retries, so that
mail programs show it once.
"""

import asyncio
import math
import os
import re
from email.message import EmailMessage
from pathlib import Path
from time import monotonic
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from pydantic import SecretStr

from hearback_kit.errors import BadRequest

_PORTS: Final = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_FILE_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")
_ANSWER_LENGTH_MAX: Final = 300
WHOLE: Final = 3  # times the time for one answer that a server may take for a message, with what precedes it


class MailRefused(Exception):
    """A server did not take a message.

    `is_permanent`: it never will; else try again later. `ends_recipient`: it never takes any for this recipient.
    """

    def __init__(self, answer: str, *, is_permanent: bool, ends_recipient: bool = False) -> None:
        super().__init__(answer)
        self.answer = answer[:_ANSWER_LENGTH_MAX]
        self.is_permanent = is_permanent
        self.ends_recipient = ends_recipient


class MailNotBegun(Exception):
    """A message was not sent: no connection was free in time."""


class MailTransport(Protocol):
    """Sends messages."""

    async def send(
        self, message: EmailMessage, sender: str, recipient: str, *, begin_before: float = math.inf
    ) -> str:
        """Send a message; return the response.

        Raise MailRefused; MailNotBegun if it had to wait until the monotonic time `begin_before`.
        """

    async def close(self) -> None:
        """Close the connections."""


class MailFolder:
    """Writes each message to an `.eml` file named by its Message-ID, so a repeated one replaces it.

    Files are written atomically, and readable by their owner only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(
        self, message: EmailMessage, sender: str, recipient: str, *, begin_before: float = math.inf
    ) -> str:
        """Write the message; return the name of its file."""
        name = _FILE_NAME.sub("_", str(message["Message-ID"]).strip("<>"))[:200] + ".eml"
        try:
            await asyncio.to_thread(self._write, name, bytes(message))
        except OSError as error:
            raise MailRefused(
                f"the mail folder cannot be written: {error.strerror}", is_permanent=False
            ) from error
        return f"written to {name}"

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._folder / f".{name}.{os.getpid()}"
        try:
            draft.touch(mode=0o600)
            draft.write_bytes(content)
            draft.replace(self._folder / name)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    async def close(self) -> None:
        """Do nothing."""


class SmtpServer:
    """An SMTP server: `smtp://`, `smtp+starttls://` (required) or `smtps://`, with user and password in the URL.

    With plain `smtp://` STARTTLS is used if the server offers it, unless `?starttls=never`. At most
    `connections_max` connections are open, and are reused.
    """

    def __init__(self, url: str, *, connections_max: int = 4, seconds_max: float = 30.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise BadRequest("The mail URL is smtp://, smtp+starttls:// or smtps:// with a host.", code="smtp_url")
        never = parse_qs(parts.query).get("starttls") == ["never"]
        self._options = {
            "hostname": parts.hostname,
            "port": parts.port or _PORTS[parts.scheme],
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            "use_tls": parts.scheme == "smtps",
            "start_tls": {"smtp+starttls": True, "smtps": False}.get(parts.scheme, False if never else None),
            "timeout": seconds_max,
        }
        self._seconds_max = WHOLE * seconds_max
        self._free: list[aiosmtplib.SMTP] = []
        self._turns = asyncio.Semaphore(connections_max)

    async def send(
        self, message: EmailMessage, sender: str, recipient: str, *, begin_before: float = math.inf
    ) -> str:
        """Send a message on an idle connection; return the response. Raise MailRefused or MailNotBegun."""
        async with self._turns:
            if monotonic() >= begin_before:
                raise MailNotBegun
            try:
                async with asyncio.timeout(self._seconds_max):
                    return await self._hand_over(message, sender, recipient)
            except TimeoutError as error:
                answer = f"not taken within {self._seconds_max:g} s"
                raise MailRefused(answer, is_permanent=False) from error

    async def _hand_over(self, message: EmailMessage, sender: str, recipient: str) -> str:
        connection = await self._connection()
        try:
            refused, answer = await connection.send_message(message, sender=sender, recipients=[recipient])
        except aiosmtplib.SMTPRecipientsRefused as error:
            await self._reset(connection)
            raise _recipient_refused(error.recipients[0]) from error
        except aiosmtplib.SMTPSenderRefused as error:  # a fault of ours, so the message waits until it is fixed
            await self._reset(connection)
            raise MailRefused(f"sender refused: {error.code} {error.message}", is_permanent=False) from error
        except aiosmtplib.SMTPResponseException as error:
            await self._reset(connection)
            raise MailRefused(f"{error.code} {error.message}", is_permanent=_is_final(error)) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            connection.close()
            raise MailRefused(f"no connection: {error}", is_permanent=False) from error
        except asyncio.CancelledError:  # in the middle of a message
            connection.close()
            raise
        self._free.append(connection)
        return f"{answer}"[:_ANSWER_LENGTH_MAX] if not refused else f"{refused}"[:_ANSWER_LENGTH_MAX]

    async def _connection(self) -> aiosmtplib.SMTP:
        while self._free:
            connection = self._free.pop()
            if connection.is_connected:
                return connection
        connection = aiosmtplib.SMTP(**self._options)  # type: ignore[arg-type]
        try:
            await connection.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            raise MailRefused(f"sign-in refused: {error.code} {error.message}", is_permanent=False) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailRefused(f"no connection: {error}", is_permanent=False) from error
        except asyncio.CancelledError:
            connection.close()
            raise
        return connection

    async def _reset(self, connection: aiosmtplib.SMTP) -> None:
        try:
            await connection.rset()
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise
        else:
            self._free.append(connection)

    async def close(self) -> None:
        """Quit every idle connection."""
        while self._free:
            connection = self._free.pop()
            try:
                await connection.quit()
            except (aiosmtplib.SMTPException, OSError, TimeoutError):
                connection.close()


def _recipient_refused(error: aiosmtplib.SMTPResponseException) -> MailRefused:
    """A refusal by policy (RFC 3463: 5.7), such as "relay access denied", is about us, not the address."""
    is_final = _is_final(error) and not error.message.lstrip().startswith("5.7.")
    return MailRefused(f"{error.code} {error.message}", is_permanent=is_final, ends_recipient=is_final)


def _is_final(error: aiosmtplib.SMTPResponseException) -> bool:
    return 500 <= error.code < 600


def mail_transport(url: SecretStr | None, data_dir: Path, **options: Any) -> MailTransport:
    """Return the SMTP server of a URL, with `options`, or else the folder `mail`."""
    return MailFolder(data_dir / "mail") if url is None else SmtpServer(url.get_secret_value(), **options)
