"""Dead letters: messages that a service gave up on, read and replayed through the bus."""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from hearback_contracts.streams import STREAM_PREFIX, STREAMS
from hearback_kit.bus import RedisStreams
from hearback_kit.bus.protocol import Bus, DeadLetter
from hearback_kit.errors import Unavailable
from hearback_kit.valkey import connect

from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError
from hearback_local.fleet.queues import shards_of
from hearback_local.fleet.state import is_running, ready_state

PAGE = 500
Result = TypeVar("Result")


def environment_of(data_dir: DataDir) -> Mapping[str, str]:
    """Return the environment that names the streams: the running fleet's, or that of this process."""
    if is_running(data_dir):
        environment: dict[str, str] = ready_state(data_dir)["environment"]
        return environment
    if os.environ.get("HEARBACK_REDIS_URL"):
        return os.environ
    raise FleetError(f"no fleet runs in {data_dir.root}, and HEARBACK_REDIS_URL is not set")


def name_of(letter: DeadLetter) -> str:
    """Return the name of a letter on the command line: `feedback.submitted/0/1700000000000-0`."""
    stream, _, shard = letter.key.removeprefix(STREAM_PREFIX).rpartition(":")
    return f"{stream}/{shard.strip('{}')}/{letter.entry_id}"


def list_letters(data_dir: DataDir, stream: str | None, limit: int) -> list[dict[str, Any]]:
    """Return the oldest letters, at most `limit` per shard."""

    async def collect(bus: Bus, keys: Sequence[str]) -> list[dict[str, Any]]:
        found = [await bus.dead_letters(key, count=limit) for key in keys]
        return [_summary(letter) for letters in found for letter in letters]

    return _with_bus(data_dir, stream, collect)


def show_letter(data_dir: DataDir, name: str) -> dict[str, Any]:
    """Return one letter with its message.

    Raises FleetError when there is none of that name.
    """

    async def find(bus: Bus, keys: Sequence[str]) -> dict[str, Any]:
        for letter in await _all(bus, keys):
            if name in {name_of(letter), letter.entry_id}:
                return _details(letter)
        raise FleetError(f"no dead letter {name}")

    return _with_bus(data_dir, _stream_of(name), find)


def replay_letters(data_dir: DataDir, names: Sequence[str], stream: str | None) -> int:
    """Put letters back on their streams and return how many; without names, all (of one stream).

    Raises FleetError, and replays nothing, when a name does not exist.
    """

    async def replay(bus: Bus, keys: Sequence[str]) -> int:
        letters = await _all(bus, keys)
        if names:
            known = {key: letter for letter in letters for key in (name_of(letter), letter.entry_id)}
            missing = [name for name in names if name not in known]
            if missing:
                raise FleetError(f"no dead letter {', '.join(missing)}")
            letters = [known[name] for name in names]
        return await bus.replay(letters)

    return _with_bus(data_dir, stream, replay)


def _stream_of(name: str) -> str | None:
    stream, slash, _ = name.partition("/")
    return stream if slash else None


async def _all(bus: Bus, keys: Sequence[str]) -> list[DeadLetter]:
    found: list[DeadLetter] = []
    for key in keys:
        page = await bus.dead_letters(key, count=PAGE)
        while page:
            found += page
            page = await bus.dead_letters(key, after=page[-1].entry_id, count=PAGE)
    return found


def _with_bus(
    data_dir: DataDir,
    stream: str | None,
    work: Callable[[Bus, Sequence[str]], Coroutine[Any, Any, Result]],
) -> Result:
    environment = environment_of(data_dir)
    streams = [known for known in STREAMS if stream in {None, known.name}]
    if not streams:
        raise FleetError(f"unknown stream {stream}; the streams are {', '.join(known.name for known in STREAMS)}")
    keys = [key for known in streams for key in known.shard_keys(shards_of(environment))]

    async def run() -> Result:
        client = connect(environment["HEARBACK_REDIS_URL"])
        try:
            return await work(RedisStreams(client, client), keys)
        except Unavailable as error:
            raise FleetError(error.detail) from error
        finally:
            await client.aclose()

    return asyncio.run(run())


def _summary(letter: DeadLetter) -> dict[str, Any]:
    return {
        "name": name_of(letter),
        "type": letter.message.type,
        "group": letter.group,
        "deliveries": letter.message.deliveries,
        "buried_at": letter.buried_at,
        "error": letter.error,
    }


def _details(letter: DeadLetter) -> dict[str, Any]:
    body = letter.message.body
    return {
        **_summary(letter),
        "version": letter.message.version,
        "traceparent": letter.message.traceparent,
        "message": _decoded(letter.message.data),
        "body": None if body is None else _decoded(body),
    }


def _decoded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="backslashreplace")
