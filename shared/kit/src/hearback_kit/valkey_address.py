"""URLs of Valkey: a single server, a primary found through Sentinels, or a cluster.

`redis://`, `rediss://` (TLS) and `unix://` are those of redis-py. With Sentinels:
`redis+sentinel://user:password@host:26379,host2:26379/name/0`, where `name` is the name of the primary and `0` the
database; user and password are the server's, the query may have `sentinel_username` and `sentinel_password`.
A cluster is given by some of its nodes: `redis+cluster://user:password@host:6379,host2:6379`.
`rediss+sentinel://` and `rediss+cluster://` use TLS for every connection.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import hiredis

from hearback_kit.errors import Unavailable

SENTINEL_SECONDS_MAX: Final = 0.5
SENTINEL_PORT: Final = 26_379
SERVER_PORT: Final = 6_379
_SCHEME: Final = re.compile(r"(rediss?)\+(sentinel|cluster)")
_NETLOC: Final = re.compile(r"(?<=://)[^/?#]*")

Host = tuple[str, int]


class Sentinels:
    """Finds the primary; the first Sentinel that knows it is asked first the next time."""

    def __init__(self, hosts: Sequence[Host], name: str, *, tls: bool, login: Sequence[str]) -> None:
        self._hosts = list(hosts)
        self._name = name
        self._tls = tls
        self._login = tuple(login)

    @property
    def hosts(self) -> list[Host]:
        """Host and port of each, in the order of asking."""
        return list(self._hosts)

    async def primary(self) -> Host:
        """Return host and port of the primary. Raise Unavailable if no Sentinel knows it."""
        for host in tuple(self._hosts):
            try:
                async with asyncio.timeout(SENTINEL_SECONDS_MAX):
                    found = await self._ask(host)
            except Exception:  # of any class: see `RespConnection`
                found = None
            if found is not None:
                return found
            self._put_last(host)
        raise Unavailable("no Sentinel knows the stream server")

    def doubt(self) -> None:
        """Ask another Sentinel first, since the returned address is not the primary's."""
        self._put_last(self._hosts[0])

    def _put_last(self, host: Host) -> None:
        self._hosts.remove(host)
        self._hosts.append(host)

    async def _ask(self, host: Host) -> Host | None:
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
    """Return the URL of a server, and the Sentinels of a URL that has any.

    With Sentinels, the host of the returned URL is a Sentinel's. Raise ValueError without a primary's name.
    """
    parts = _parts_of(url)
    scheme = _SCHEME.fullmatch(parts.scheme)
    if scheme is None:
        return url, None
    if scheme[2] == "cluster":
        raise ValueError("a URL of a cluster names no server of its own")
    credentials, at, hosts = parts.netloc.rpartition("@")
    name, _, database = parts.path.strip("/").partition("/")
    if not name or not hosts:
        raise ValueError("a URL of Sentinels names them and the primary: redis+sentinel://host:26379/name")
    query = dict(parse_qsl(parts.query))
    login = [value for key in ("sentinel_username", "sentinel_password") if (value := query.get(key))]
    sentinels = Sentinels(_hosts_of(hosts, SENTINEL_PORT), name, tls=scheme[1] == "rediss", login=login)
    return f"{scheme[1]}://{credentials}{at}{hosts.split(',')[0]}/{database or 0}", sentinels


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """Some nodes of a cluster, and their common credentials."""

    hosts: tuple[Host, ...]
    is_tls: bool
    credentials: str

    @property
    def username(self) -> str | None:
        """The user, if it is not the default one."""
        return unquote(self.credentials.partition(":")[0]) or None

    @property
    def password(self) -> str | None:
        """The password, if there is one."""
        return unquote(self.credentials.partition(":")[2]) or None

    def url_of(self, host: Host) -> str:
        """Return the URL of one node."""
        name = f"[{host[0]}]" if ":" in host[0] else host[0]
        at = "@" if self.credentials else ""
        return f"{'rediss' if self.is_tls else 'redis'}://{self.credentials}{at}{name}:{host[1]}/0"


def read_cluster(url: str) -> ClusterAddress | None:
    """Return the cluster of a URL, or None for any other URL; raise ValueError without a node."""
    parts = _parts_of(url)
    scheme = _SCHEME.fullmatch(parts.scheme)
    if scheme is None or scheme[2] != "cluster":
        return None
    credentials, _, hosts = parts.netloc.rpartition("@")
    if not hosts or parts.path.strip("/0"):
        raise ValueError("a URL of a cluster names nodes, and no database: redis+cluster://host:6379,host2:6379")
    return ClusterAddress(tuple(_hosts_of(hosts, SERVER_PORT)), scheme[1] == "rediss", credentials)


def _parts_of(url: str) -> SplitResult:
    """Return a URL's parts; some releases of Python refuse an IPv6 address after another host."""
    found = _NETLOC.search(url)
    if found is None or not _SCHEME.fullmatch(url.partition(":")[0].casefold()):
        return urlsplit(url)
    return urlsplit(_NETLOC.sub("", url, 1))._replace(netloc=found[0])


def _hosts_of(hosts: str, port: int) -> list[Host]:
    read = [urlsplit(f"//{host}") for host in hosts.split(",")]
    return [(host.hostname or "127.0.0.1", host.port or port) for host in read]
