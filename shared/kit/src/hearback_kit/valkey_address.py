"""Where Valkey is: at an address of its own, or where Sentinels say that the primary is.

A URL is `redis://`, `rediss://` (TLS) or `unix://` as redis-py has it, or names Sentinels instead of a server:
`redis+sentinel://user:password@host:26379,host2:26379/name/0`. `name` is what the Sentinels call the primary, `0`
the database; user and password are the server's, the query may have `sentinel_username` and `sentinel_password`.
With `rediss+sentinel://` Sentinels and servers are reached by TLS.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import hiredis

from hearback_kit.errors import Unavailable

SENTINEL_SECONDS_MAX: Final = 0.5
SENTINEL_PORT: Final = 26_379
_SCHEME: Final = re.compile(r"(rediss?)\+sentinel")


class Sentinels:
    """Finds the primary: the first Sentinel that knows it is asked first the next time."""

    def __init__(self, hosts: Sequence[tuple[str, int]], name: str, *, tls: bool, login: Sequence[str]) -> None:
        self._hosts = list(hosts)
        self._name = name
        self._tls = tls
        self._login = tuple(login)

    @property
    def hosts(self) -> list[tuple[str, int]]:
        """Host and port of each, the one that is asked first in front."""
        return list(self._hosts)

    async def primary(self) -> tuple[str, int]:
        """Return host and port of the primary. Raises Unavailable when no Sentinel knows them."""
        for host in tuple(self._hosts):
            try:
                async with asyncio.timeout(SENTINEL_SECONDS_MAX):
                    found = await self._ask(host)
            except Exception:  # of every class: see `RespConnection`
                found = None
            if found is not None:
                return found
            self._put_last(host)
        raise Unavailable("no Sentinel knows the stream server")

    def doubt(self) -> None:
        """Ask another Sentinel first: the address that was found is not the primary's."""
        self._put_last(self._hosts[0])

    def _put_last(self, host: tuple[str, int]) -> None:
        self._hosts.remove(host)
        self._hosts.append(host)

    async def _ask(self, host: tuple[str, int]) -> tuple[str, int] | None:
        reader, writer = await asyncio.open_connection(*host, ssl=True if self._tls else None)
        try:
            commands: list[Any] = [("AUTH", *self._login)] if self._login else []
            commands.append(("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._name))
            writer.write(b"".join(hiredis.pack_command(command) for command in commands))
            answers = hiredis.Reader()
            answer: Any = False
            for _ in commands:
                while (answer := answers.gets()) is False:
                    data = await reader.read(65_536)
                    if not data:
                        return None
                    answers.feed(data)
        finally:
            writer.transport.abort()
        return (answer[0].decode(), int(answer[1])) if isinstance(answer, list) else None


def read_address(url: str) -> tuple[str, Sentinels | None]:
    """Return a server's URL and the Sentinels that say where it is, if the URL names any.

    Then the host in the server's URL is a Sentinel's. Raises ValueError for a URL that names no primary.
    """
    parts = urlsplit(url)
    scheme = _SCHEME.fullmatch(parts.scheme)
    if scheme is None:
        return url, None
    credentials, at, hosts = parts.netloc.rpartition("@")
    name, _, database = parts.path.strip("/").partition("/")
    if not name or not hosts:
        raise ValueError("a URL of Sentinels names them and the primary: redis+sentinel://host:26379/name")
    query = dict(parse_qsl(parts.query))
    login = [value for key in ("sentinel_username", "sentinel_password") if (value := query.get(key))]
    read = [urlsplit(f"//{host}") for host in hosts.split(",")]
    found = [(host.hostname or "127.0.0.1", host.port or SENTINEL_PORT) for host in read]
    sentinels = Sentinels(found, name, tls=scheme[1] == "rediss", login=login)
    return f"{scheme[1]}://{credentials}{at}{hosts.split(',')[0]}/{database or 0}", sentinels
