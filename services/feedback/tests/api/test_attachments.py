"""Attachments over HTTP: listed, served safely."""

import io
import struct
import zlib
from typing import Any

import pytest
from hearback_devkit.fleet import publish_project, signed_in
from PIL import Image

from ..conftest import EVENT, Files, Intake, serving


def picture(form: str = "PNG", size: tuple[int, int] = (900, 300), **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 30, 60)).save(buffer, form, **options)
    return buffer.getvalue()


async def test_before_and_after_their_feedback(files: Files) -> None:
    await files.store(b"early")
    await files.api.submit(event_id=EVENT)
    await files.store(b"late", name="z.txt")
    assert [item["name"] for item in await files.list()] == ["log.txt", "z.txt"]
    other = await files.api.submit()
    flags = {row["id"]: row["latestEventHasAttachments"] for row in await files.api.list()}
    assert sorted(flags.values()) == [False, True]
    assert await files.list(other) == []
    unknown = await files.api.client.get(files.path("f" * 32))
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "Event not found")


async def test_list_search_and_pages(files: Files) -> None:
    for name in ("b.log", "a-screenshot.png", "Screenshot.jpg"):
        await files.store(name=name)
    assert [i["name"] for i in await files.list(query="is:screenshot")] == ["Screenshot.jpg", "a-screenshot.png"]
    assert [i["name"] for i in await files.list(query="B.L")] == ["b.log"]
    assert await files.list(query="type:x") == []
    first = await files.api.client.get(files.path(), params={"per_page": 2})
    assert len(first.json()) == 2
    assert 'rel="next"; results="true"; cursor="0:2:0"' in first.headers["link"]
    assert len(await files.list(per_page=2, cursor="0:2:0")) == 1
    assert (await files.api.client.get(files.path(), params={"cursor": "x"})).status_code == 400


async def test_download_is_exact_and_inert(files: Files) -> None:
    body = b"<script>alert(1)</script>"
    await files.store(body, name='../../e"vil\r\n.html', content_type="text/html; charset=utf-8")
    response = await files.get("download")
    assert response.content == body
    assert response.headers["content-length"] == str(len(body))
    assert response.headers["content-type"] == "text/html"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert response.headers["content-disposition"] == 'attachment; filename="e_vil__.html"'
    tag = response.headers["etag"]
    for known, status in ((tag, 304), (f'"x", W/{tag}', 304), ("*", 304), ('"x"', 200), ("", 200)):
        again = await files.get("download", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (status, body if status == 200 else b"")
    for condition, status in ((tag, 206), ('"x"', 200), ("Tue, 24 Nov 2026 12:00:00 GMT", 200)):
        resumed = await files.get("download", headers={"Range": "bytes=0-1", "If-Range": condition})
        assert resumed.status_code == status


@pytest.mark.parametrize(
    ("wanted", "status", "content"),
    [
        ("bytes=0-3", 206, b"0123"), ("Bytes=0-3", 206, b"0123"), ("bytes=9-9", 206, b"9"),
        ("bytes=0-9", 200, b"0123456789"), ("bytes=-99", 200, b"0123456789"), ("bytes=-", 200, b"0123456789"),
        ("bytes=", 200, b"0123456789"), ("bytes=0x1-3", 200, b"0123456789"), ("bytes=٠-٣", 200, b"0123456789"),
        ("bytes=99-100", 416, None), ("bytes=8-", 206, b"89"), ("bytes=-3", 206, b"789"),
        ("bytes=0-99", 200, b"0123456789"), ("bytes=0-1,3-4", 200, b"0123456789"),
        ("bytes=5-2", 200, b"0123456789"), ("lines=1-2", 200, b"0123456789"), ("bytes=10-", 416, None),
        ("bytes=-0", 416, None),
    ],
)  # fmt: skip
async def test_ranges(files: Files, wanted: str, status: int, content: bytes | None) -> None:
    await files.store(b"0123456789")
    response = await files.get("download", headers=[(b"Range", wanted.encode())])
    assert response.status_code == status
    if content is not None:
        assert response.content == content
        assert response.headers["content-length"] == str(len(content))
    if status == 416:
        assert response.headers["content-range"] == "bytes */10"


async def test_names_of_every_script_are_kept(files: Files) -> None:
    await files.store(name="снимок экрана.png")
    disposition = (await files.get("download")).headers["content-disposition"]
    assert "filename*=UTF-8''%D1%81%D0%BD" in disposition
    assert disposition.isascii()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_thumbnail_is_small_and_without_metadata(files: Files, form: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    data = picture(form, **({} if form == "GIF" else {"exif": exif}))
    await files.store(data, content_type="text/html")
    response = await files.get("thumbnail")
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/webp"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert b"secret" not in response.content
    with Image.open(io.BytesIO(response.content)) as image:
        assert max(image.size) == 640
        assert not image.getexif()


async def test_a_thumbnail_stands_upright_and_keeps_transparency(files: Files) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    await files.store(picture("JPEG", (900, 300), exif=exif), name="a")
    half_clear = io.BytesIO()
    Image.new("RGBA", (900, 300), (1, 2, 3, 40)).save(half_clear, "PNG")
    await files.store(half_clear.getvalue(), name="b")
    palette = io.BytesIO()
    Image.new("P", (900, 300), 0).save(palette, "PNG", transparency=0)
    await files.store(palette.getvalue(), name="c")
    shown = []
    for row in await files.list():
        response = await files.api.client.get(f"{files.path()}{row['id']}/?thumbnail")
        with Image.open(io.BytesIO(response.content)) as image:
            shown.append((image.size, image.mode))
    assert shown == [((213, 640), "RGB"), ((640, 213), "RGBA"), ((640, 213), "RGBA")]


@pytest.mark.parametrize(("pixels_max", "status"), [(270_000, 200), (269_999, 404)])
async def test_pixels_are_bounded(intake: Intake, pixels_max: int, status: int) -> None:
    async with serving(intake.changed(image_pixels_max=pixels_max)) as api:
        files = Files(api)
        await files.store(picture())
        assert (await files.get("thumbnail")).status_code == status


def png_of(width: int, height: int, data: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


HOSTILE = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "huge-png": png_of(50_000, 50_000, zlib.compress(b"\0" * 1_000_000)),
    "huge-side": png_of(1, 2_000_000_000),
    "truncated-png": picture()[:200],
    "truncated-jpeg": picture("JPEG")[:300],
    "truncated-gif": picture("GIF")[:12],
    "lying-png": png_of(1000, 1000, zlib.compress(b"\0" * 10)),
    "only-a-signature": b"\x89PNG\r\n\x1a\n",
    "text-bomb": picture()[:33]
    + struct.pack(">I", 1 << 30)
    + b"zTXt"
    + b"x\0\0"
    + zlib.compress(b"0" * 5_000_000),
    "pdf": b"%PDF-1.4",
    "empty": b"",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n",
    "tiff": picture("TIFF"),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_hostile_files_are_only_downloads(files: Files, kind: str) -> None:
    await files.store(HOSTILE[kind], content_type="image/svg+xml")
    assert (await files.get("thumbnail")).status_code == 404
    download = await files.get("download")
    assert download.content == HOSTILE[kind]
    assert download.headers["content-disposition"].startswith("attachment;")


async def test_a_polyglot_loses_its_script(files: Files) -> None:
    await files.store(picture("GIF") + b"<script>alert(1)</script>")
    response = await files.get("thumbnail")
    assert response.status_code == 200
    assert b"script" not in response.content


async def test_another_tenant_sees_nothing(files: Files, redis: Any) -> None:
    await publish_project(redis, project_id=7, organization_id=7)
    await files.store()
    [item] = await files.list()
    stranger = signed_in(files.api.app, tenants={7: "owner"})
    elsewhere = f"/api/0/projects/organization-7/project-7/events/{EVENT}/attachments/"
    for path, status in (
        (files.path(), 404),
        (f"{files.path()}{item['id']}/?download", 404),
        (elsewhere, 404),
        (f"{elsewhere}{item['id']}/?download", 404),
    ):
        assert (await files.api.client.get(path, headers=stranger)).status_code == status
    anonymous = {"Authorization": ""}
    assert (await files.api.client.get(files.path(), headers=anonymous)).status_code == 401
