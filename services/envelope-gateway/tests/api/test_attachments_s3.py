"""Attachments on a real S3 server: what is answered 200 is there, and an outage leaves nothing behind."""

import asyncio
import hashlib
import os
import uuid

import pytest
from envelope_gateway.domain.sizes import MIB
from hearback_devkit.testing import FaultProxy, S3Server, eventually
from hearback_kit.blobs import BlobStore

from ..data.envelopes import PNG, attachment, envelope, feedback

WITH_FILE = envelope(feedback(), attachment())


@pytest.fixture
def prefix() -> str:
    return f"bytes-{uuid.uuid4().hex}"


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 12 * MIB + 7])
async def test_bytes_are_in_the_bucket_before_the_answer(start_gateway, s3_server: S3Server, prefix, size):
    data = os.urandom(size)
    url = s3_server.blob_url(prefix)
    async with start_gateway(blob_url=url) as gateway:
        assert (await gateway.send(envelope(feedback(), attachment(data)))).status_code == 200
        [message] = await gateway.attachments()
        assert s3_server.keys(prefix) == [f"{prefix}/{message.blob_key}"]
        assert message.sha1 == hashlib.sha1(data).hexdigest()
        assert b"".join([piece async for piece in BlobStore(url).stream(message.blob_key)]) == data
        assert s3_server.unfinished_uploads() == 0


async def test_an_outage_keeps_nothing_and_loses_nothing_that_is_sent_again(
    start_gateway, s3_server: S3Server, prefix
):
    body = envelope(feedback(), attachment(), attachment(os.urandom(6 * MIB)))
    async with FaultProxy("127.0.0.1", s3_server.port).run() as proxy:
        url = s3_server.blob_url(prefix, f"http://127.0.0.1:{proxy.port}")
        async with start_gateway(blob_url=url) as gateway:
            proxy.refuse()
            answer = await gateway.send(body)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert await gateway.entries() == []
            assert s3_server.keys(prefix) == []
            assert (await gateway.send(envelope(feedback()))).status_code == 200, "the rest needs no blob store"
            proxy.heal()
            assert (await gateway.send(body)).status_code == 200
            kinds = ["attachment.stored"] * 2 + ["feedback.submitted"] * 2
            assert await gateway.kinds() == kinds
            assert len(s3_server.keys(prefix)) == 2


async def test_an_outage_half_way_through_keeps_nothing(start_gateway, own_s3_server: S3Server):
    """The first file is stored and the second on its way when the store goes away."""
    second = os.urandom(24 * MIB)
    body = envelope(feedback(), attachment(), attachment(second))
    async with FaultProxy("127.0.0.1", own_s3_server.port).run() as proxy:
        url = own_s3_server.blob_url("", f"http://127.0.0.1:{proxy.port}")
        async with start_gateway(blob_url=url) as gateway:
            proxy.delay(0.01)
            sending = asyncio.create_task(gateway.send(body))
            await eventually(own_s3_server.unfinished_uploads)
            proxy.refuse()
            answer = await sending
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert await gateway.entries() == []
            proxy.heal()
            assert (await gateway.send(body)).status_code == 200
            messages = await gateway.attachments()
            assert sorted(message.size for message in messages) == [len(PNG), len(second)]
            kinds = ["attachment.stored", "attachment.stored", "feedback.submitted"]
            assert await gateway.kinds() == kinds
            keys = {message.blob_key for message in messages}
            assert set(own_s3_server.keys()) == keys, "what the outage left behind was taken back afterwards"


async def test_a_bucket_that_is_not_there_keeps_nothing(start_gateway, s3_server: S3Server, prefix):
    async with start_gateway(
        blob_url=s3_server.blob_url(prefix).replace("attachments", "no-such-bucket")
    ) as gateway:
        assert (await gateway.send(WITH_FILE)).status_code == 503
        assert await gateway.entries() == []


async def test_a_failed_request_takes_back_its_own_bytes_and_no_others(
    start_gateway, s3_server: S3Server, prefix, redis_proxy
):
    """Two gateways: the bytes of a request that failed at one, sent again to the other, stay."""
    blob_url = s3_server.blob_url(prefix)
    async with (
        start_gateway(blob_url=blob_url, redis_url=redis_proxy.url) as failing,
        start_gateway(blob_url=blob_url) as other,
    ):
        assert (await failing.send(envelope(feedback()))).status_code == 200
        redis_proxy.refuse()
        answers = await asyncio.gather(*(one.send(envelope(attachment())) for one in [failing, other]))
        assert [answer.status_code for answer in answers] == [503, 200]
        [message] = await other.attachments()
        assert s3_server.keys(prefix) == [f"{prefix}/{message.blob_key}"]


async def test_so_many_requests_store_at_one_time_and_further_ones_are_refused(
    start_gateway, s3_server: S3Server, prefix
):
    async with FaultProxy("127.0.0.1", s3_server.port).run() as proxy:
        blob_url = s3_server.blob_url(prefix, f"http://127.0.0.1:{proxy.port}")
        async with start_gateway(blob_url=blob_url, upload_requests_max=2) as gateway:
            proxy.delay(0.5)
            sent = [envelope(attachment(b"%d" % number)) for number in range(3)]
            answers = await asyncio.gather(*map(gateway.send, sent))
            assert sorted(answer.status_code for answer in answers) == [200, 200, 503]
            [refused] = [answer for answer in answers if answer.status_code == 503]
            assert refused.headers["retry-after"] == "5"
            assert len(await gateway.attachments()) == len(s3_server.keys(prefix)) == 2
            proxy.heal()
            assert (await gateway.send(sent[answers.index(refused)])).status_code == 200


async def test_bytes_stay_when_their_message_may_be_out(start_gateway, s3_server: S3Server, prefix, redis_proxy):
    """The stream server takes the transaction but its answer is lost: a 503, and no message without its bytes."""
    async with start_gateway(blob_url=s3_server.blob_url(prefix), redis_url=redis_proxy.url) as gateway:
        assert (await gateway.send(envelope(feedback()))).status_code == 200
        sending = asyncio.create_task(gateway.send(WITH_FILE))
        redis_proxy.delay(0.5)
        await eventually(gateway.attachments)
        redis_proxy.cut()
        assert (await sending).status_code == 503
        [message] = await gateway.attachments()
        assert s3_server.keys(prefix) == [f"{prefix}/{message.blob_key}"]


async def test_bytes_are_taken_back_when_the_stream_server_is_away(
    start_gateway, s3_server: S3Server, prefix, redis_proxy
):
    async with start_gateway(blob_url=s3_server.blob_url(prefix), redis_url=redis_proxy.url) as gateway:
        assert (await gateway.send(envelope(feedback()))).status_code == 200
        redis_proxy.refuse()
        assert (await gateway.send(WITH_FILE)).status_code == 503
        assert s3_server.keys(prefix) == []
