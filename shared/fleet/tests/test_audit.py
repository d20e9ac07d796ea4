"""The audit log at the registry: what it answers, and what a change does that cannot be recorded."""

import asyncio

import pytest
from hearback_contracts.audit import AuditEvent
from hearback_fleet.audit import AuditEntry, RegistryAuditLog
from hearback_kit.errors import Unavailable
from hearback_kit.http import ServiceClient

ENTRY = AuditEntry(
    event=AuditEvent.PROJECT_EDITED, organization_id=1, actor_id=1, actor_label="", address=None, data={}
)


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (b"", "did not answer in time"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "answered 404"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "cannot be reached"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", None),
    ],
    ids=["silent", "older release", "broken", "recorded"],
)
async def test_an_entry_is_recorded_or_refused_soon(answer: bytes, detail: str | None) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await reader.read()  # until the client closes
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        registry = ServiceClient(f"http://127.0.0.1:{port}", service="me", secret="s" * 32, timeout_seconds=60)
        try:
            log = RegistryAuditLog(registry)
            if detail is None:
                await log.add(ENTRY)
            else:
                with pytest.raises(Unavailable, match=detail):
                    await log.add(ENTRY)
        finally:
            await registry.close()
