"""List, show and replay dead letters: messages that a service gave up on.

`python -m hearback_fleet.dead_letters list | show NAME | replay NAME… | replay --all` works in any container of a
fleet, and prints JSON.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

from hearback_contracts.streams import STREAM_PREFIX, STREAMS
from hearback_kit.bus import RedisStreams
from hearback_kit.bus.messages import DeadLetter
from hearback_kit.errors import NotFound, ServiceError

DEFAULT_SHARDS: Final = 4
LISTED_MAX: Final = 100
PAGE: Final = 500
Result = TypeVar("Result")
Environment = Mapping[str, str]


def shards_of(environment: Environment) -> int:
    """Return the number of shards of every stream."""
    return int(environment.get("HEARBACK_STREAM_SHARDS", DEFAULT_SHARDS))


def name_of(letter: DeadLetter) -> str:
    """Return the name of a letter, such as `feedback.submitted/0/1700000000000-0`."""
    stream, _, shard = letter.key.removeprefix(STREAM_PREFIX).rpartition(":")
    return f"{stream}/{shard.strip('{}')}/{letter.entry_id}"


def list_letters(environment: Environment, stream: str | None, limit: int = LISTED_MAX) -> list[dict[str, Any]]:
    """Return the oldest letters, at most `limit` per shard; raise NotFound or Unavailable."""

    async def collect(bus: RedisStreams, keys: Sequence[str]) -> list[dict[str, Any]]:
        found = [await bus.dead_letters(key, count=limit) for key in keys]
        return [_summary(letter) for letters in found for letter in letters]

    return _with_bus(environment, stream, collect)


def show_letter(environment: Environment, name: str) -> dict[str, Any]:
    """Return one letter with its message."""

    async def find(bus: RedisStreams, keys: Sequence[str]) -> dict[str, Any]:
        for letter in await _all(bus, keys):
            if name in {name_of(letter), letter.entry_id}:
                return _details(letter)
        raise NotFound(f"no dead letter {name}")

    return _with_bus(environment, _stream_of(name), find)


def replay_letters(environment: Environment, names: Sequence[str], stream: str | None) -> int:
    """Put letters back on their streams and return how many; without names, all (of one stream).

    Replay nothing if a name does not exist.
    """

    async def replay(bus: RedisStreams, keys: Sequence[str]) -> int:
        letters = await _all(bus, keys)
        if names:
            known = {key: letter for letter in letters for key in (name_of(letter), letter.entry_id)}
            missing = [name for name in names if name not in known]
            if missing:
                raise NotFound(f"no dead letter {', '.join(missing)}")
            letters = [known[name] for name in names]
        return await bus.replay(letters)

    return _with_bus(environment, stream, replay)


def _stream_of(name: str) -> str | None:
    stream, slash, _ = name.partition("/")
    return stream if slash else None


async def _all(bus: RedisStreams, keys: Sequence[str]) -> list[DeadLetter]:
    found: list[DeadLetter] = []
    for key in keys:
        page = await bus.dead_letters(key, count=PAGE)
        while page:
            found += page
            page = await bus.dead_letters(key, after=page[-1].entry_id, count=PAGE)
    return found


def _with_bus(
    environment: Environment,
    stream: str | None,
    work: Callable[[RedisStreams, Sequence[str]], Coroutine[Any, Any, Result]],
) -> Result:
    streams = [known for known in STREAMS if stream in {None, known.name}]
    if not streams:
        raise NotFound(f"unknown stream {stream}; the streams are {', '.join(known.name for known in STREAMS)}")
    keys = [key for known in streams for key in known.shard_keys(shards_of(environment))]

    async def run() -> Result:
        bus = RedisStreams.open(environment["HEARBACK_REDIS_URL"])
        try:
            return await work(bus, keys)
        finally:
            await bus.close()

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


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command on the streams of `HEARBACK_REDIS_URL`; return 0, or 1 with the error."""
    parser = argparse.ArgumentParser(prog="python -m hearback_fleet.dead_letters")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list").add_argument("stream", nargs="?")
    commands.add_parser("show").add_argument("name")
    replay = commands.add_parser("replay")
    replay.add_argument("names", nargs="*")
    replay.add_argument("--all", action="store_true")
    given = parser.parse_args(argv)
    try:
        if given.command == "list":
            found: Any = list_letters(os.environ, given.stream)
        elif given.command == "show":
            found = show_letter(os.environ, given.name)
        elif bool(given.names) == given.all:
            parser.error("name the dead letters to replay, or give --all")
        else:
            found = {"replayed": replay_letters(os.environ, given.names, None)}
    except ServiceError as error:
        sys.stderr.write(f"{error.detail}\n")
        return 1
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
