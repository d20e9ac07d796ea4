"""A server that answers byte by byte, which no time limit for a single read ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

DRIP_SECONDS: Final = 0.02

BEGINNINGS: Final = {
    "header": b"HTTP/1.1 200 OK\r\nX-Slow: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
}
"""Beginnings of HTTP answers whose rest comes byte by byte."""


@asynccontextmanager
async def dripping(beginning: bytes, drip: bytes = b"x") -> AsyncIterator[int]:
    """Run a server that sends a beginning and then drips until its client leaves; yield its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        until_closed = asyncio.ensure_future(_until_closed(reader))
        while not until_closed.done():
            writer.write(drip)
            await asyncio.wait([until_closed], timeout=DRIP_SECONDS)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def _until_closed(reader: asyncio.StreamReader) -> None:
    try:
        await reader.read()
    except ConnectionError:
        return
