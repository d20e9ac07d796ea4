"""The command of dead letters that every container of a fleet has."""

import asyncio
from typing import Any

import orjson
import pytest
from hearback_contracts.streams import FEEDBACK_SUBMITTED, OUTCOME_RECORDED
from hearback_fleet import dead_letters
from hearback_kit.bus import Outgoing, RedisStreams
from hearback_kit.valkey import connect

KEY = FEEDBACK_SUBMITTED.key(1, 4)


async def call(*arguments: str) -> int:
    return await asyncio.to_thread(dead_letters.main, arguments)


async def test_letters_are_listed_shown_and_replayed(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def printed() -> Any:
        return orjson.loads(capsys.readouterr().out)

    monkeypatch.setenv("HEARBACK_REDIS_URL", redis_url)
    client, bus = connect(redis_url), RedisStreams.open(redis_url)
    await bus.ensure_group([KEY], "feedback")
    await bus.publish([Outgoing(key=KEY, type="feedback.submitted", version=1, data=b'{"a": 1}')])
    (message,) = await bus.read([KEY], "feedback", "one", count=1, block_ms=10)
    await bus.dead_letter("feedback", message, "ValueError: no")

    assert await call("list") == 0
    (listed,) = printed()
    assert (listed["type"], listed["error"]) == ("feedback.submitted", "ValueError: no")
    assert await call("list", OUTCOME_RECORDED.name) == 0
    assert printed() == []
    assert await call("show", listed["name"]) == 0
    assert printed()["message"] == {"a": 1}
    assert await call("replay", "none/0/1-0") == 1
    assert "no dead letter none/0/1-0" in capsys.readouterr().err
    assert await call("replay", "--all") == 0
    assert printed() == {"replayed": 1}
    assert await client.xlen(KEY) == 1
    assert await call("list", "no.such.stream") == 1
    with pytest.raises(SystemExit):
        await call("replay")
    await bus.close()
    await client.aclose()
