"""A pipelined connection to Valkey for hot paths: RESP encoded by hand, replies matched in order.

A general client spends more time on a command than the server does (measured by `tests/bench`).
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from hearback_kit.errors import Unavailable
from hearback_kit.resp_link import Link, NotSent
from hearback_kit.shared_calls import SharedCalls
from hearback_kit.valkey_address import read_address

_ROLE: Final = ["ROLE"]
REPLICAS_MS_MAX: Final = 1_000
CONNECT_SECONDS_MAX: Final = 2.0  # and no longer than for an answer


def encode_command(*arguments: bytes | str | int) -> bytes:
    """Encode a command as a RESP array of bulk strings."""
    return b"*%d\r\n%b" % (len(arguments), encode_arguments(arguments))


def encode_arguments(arguments: Iterable[bytes | str | int]) -> bytes:
    """Encode the arguments of a command, which their number precedes."""
    parts = []
    for argument in arguments:
        raw = argument if isinstance(argument, bytes) else str(argument).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(parts)


MULTI: Final = encode_command("MULTI")
EXEC: Final = encode_command("EXEC")


class Wire(ABC):
    """A destination of encoded commands: a server, or the cluster node of a slot."""

    replicas_min: int

    @abstractmethod
    async def send(self, parts: Iterable[bytes], answers: int) -> Any:
        """Write encoded commands with `answers` replies; return the last one.

        An error reply is returned as an exception, not raised. Raise NotSent without a connection, and Unavailable
        without a reply: then the commands may or may not have been executed.
        """

    @abstractmethod
    async def send_to_replicas(self, parts: Iterable[bytes], answers: int) -> Any:
        """Like `send`; also raise Unavailable unless `replicas_min` replicas acknowledge it in time (WAIT)."""

    async def command(self, *arguments: bytes | str | int) -> Any:
        """Execute a command; raise the server's error."""
        answer = await self.send([encode_command(*arguments)], 1)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def ping(self) -> None:
        """Raise Unavailable unless the server answers."""
        await self.command("PING")


class RespConnection(Wire):
    """A connection that is made on first use and again after a loss.

    Callers bound the write buffer, since each awaits its reply. For `url` see `valkey_address`; `replicas_min` is
    for `send_to_replicas`.
    """

    def __init__(self, url: str, *, answer_seconds_max: float = 5.0, replicas_min: int = 0) -> None:
        self._url = url
        server_url, self._sentinels = read_address(url)
        self._address = urlsplit(server_url)
        self.replicas_min = replicas_min
        self._answer_seconds_max = answer_seconds_max
        self._link: Link | None = None
        self._connecting: SharedCalls[None, Link] = SharedCalls()

    def another(self, *, answer_seconds_max: float) -> Self:
        """Return another connection to the same server."""
        return type(self)(self._url, answer_seconds_max=answer_seconds_max, replicas_min=self.replicas_min)

    async def send(self, parts: Iterable[bytes], answers: int) -> Any:
        """See `Wire`."""
        link = self._link
        if link is None or link.lost:
            link = await self._usable_link()
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        link.write(b"".join(parts), answers, future)
        timer = loop.call_later(self._answer_seconds_max, self._give_up, link, future)
        try:
            return await future
        finally:
            timer.cancel()

    async def send_to_replicas(self, parts: Iterable[bytes], answers: int) -> Any:
        """See `Wire`."""
        link = await self._usable_link()
        loop = asyncio.get_running_loop()
        answered, replicated = loop.create_future(), loop.create_future()
        link.write(b"".join(parts), answers, answered)
        link.write(encode_command("WAIT", self.replicas_min, REPLICAS_MS_MAX), 1, replicated)
        timer = loop.call_later(self._answer_seconds_max, self._give_up, link, replicated)
        try:
            answer, replicas = await asyncio.gather(answered, replicated)
        finally:
            timer.cancel()
        if isinstance(answer, Exception):
            return answer
        if not isinstance(replicas, int) or replicas < self.replicas_min:
            self._drop(link)
            raise Unavailable("too few replicas of the stream server have it")
        return answer

    async def _usable_link(self) -> Link:
        """Return the link, reconnecting if necessary. Raise NotSent."""
        link = self._link
        if link is None or link.lost:
            try:
                link = await self._connected()
            except Unavailable as error:
                raise NotSent(error.detail) from error
            if link.lost:
                raise NotSent("the stream server closed the connection")
        return link

    def _give_up(self, link: Link, future: "asyncio.Future[Any]") -> None:
        if not future.done():
            future.set_exception(Unavailable("the stream server does not answer"))
        self._drop(link)

    async def _connected(self) -> Link:
        """Connect once for all waiters; cancelling one does not affect the others."""
        task = self._connecting.begin(None, self._connect)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():  # by `close`, while the caller was not
                raise Unavailable("the connection to the stream server was closed") from None
            raise

    async def _connect(self) -> Link:
        link = Link()
        try:
            async with asyncio.timeout(min(CONNECT_SECONDS_MAX, self._answer_seconds_max)):
                await self._open(link)
                await self._greet(link)
        except Unavailable:
            raise
        except Exception as error:  # of any class: a peer that accepts and resets causes a RuntimeError
            raise Unavailable("the stream server cannot be reached") from error
        else:
            self._link = link
            return link
        finally:
            if self._link is not link and link.transport is not None:
                link.transport.abort()

    async def _open(self, link: Link) -> None:
        loop = asyncio.get_running_loop()
        if self._address.scheme == "unix":
            await loop.create_unix_connection(lambda: link, unquote(self._address.path))
            return
        host, port = self._address.hostname or "127.0.0.1", self._address.port or 6379
        if self._sentinels is not None:
            host, port = await self._sentinels.primary()
        await loop.create_connection(
            lambda: link,
            host,
            port,
            ssl=True if self._address.scheme in {"rediss", "valkeys"} else None,
        )

    async def _greet(self, link: Link) -> None:
        for greeting in self._greetings():
            future = asyncio.get_running_loop().create_future()
            link.write(encode_command(*greeting), 1, future)
            answer = await future
            if isinstance(answer, Exception):
                raise Unavailable("the stream server refused the connection") from answer
            if greeting == _ROLE and (not isinstance(answer, list) or answer[0] != b"master"):
                assert self._sentinels is not None, "only they are asked for a primary"
                self._sentinels.doubt()
                raise Unavailable("the stream server is not the primary yet")

    def _greetings(self) -> Sequence[Sequence[str]]:
        greetings: list[list[str]] = []
        if self._address.password:
            user = [unquote(self._address.username)] if self._address.username else []
            greetings.append(["AUTH", *user, unquote(self._address.password)])
        database = dict(parse_qsl(self._address.query)).get("db", "")
        if not database and self._address.scheme != "unix":
            database = self._address.path.strip("/")
        if database and database != "0":
            greetings.append(["SELECT", database])
        greetings.append(["PING"] if self._sentinels is None else _ROLE)
        return greetings

    def close(self) -> None:
        """Drop the connection; waiters get Unavailable."""
        self._connecting.cancel()
        if self._link is not None:
            self._drop(self._link)

    def _drop(self, link: Link) -> None:
        if self._link is link:
            self._link = None
        if link.transport is not None:
            link.transport.abort()
