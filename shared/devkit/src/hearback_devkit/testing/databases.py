"""Databases for tests: copies of a migrated template, reused after their rows are deleted.

Copying and dropping a database creates and removes hundreds of files, which takes longer than most tests.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped]
from hearback_kit.db import migrate
from hearback_kit.values.ids import random_id
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.util import LRUCache, immutabledict

BYTES_MAX: Final = 8 * 1024 * 1024  # of a used database's tables; a larger one is dropped
# Every definition changes rows of these catalogs, and so their count or the transactions that wrote them.
_CATALOGS: Final = ("pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_proc", "pg_trigger")
_SCHEMA: Final = "SELECT concat_ws(' ', {}) AS schema".format(
    ", ".join(f"(SELECT concat(count(*), '/', sum(xmin::text::bigint)) FROM {name})" for name in _CATALOGS)
)
_TABLES: Final = """
SELECT c.oid::regclass::text AS name, pg_relation_size(c.oid) AS bytes FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'
"""
_SESSIONS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_RESTART_SEQUENCES: Final = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences
WHERE last_value IS NOT NULL
"""
_ROWS: Final = """
SELECT format(
    'INSERT INTO {0} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::{0}, %L)', json_agg(t)
) FROM {0} t
"""
_SEQUENCES: Final = """
SELECT format('SELECT setval(%L, %s)', format('%I.%I', schemaname, sequencename), last_value) AS statement
FROM pg_sequences WHERE last_value IS NOT NULL
"""


async def statements_of_rows(connection: Any) -> str:
    """Return statements that write the rows of a database, and where its sequences are, into an empty one."""
    tables = [row["name"] for row in await connection.fetch(_TABLES) if row["bytes"]]
    rows = [await connection.fetchval(_ROWS.format(name)) for name in tables]
    sequences = [row["statement"] for row in await connection.fetch(_SEQUENCES)]
    return "; ".join(["SET LOCAL session_replication_role = replica", *rows, *sequences])


def share_statements() -> None:
    """Share compiled statements between all databases of the process.

    Each test has its own databases, and compiling a statement takes longer than most executions.
    """
    kind: Any = PGDialect_asyncpg
    kind.__eq__ = lambda one, other: type(one) is type(other)  # it is a part of a statement's key
    kind.__hash__ = lambda one: hash(type(one))
    engines: Any = Engine
    engines._execution_options = immutabledict({"compiled_cache": LRUCache(2_000)})


@dataclass
class _Copies:
    """A template, and its copies that no test uses now."""

    template: str = ""
    schema: str = ""
    is_reusable: bool = True
    free: list[str] = field(default_factory=list)
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Databases:
    """Fresh, migrated databases on a server; `close` at the end."""

    def __init__(self, server: str, admin: Any) -> None:
        self._server = server
        self._admin = admin
        self._turn = asyncio.Lock()
        self._copies: dict[tuple[str, ...], _Copies] = {}
        self._made: list[str] = []
        self._taken: dict[str, _Copies] = {}

    @classmethod
    async def open(cls, server: str) -> Self:
        """Return the databases of a server, whose URL may name one of its databases."""
        parts = urlsplit(server)
        found = parts if parts.path.strip("/") else parts._replace(path="/postgres")
        return cls(server, await asyncpg.connect(urlunsplit(found)))

    async def take(self, package: str, *definitions: str) -> str:
        """Return the URL of a database as the migrations of a package, and then these statements, leave it.

        Without a package (`""`) it is empty.
        """
        copies = self._copies.setdefault((package, *definitions), _Copies())
        async with copies.changing:
            if not copies.template:
                copies.template = await self._make_template(copies, package, definitions)
            while copies.free:
                name = copies.free.pop()
                if await self._empty(name, copies):
                    return self._lend(name, copies)
                await self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        name = await self._create(f"TEMPLATE {copies.template} STRATEGY FILE_COPY")
        return self._lend(name, copies)

    def give_back(self, url: str) -> None:
        """Return a database for use by later tests."""
        self._taken.pop(url).free.append(urlsplit(url).path.strip("/"))

    async def close(self, *, drops: bool) -> None:
        """Disconnect from the server; with `drops`, drop all databases first."""
        for name in self._made if drops else ():
            await self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await self._admin.close()

    def _lend(self, name: str, copies: _Copies) -> str:
        url = self._url(name)
        self._taken[url] = copies
        return url

    async def _make_template(self, copies: _Copies, package: str, definitions: Sequence[str]) -> str:
        name = await self._create()
        if package:
            await migrate(self._url(name), package)
        connection = await asyncpg.connect(self._url(name))
        try:
            for statement in definitions:
                await connection.execute(statement)
            copies.schema = await connection.fetchval(_SCHEMA)
            # Emptying it would also delete rows that a migration wrote.
            copies.is_reusable = all(row["bytes"] == 0 for row in await connection.fetch(_TABLES))
        finally:
            await connection.close()
        return name

    async def _empty(self, name: str, copies: _Copies) -> bool:
        """Delete all rows and return whether the database is as new: nothing defined, no session left."""
        if not copies.is_reusable:
            return False
        try:
            connection = await asyncpg.connect(self._url(name))
        except (OSError, asyncpg.PostgresError):
            return False
        try:
            if await connection.fetchval(_SESSIONS) or await connection.fetchval(_SCHEMA) != copies.schema:
                return False
            filled = [row for row in await connection.fetch(_TABLES) if row["bytes"]]
            if sum(row["bytes"] for row in filled) > BYTES_MAX:
                return False
            deletions = "; ".join(f"DELETE FROM {row['name']}" for row in filled)
            # Without foreign keys and triggers, which would need an order, or write again.
            await connection.execute(f"SET session_replication_role = replica; {deletions}")
            await connection.execute(_RESTART_SEQUENCES)
        finally:
            await connection.close()
        return True

    async def _create(self, options: str = "") -> str:
        name = f"test_{random_id()[:16]}"
        await self._execute(f"CREATE DATABASE {name} {options}")
        self._made.append(name)
        return name

    async def _execute(self, statement: str) -> None:
        async with self._turn:
            await self._admin.execute(statement)

    def _url(self, name: str) -> str:
        return urlunsplit(urlsplit(self._server)._replace(path=f"/{name}"))
