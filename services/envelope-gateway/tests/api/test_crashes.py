"""Crash uploads: minidump forms and reports of the Unreal Engine."""

import json
import struct
import zlib
from typing import Any

import msgspec
import pytest
from hearback_contracts.config import QuotaConfig

from ..data.envelopes import DASHED_ID, EVENT_ID, FORM, KEY, form

MINIDUMP = ("upload_file_minidump", b"MDMP" + b"\0" * 60, "m.dmp")
UNSUPPORTED = {(4, 3, "unsupported_type"): 1, (22, 3, "unsupported_type"): 1}


async def send_form(gateway: Any, *fields: tuple[Any, ...]) -> Any:
    """Send fields of a form: their names, contents and, of files, file names."""
    parts = []
    for name, value, *filename in fields:
        named = f'name="{name}"' + (f'; filename="{filename[0]}"' if filename else "")
        parts.append((named, value.encode() if isinstance(value, str) else value))
    return await gateway.send(form(*parts), "/api/1/minidump/", **FORM)


@pytest.mark.parametrize(
    "fields",
    [
        [("sentry", json.dumps({"event_id": EVENT_ID, "release": "1"}))],
        [("sentry__2", f'"{EVENT_ID}","release":"1"}}'), ("sentry__1", '{"event_id":')],
        [("sentry[event_id]", DASHED_ID), ("sentry[release]", "1")],
        [("__sentry-event", msgspec.msgpack.encode({"event_id": EVENT_ID, "release": "1"}), "__sentry-event")],
        [
            ("__sentry-event", msgspec.msgpack.encode({"event_id": "f" * 32, "release": "1"}), "__sentry-event"),
            ("sentry", json.dumps({"event_id": EVENT_ID})),
        ],
    ],
    ids=["json", "pieces", "brackets", "msgpack", "json over msgpack"],
)
async def test_what_a_form_says_of_its_crash_is_indexed(gateway, fields):
    answer = await send_form(gateway, *fields, MINIDUMP, ("log", b"text", "a.log"))
    assert (answer.status_code, answer.text) == (200, DASHED_ID)
    [crash] = await gateway.entries("error-event.received")
    assert (crash.message.event_id, crash.message.release) == (EVENT_ID, "1")
    assert (crash.message.platform, crash.message.level) == ("native", "fatal")
    assert [one.type for one in crash.message.exceptions] == ["Minidump"]
    files = [entry.message for entry in await gateway.entries("attachment.stored")]
    assert {(file.event_id, file.name, file.attachment_type) for file in files} == {
        (EVENT_ID, "m.dmp", "event.minidump"),
        (EVENT_ID, "a.log", "event.attachment"),
    }
    assert await gateway.outcomes() == {}


async def test_no_more_of_a_form_is_read_than_an_event_may_have(gateway):
    pieces = [(f"sentry__{number}", b" " * 1024 * 1024) for number in range(1, 40)]
    more = [(f"sentry[extra][x{number}]", b"x" * 1024 * 1024) for number in range(20)]
    answer = await send_form(gateway, ("sentry[event_id]", EVENT_ID), *pieces, *more, MINIDUMP)
    assert (answer.status_code, answer.text) == (200, DASHED_ID)
    assert await gateway.kinds() == ["attachment.stored", "error-event.received"]


@pytest.mark.parametrize(
    "fields", [[], [("sentry", "{broken")], [("sentry[user][id][x", "1")], [("sentry", "[]")]]
)
async def test_a_form_that_says_nothing_is_a_crash_still(gateway, fields):
    answer = await send_form(gateway, *fields, MINIDUMP)
    assert answer.status_code == 200
    [crash] = await gateway.entries("error-event.received")
    assert answer.text.replace("-", "") == crash.message.event_id


async def test_a_minidump_alone_is_a_crash(gateway):
    answer = await gateway.send(MINIDUMP[1], "/api/1/minidump/", content_type="application/octet-stream")
    assert answer.status_code == 200
    assert await gateway.kinds() == ["attachment.stored", "error-event.received"]


@pytest.mark.parametrize(
    ("fields", "detail", "reason"),
    [
        ([("sentry", "{}")], "missing minidump", "missing_minidump_upload"),
        ([("upload_file_minidump", b"junk", "m.dmp")], "invalid minidump", "invalid_minidump"),
    ],
)
async def test_forms_without_a_minidump_are_refused_and_recorded(gateway, fields, detail, reason):
    answer = await send_form(gateway, *fields)
    assert (answer.status_code, answer.json()["detail"]) == (400, detail)
    assert await gateway.outcomes() == {(1, 3, reason): 1}
    assert await gateway.kinds() == []


async def test_broken_forms_are_refused_and_recorded(gateway):
    assert (await gateway.send(b"junk", "/api/1/minidump/", **FORM)).status_code == 400
    assert await gateway.outcomes() == {(1, 3, "invalid_multipart"): 1}


def string(text: str, encoding: str = "utf-8") -> bytes:
    raw = (text + "\0").encode(encoding)
    return struct.pack("<i", len(raw) if encoding == "utf-8" else -len(raw) // 2) + raw


def unreal(
    xml: bytes, *, magic: bytes = b"CR1", count: int = 2, before: int = 0, encoding: str = "utf-8"
) -> bytes:
    files = [(f"f{number}", b"z" * 300_000) for number in range(before)]
    files += [("CrashContext.runtime-xml", xml), ("UEMinidump.dmp", b"MDMP")]
    packed = b"".join(
        struct.pack("<i", number) + string(name, encoding) + struct.pack("<i", len(data)) + data
        for number, (name, data) in enumerate(files)
    )
    head = string("dir", encoding) + string("file", encoding)
    return zlib.compress(magic + head + struct.pack("<ii", 1, count and count + before) + packed)


def context(**elements: str) -> bytes:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in elements.items())
    return f"<?xml version='1.0'?><FGenericCrashContext>{inner}</FGenericCrashContext>".encode()


PLAYER = {
    "CrashGUID": f"UECC-Windows-{EVENT_ID.upper()}_0000",
    "UserDescription": "It fell &amp; broke &lt;here&gt; &#233;",
    "ErrorMessage": "Assertion failed",
    "CrashType": "Assert",
    "UserName": "ann",
}


async def send_unreal(gateway: Any, body: bytes) -> Any:
    return await gateway.send(body, f"/api/1/unreal/{KEY}/?UserID=x", x_sentry_auth="")


@pytest.mark.parametrize(
    "body",
    [
        unreal(context(**PLAYER)),
        unreal(context(**PLAYER), magic=b""),
        unreal(context(**PLAYER), before=4),
        unreal(context(**PLAYER), count=0),
        unreal(context(**PLAYER), encoding="utf-16-le"),
        zlib.decompress(unreal(context(**PLAYER))),
        unreal(context(**PLAYER).decode().encode("utf-16")),
    ],
    ids=["plain", "old", "files before", "no count", "utf-16 names", "not packed", "utf-16 context"],
)
async def test_the_players_words_are_a_report_on_the_crash(gateway, body):
    answer = await send_unreal(gateway, body)
    assert (answer.status_code, answer.text) == (200, DASHED_ID)
    [crash] = await gateway.entries("error-event.received")
    assert (crash.message.event_id, crash.message.user.username) == (EVENT_ID, "ann")
    [exception] = crash.message.exceptions
    assert (exception.type, exception.value) == ("Assert", "Assertion failed")
    [report] = await gateway.entries("user-report.submitted")
    assert report.message.event_id == EVENT_ID
    assert json.loads(report.body) == {
        "event_id": EVENT_ID,
        "name": "ann",
        "email": "",
        "comments": "It fell & broke <here> é",
    }
    assert await gateway.steps() == [(EVENT_ID, "accepted", None)]
    outcomes = await gateway.outcomes()
    assert set(outcomes) in (set(UNSUPPORTED), set()), "files beside the context are counted"


async def test_game_data_names_the_event(gateway):
    data = json.dumps({"event_id": EVENT_ID, "release": "1.0", "user": {"id": "7"}}).replace('"', "&quot;")
    answer = await send_unreal(gateway, unreal(context(CrashGUID="UECC-" + "f" * 32, __sentry=data)))
    assert answer.text == DASHED_ID
    [crash] = await gateway.entries("error-event.received")
    assert (crash.message.release, crash.message.user.id) == ("1.0", "7")
    assert await gateway.kinds() == ["error-event.received"]


@pytest.mark.parametrize(
    "body",
    [b"", b"junk", zlib.compress(b""), zlib.compress(b"CR1"), zlib.compress(b"CR1" + b"\xff" * 100),
     unreal(context(**PLAYER))[:-40], zlib.compress(b"CR1" + struct.pack("<i", 1 << 30))],
)  # fmt: skip
async def test_what_cannot_be_read_is_an_outcome(gateway, body):
    answer = await send_unreal(gateway, body)
    assert answer.status_code == 200
    if await gateway.kinds() == []:
        assert await gateway.outcomes() == {(1, 3, "invalid_unreal_report"): 1}


async def test_a_bomb_is_an_outcome(gateway):
    packer = zlib.compressobj(9)
    bomb = packer.compress(b"CR1" + string("d") + string("f") + struct.pack("<ii", 1, 1))
    bomb += packer.compress(struct.pack("<i", 0) + string("x") + struct.pack("<i", 2**31 - 1))
    bomb += packer.flush(zlib.Z_FULL_FLUSH)
    mebibyte = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)  # refers to nothing before it
    answer = await send_unreal(gateway, bomb + 600 * mebibyte)
    assert answer.status_code == 200
    assert await gateway.outcomes() == {(1, 3, "invalid_unreal_report"): 1}


async def test_a_limited_project_still_answers_the_reporter(start_gateway):
    limit = QuotaConfig(id="q", categories=(), scope="project", limit=0)
    async with start_gateway(project={"quotas": (limit,)}) as gateway:
        assert (await send_unreal(gateway, unreal(context(**PLAYER), before=4))).text == DASHED_ID
        assert await gateway.kinds() == []
        assert await gateway.outcomes() == {(1, 2, None): 1, (14, 2, None): 1, (4, 2, None): 5, (22, 2, None): 5}
