"""Attachments: in the blob store before the answer, or nothing at all."""

import asyncio
import hashlib
import os

import httpx
import pytest
from envelope_gateway.domain.sizes import MIB
from hearback_contracts.streams import ATTACHMENT_STORED
from hearback_devkit.testing import eventually

from ..data.envelopes import EVENT_ID, FILES, FORM, KEY, PNG, ZERO_ID, attachment, envelope, feedback, form

AUTH = f"Sentry sentry_key={KEY}"


@pytest.mark.parametrize("with_feedback", [True, False])
async def test_attachments_are_stored_before_the_answer(gateway, with_feedback):
    items = [feedback()] * with_feedback + [attachment(content_type="application/PNG")]
    assert (await gateway.send(envelope(*items))).status_code == 200
    [message] = await gateway.attachments()
    assert (message.event_id, message.name, message.size) == (EVENT_ID, "screenshot.png", len(PNG))
    assert (message.content_type, message.attachment_type) == ("application/png", "event.attachment")
    assert message.sha1 == hashlib.sha1(PNG).hexdigest()
    assert (gateway.blobs / message.blob_key).read_bytes() == PNG


async def test_the_same_attachment_twice_is_one_to_its_consumer(gateway):
    for _ in range(2):
        await gateway.send(envelope(feedback(), attachment()))
    first, second = await gateway.attachments()
    assert first.attachment_id == second.attachment_id
    assert first.blob_key != second.blob_key, "taking back the one must not concern the other"
    assert [path.read_bytes() for path in gateway.blob_files()] == [PNG, PNG]


async def test_equal_files_of_one_envelope_stay_two(gateway):
    await gateway.send(envelope(attachment(), attachment()))
    first, second = await gateway.attachments()
    assert first.attachment_id != second.attachment_id


async def test_empty_attachments_and_missing_names(gateway):
    await gateway.send(envelope(attachment(b"", filename=5)))
    [message] = await gateway.attachments()
    assert (message.size, message.name) == (0, "Unnamed Attachment")


async def test_without_an_event_id_there_is_nothing_to_attach_to(gateway):
    for event_id in (None, ZERO_ID):
        assert (await gateway.send(envelope(attachment(), event_id=event_id))).status_code == 200
    path = FILES.replace(EVENT_ID, ZERO_ID)
    assert (await gateway.send(form(('name="a"; filename="a"', PNG)), path, **FORM)).status_code == 201
    assert await gateway.kinds() == []
    reason = "invalid_event_id"
    assert await gateway.outcomes() == {(4, 3, reason): 3 * len(PNG), (22, 3, reason): 3}
    assert gateway.blob_files() == []


@pytest.mark.parametrize("length", [len(PNG) - 1, len(PNG) + 2, 2**64 - 1])
async def test_lying_lengths_are_refused_whole(gateway, length):
    answer = await gateway.send(envelope(feedback(), attachment(length=length)) + b"\n")
    assert answer.status_code == 400
    assert await gateway.kinds() == []
    assert await gateway.steps() == [(EVENT_ID, "invalid", "invalid_envelope")]
    assert gateway.blob_files() == []


async def test_large_attachments_pass_through_a_file(start_gateway, tmp_path):
    data = os.urandom(7 * MIB + 13)
    async with start_gateway(body_memory_max=64 * 1024) as gateway:
        assert (await gateway.send(envelope(feedback(), attachment(data)))).status_code == 200
        [message] = await gateway.attachments()
        assert message.sha1 == hashlib.sha1(data).hexdigest()
        assert (gateway.blobs / message.blob_key).read_bytes() == data
        assert await gateway.kinds() == ["attachment.stored", "feedback.submitted"]
        assert list((tmp_path / "data" / "spool").iterdir()) == []


@pytest.mark.parametrize(
    ("option", "limit", "within", "beyond"),
    [
        ("attachment_bytes_max", 100, [100], [101]),
        ("attachment_bytes_max", 0, [0], [1]),
        ("attachments_bytes_max", 100, [50, 50], [50, 51]),
        ("attachments_count_max", 2, [1, 1], [1, 1, 1]),
        ("attachments_count_max", 0, [], [0]),
        ("attachment_bytes_max", None, [101], None),
        ("attachments_count_max", 10_000, [0] * 30, [0] * 31),
    ],
)
async def test_limits_of_a_project(start_gateway, option, limit, within, beyond):
    async with start_gateway(project={"options": {f"hearback:{option}": limit}}) as gateway:

        def sent(sizes):
            return envelope(feedback(), *(attachment(b"x" * size) for size in sizes))

        assert (await gateway.send(sent(within))).status_code == 200
        assert len(await gateway.attachments()) == len(gateway.blob_files()) == len(within)
        if beyond is not None:
            answer = await gateway.send(sent(beyond))
            assert answer.status_code == 413
            assert "attachment:attachment" in answer.json()["detail"]
            assert len(gateway.blob_files()) == len(within)
            reason = "too_large:attachment:attachment"
            assert (await gateway.outcomes())[22, 3, reason] == len(beyond)


async def test_a_body_that_breaks_off_leaves_nothing(serve_gateway, publish, redis_url, redis, tmp_path):
    await publish(redis_url)
    body = envelope(feedback(), attachment(b"x" * 3 * MIB))
    head = f"POST /api/1/envelope/ HTTP/1.1\r\nhost: a\r\nx-sentry-auth: {AUTH}\r\n"
    with serve_gateway(spools_max=1) as process:
        port = int(process.url.rpartition(":")[2])
        for kind in (f"content-length: {len(body)}", "transfer-encoding: chunked"):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            start = b"%x\r\n" % len(body) if "chunked" in kind else b""
            writer.write(f"{head}{kind}\r\n\r\n".encode() + start + body[:-100])
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        async with httpx.AsyncClient(base_url=process.url, headers={"x-sentry-auth": AUTH}) as client:

            async def has_room() -> bool:
                return bool((await client.post("/api/1/envelope/", content=body)).status_code == 200)

            await eventually(has_room)
    entries = [await redis.xlen(key) for key in ATTACHMENT_STORED.shard_keys(2)]
    assert sum(entries) == 1
    assert len([path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]) == 1


async def test_a_missing_blob_store_keeps_nothing(start_gateway, tmp_path):
    async with start_gateway() as gateway:
        gateway.blobs.rmdir()
        gateway.blobs.write_text("in the way")
        answer = await gateway.send(envelope(feedback(), attachment()))
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert await gateway.entries() == []
        assert (await gateway.send(envelope(feedback()))).status_code == 200


async def test_multipart_files_are_attached(gateway):
    body = form(
        ('name="a"; filename="one \\"1\\".png"', PNG),
        ('name="note"', b"no file"),
        ('name="event.view_hierarchy"; filename="tree.json"', b"--\r\n"),
    )
    answer = await gateway.send(body, FILES, **FORM)
    assert (answer.status_code, answer.content) == (201, b"")
    first, second = sorted(await gateway.attachments(), key=lambda message: message.name)
    assert (first.name, first.size, first.content_type) == ('one "1".png', len(PNG), "image/png")
    assert (second.name, second.attachment_type) == ("tree.json", "event.view_hierarchy")
    assert (gateway.blobs / second.blob_key).read_bytes() == b"--\r\n"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('name="a"; filename="plain.txt"', "plain.txt"),
        ("name=a; filename=bare.txt; x=y", "bare.txt"),
        ('name="a"; filename="a;b \\"c\\".txt"', 'a;b "c".txt'),
        ('name="a"; filename="größe.txt"', "größe.txt"),
        ("name=\"a\"; filename*=utf-8''gr%C3%B6%C3%9Fe.txt", "größe.txt"),
        ('name="a"; filename="x"; filename*=UTF-8\'de\'gr%C3%B6%C3%9Fe.txt', "größe.txt"),
        ("name=\"a\"; filename*=iso-8859-1''gr%F6.txt", "grö.txt"),
        ("name=\"a\"; filename*=utf-8''%00%FF.txt", "\ufffd.txt"),
        ('name="a"; filename=""', "Unnamed Attachment"),
        ('name="a"', None),
    ],
)
async def test_names_of_multipart_files(gateway, disposition, name):
    assert (await gateway.send(form((disposition, PNG)), FILES, **FORM)).status_code == 201
    assert [message.name for message in await gateway.attachments()] == ([] if name is None else [name])


WHOLE = form(('name="a"; filename="a"', PNG))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (WHOLE[:-20], FORM["content_type"]),
        (WHOLE, "multipart/form-data"),
        (WHOLE, "application/json"),
        (b"junk", FORM["content_type"]),
    ],
    ids=["cut", "no boundary", "not multipart", "junk"],
)
async def test_broken_multipart_is_refused_and_recorded(gateway, body, kind):
    answer = await gateway.send(body, FILES, content_type=kind)
    assert (answer.status_code, answer.json()["detail"]) == (400, "invalid multipart data")
    assert gateway.blob_files() == []
    assert await gateway.outcomes() == {(4, 3, "invalid_multipart"): 1, (22, 3, "invalid_multipart"): 1}


async def test_multipart_limits(start_gateway):
    async with start_gateway(attachment_bytes_max=100, attachments_bytes_max=150) as gateway:
        answer = await gateway.send(form(('name="a"; filename="a"', b"x" * 101)), FILES, **FORM)
        assert (answer.status_code, answer.json()["detail"]) == (400, "invalid multipart data")
        answer = await gateway.send(form(*[('name="a"; filename="a"', b"x" * 100)] * 2), FILES, **FORM)
        assert (answer.status_code, answer.json()["detail"]) == (413, "request content exceeded size limits")
        reason = "too_large:attachment:attachment"
        assert await gateway.outcomes() == {(4, 3, reason): 2, (22, 3, reason): 2}
