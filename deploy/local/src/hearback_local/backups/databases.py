"""Dump and restore PostgreSQL databases, each from one snapshot."""

import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped]
from hearback_devkit.engines.postgres import postgres_program

from hearback_local.errors import FleetError

TABLES = """
select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema' order by 1
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot of a database, which can be dumped while its connection is open."""

    name: str
    id: str
    connection: Any

    async def rows(self) -> dict[str, int]:
        """Return the number of rows per table and partition."""
        return await _rows(self.connection)


@contextlib.asynccontextmanager
async def snapshots(url: str, names: Sequence[str]) -> AsyncIterator[list[Snapshot]]:
    """Take a snapshot of each database, for the time of the block."""
    async with contextlib.AsyncExitStack() as stack:
        found = []
        for name in names:
            connection = await asyncpg.connect(_of(url, name))
            stack.push_async_callback(connection.close)
            await connection.execute("begin isolation level repeatable read read only")
            snapshot = await connection.fetchval("select pg_export_snapshot()")
            found.append(Snapshot(name, snapshot, connection))
        yield found


async def list_databases(url: str) -> list[str]:
    """Return the databases of a server, except its own."""
    connection = await asyncpg.connect(_of(url, "postgres"))
    try:
        rows = await connection.fetch("select datname from pg_database where not datistemplate order by 1")
    finally:
        await connection.close()
    return [row[0] for row in rows if row[0] != "postgres"]


async def count_rows(url: str, name: str) -> dict[str, int]:
    """Return the number of rows per table of a database."""
    connection = await asyncpg.connect(_of(url, name))
    try:
        return await _rows(connection)
    finally:
        await connection.close()


def dump(url: str, name: str, file: Path, snapshot: str) -> None:
    """Dump a database's snapshot to a file. Raises FleetError with the message of `pg_dump`."""
    _run("pg_dump", url, ["--format=custom", f"--snapshot={snapshot}", f"--file={file}", f"--dbname={name}"])


def restore(url: str, name: str, file: Path) -> None:
    """Restore an empty database from a dump. Raises FleetError with the message of `pg_restore`."""
    _run("pg_restore", url, ["--exit-on-error", "--no-owner", f"--dbname={name}", str(file)])


async def _rows(connection: Any) -> dict[str, int]:
    # The names come from the catalog, quoted by it.
    tables = [row[0] for row in await connection.fetch(TABLES)]
    return {table: await connection.fetchval(f"select count(*) from {table}") for table in tables}


def _run(program: str, url: str, arguments: list[str]) -> None:
    parts = urlsplit(url)
    server = [f"--host={parts.hostname}", f"--port={parts.port}", f"--username={parts.username}", "--no-password"]
    done = subprocess.run(
        [postgres_program(program), *server, *arguments],
        env={"PATH": os.environ.get("PATH", ""), "PGPASSWORD": parts.password or ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise FleetError(f"{program} failed: {done.stderr.strip()}")


def _of(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
