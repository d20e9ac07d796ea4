"""A loop is closed whatever was left open in it, and what was is a failure."""

import asyncio
from collections.abc import Callable

import pytest
import uvloop
from hearback_devkit.testing import run_on_loop

LOOPS = pytest.mark.parametrize(
    "make_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
MakeLoop = Callable[[], asyncio.AbstractEventLoop]


@LOOPS
def test_what_the_work_returns_and_raises_is_handed_on(make_loop: MakeLoop) -> None:
    async def answers() -> int:
        return 5

    async def fails() -> None:
        raise LookupError

    assert run_on_loop(answers(), make_loop) == 5
    with pytest.raises(LookupError):
        run_on_loop(fails(), make_loop)


@pytest.mark.parametrize("fails", [False, True])
def test_an_open_transport_fails_the_test_and_does_not_hang(fails: bool) -> None:
    """Unless the test failed before: then its own failure is shown."""

    async def forgets() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
        server.close()
        if fails:
            raise LookupError

    with pytest.raises(LookupError if fails else AssertionError):
        run_on_loop(forgets(), uvloop.new_event_loop)
