"""What people and SDKs send never becomes markup, a script or a link that is none."""

import re
from typing import Any

import pytest

from ..conftest import Api, Files
from .conftest import Browser
from .test_related import answering, related

HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'><svg/onload=alert(1)>",
    "{{7*7}}{% raw %}${7*7}", "javascript:alert(1)", "]]><!--<b>", "\u202egnp.exe",
    "</textarea></title></style><script>alert(1)</script>", 'a" hx-get="/auth/logout/" hx-trigger="load',
)  # fmt: skip
_MARKUP = re.compile(
    r"<(?:img src=x|svg/onload|script>alert)|onerror=alert\(1\)>|[^&]\" hx-get=\"/auth|49(?:\{%|\$\{)",
    re.IGNORECASE,
)


def assert_harmless(page: str) -> None:
    assert _MARKUP.search(page) is None, _MARKUP.search(page)
    for address in re.findall(r'(?:href|src|action)="([^"]*)"', page):
        assert address.startswith(("/", "#", "http://testserver/", "https://", "http://", "mailto:")), address


@pytest.mark.parametrize("text", HOSTILE)
async def test_every_field_is_text(api: Api, browser: Browser, files: Files, text: str) -> None:
    event_id = await api.submit(
        text,
        event_id="e" * 32,
        release=text[:200],
        environment="production",
        dist="d",
        user={"id": text, "email": text, "username": text},
        tags={"key": text, "t": text},
        request={"url": text},
        sdk={"name": text, "version": text},
        contexts={"browser": {"name": text, "version": text}, "replay": {"replay_id": text}},
        feedback={"name": text, "contact_email": text, "url": text, "associated_event_id": "d" * 32},
    )
    await files.store(b"<script>", name=text, content_type="text/html")
    await files.store(b"<svg>", name=f"{text}.svg", content_type="image/svg+xml")
    await files.store(b"\x89PNG", name=f"{text}.png", content_type="image/png")
    answering(
        api,
        fate={"steps": [{"at": text, "service": text, "step": text, "reason": text}]},
        deliveries=[{"channel": text, "target": text, "rule": text, "state": text, "answer": text}],
        error={"groupId": text, "event": {"title": text, "level": text}},
        reports=[{"name": text, "comments": text}],
    )
    number = (await api.issue(event_id))["id"]
    for page in (
        await browser.get(feedbackSlug=f"web:{number}", more="1"),
        await related(browser, number),
        await browser.get(query=f'"{text}"', mailbox="all", feedbackSlug=f"web:{number}"),
    ):
        assert_harmless(page)


async def test_only_web_addresses_become_links(api: Api, browser: Browser) -> None:
    for url, is_link in (
        ("https://shop.example.com/", True),
        ("http://shop.example.com/", True),
        ("javascript:alert(1)", False),
        ("data:text/html,<script>", False),
        ("//evil.example/", False),
        ("file:///etc/passwd", False),
        ("https://", False),
    ):
        number = (await api.issue(await api.submit(url, feedback={"url": url})))["id"]
        page = await browser.get(feedbackSlug=f"web:{number}")
        assert (f'class="data-link" href="{url}"' in page) is is_link, url


async def test_files_that_may_hold_scripts_are_downloads(api: Api, browser: Browser, files: Files) -> None:
    number = (await api.issue(await api.submit("m", event_id="e" * 32)))["id"]
    for name, kind in (("a.svg", "image/svg+xml"), ("b.html", "text/html"), ("c.xhtml", "application/xhtml+xml")):
        await files.store(b"<x>", name=name, content_type=kind)
    page = await browser.get(feedbackSlug=f"web:{number}")
    assert 'class="shot"' not in page
    assert page.count('class="file"') == 3


async def test_many_tags_and_long_words_are_shown_in_part(api: Api, browser: Browser) -> None:
    tags = {f"tag{count}": "v" * 200 for count in range(200)}
    number = (await api.issue(await api.submit("w" * 4_000, tags=tags)))["id"]
    page = await browser.get(feedbackSlug=f"web:{number}")
    assert page.count('class="tag"') >= 200
    assert re.search(r"Show \d+ more", page)
    assert "w" * 4_000 in page


async def test_pages_forbid_scripts_of_others_and_frames(api: Api, browser: Browser) -> None:
    await api.submit("m")
    response = await browser.client.get("/organizations/demo/feedback/")
    policy = response.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert " style=" not in response.text
    assert not re.search(r" on[a-z]+=", response.text)


async def test_unusual_addresses_are_answered(browser: Browser) -> None:
    cases: list[tuple[dict[str, Any], int]] = [
        ({"query": "\x00"}, 400),
        ({"feedbackSlug": "\x00"}, 404),
        ({"query": "x" * 5_001}, 400),
        ({"project": ["x"] * 201}, 400),
        ({"environment": "\u202e"}, 200),
    ]
    for params, status in cases:
        response = await browser.client.get("/organizations/demo/feedback/", params=params)
        assert response.status_code in {status, 400}, (params, response.status_code)
