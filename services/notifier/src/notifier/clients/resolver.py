"""Look up host names in threads of their own: a name server that is silent holds a thread for up to minutes.

The event loop's threads serve all that the process does, and would wait. These end with the process.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack
from functools import partial
from threading import Thread
from typing import Any, Final
from weakref import WeakValueDictionary

THREADS_MAX: Final = 32
SHARE_MAX: Final = 4  # threads of one organization

Found = Sequence[tuple[Any, ...]]
LookUp = Callable[[str, int], Found]
look_up: Final = partial(socket.getaddrinfo, type=socket.SOCK_STREAM)


class Resolver:
    """Finds the addresses of hosts; an organization whose names are answered slowly holds up only its own."""

    def __init__(
        self, find: LookUp = look_up, *, threads_max: int = THREADS_MAX, share_max: int = SHARE_MAX
    ) -> None:
        self._find = find
        self._share_max = share_max
        self._threads = asyncio.Semaphore(threads_max)
        self._shares: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()

    async def resolve(self, host: str, port: int, organization_id: int) -> Sequence[str]:
        """Return the addresses of a host; raise OSError when it has none, or UnicodeError.

        Wait while the organization's threads are taken, or all.
        """
        share = self._shares.setdefault(organization_id, asyncio.Semaphore(self._share_max))
        async with AsyncExitStack() as taken:
            for semaphore in (share, self._threads):
                await taken.enter_async_context(semaphore)
            found = asyncio.wrap_future(_in_thread(partial(self._find, host, port)))
            taken.pop_all()  # they are freed when the thread ends, which may be long after the caller gave up

        def end(ended: asyncio.Future[Found]) -> None:
            ended.exception()  # its caller may have given up
            self._threads.release()
            share.release()

        found.add_done_callback(end)
        return [str(entry[4][0]) for entry in await asyncio.shield(found)]


def _in_thread(call: Callable[[], Found]) -> Future[Found]:
    future: Future[Found] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            found = call()
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(found)

    Thread(target=run, name="resolve", daemon=True).start()
    return future
