"""Recording attachments: once each, counted as quotas count."""

from ..conftest import EVENT, Files

ATTACHMENT, ATTACHMENT_ITEM, ACCEPTED = 4, 22, 0


async def test_recorded_once_and_counted_in_bytes(files: Files) -> None:
    message = await files.put(b"12345")
    recorded = await files.deliver(message, message)
    assert recorded.quantities() == {(ATTACHMENT, ACCEPTED, None): 5, (ATTACHMENT_ITEM, ACCEPTED, None): 1}
    assert (await files.deliver(message)).outcomes == []
    [item] = await files.list()
    assert item | {"id": ""} == {
        "id": "", "event_id": EVENT, "type": "event.attachment", "name": "log.txt", "mimetype": "text/plain",
        "dateCreated": "2026-11-24T12:00:00.000000Z", "size": 5, "headers": {"Content-Type": "text/plain"},
        "sha1": "0" * 40,
    }  # fmt: skip


async def test_an_empty_one_counts_as_one_byte_as_quotas_do(files: Files) -> None:
    recorded = await files.store(b"")
    assert recorded.quantities() == {(ATTACHMENT, ACCEPTED, None): 1, (ATTACHMENT_ITEM, ACCEPTED, None): 1}
