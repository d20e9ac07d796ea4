"""Pages that make it hard: a strict Content-Security-Policy, hostile CSS, <base>, frames, hostile texts."""

from typing import Any

import httpx
import pytest
from crash_embed.domain.parameters import TEXT_PARAMETERS
from crash_embed.domain.texts import LANGUAGES
from hearback_contracts.streams import USER_REPORT_SUBMITTED
from playwright.async_api import Page, expect
from redis.asyncio import Redis

DIALOG = ".sentry-error-embed"
SHELL = '<!doctype html><html lang="en"><head><title>Shop</title>%s</head><body>%s</body></html>'


async def send(scope: Any) -> None:
    for name, value in (("name", "Jane"), ("email", "jane@example.com"), ("comments", "It broke.")):
        await scope.locator(f"{DIALOG} [name={name}]").fill(value)
    await scope.get_by_role("button", name="Send report").click()
    await expect(scope.get_by_role("status")).to_contain_text("Thank you!")


async def test_strict_policy_with_nonces(host: Any, open_page: Any) -> None:
    policy = (
        "default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'; style-src 'nonce-abc'; "
        f"connect-src http://127.0.0.1:{host.api_port}; base-uri 'none'; require-trusted-types-for 'script'; "
        "trusted-types page"
    )
    trusted = (
        host.loader()
        .replace(
            "script.src = ",
            "script.src = trustedTypes.createPolicy('page', {createScriptURL: url => url}).createScriptURL(",
        )
        .replace("new URLSearchParams(more || {});", "new URLSearchParams(more || {}));")
    )
    host.add(
        SHELL % (f'<script nonce="abc">{trusted}</script>', "<p>Text</p>"), **{"Content-Security-Policy": policy}
    )
    page = await open_page(host.url)
    await page.evaluate(
        """() => {
          window.broken = [];
          addEventListener('securitypolicyviolation', e => broken.push(e.violatedDirective + e.sourceFile));
        }"""
    )
    await page.evaluate("show()")
    await page.locator(DIALOG).wait_for()
    await expect(page.locator(DIALOG)).to_have_css("border-top-left-radius", "14px")
    await expect(page.get_by_role("button", name="Send report")).to_have_css(
        "background-color", "rgb(63, 55, 201)"
    )
    await send(page)
    assert await page.evaluate("broken") == []


async def test_nonce_reaches_the_style_where_sheets_cannot_be_constructed(host: Any, open_page: Any) -> None:
    policy = (
        "default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'; style-src 'nonce-abc'; "
        f"connect-src http://127.0.0.1:{host.api_port}"
    )
    old = "delete CSSStyleSheet.prototype.replaceSync;"
    host.add(
        SHELL % (f'<script nonce="abc">{old}{host.loader()}</script>', ""), **{"Content-Security-Policy": policy}
    )
    page = await open_page(host.url)
    await page.evaluate("show({nonce: 'abc'})")
    await expect(page.locator(DIALOG)).to_have_css("border-top-left-radius", "14px")
    await send(page)


HOSTILE_CSS = """
* { all: unset !important; color: red !important; font-size: 40px !important; display: none !important; }
html, head ~ body { display: block !important; transform: scale(.2) !important; opacity: .1 !important;
  filter: blur(9px) !important; direction: rtl !important; writing-mode: vertical-rl !important; }
html { font-size: 60px !important; overflow: hidden !important; display: block !important }
div, dialog, form, input, textarea, button, label { visibility: hidden !important; pointer-events: none !important;
  position: static !important; width: 0 !important; height: 0 !important; z-index: -1 !important; }
.sentry-error-embed-wrapper, .sentry-error-embed { display: none !important; left: -9999px !important; }
dialog::backdrop { display: none !important }
"""


async def test_hostile_css_changes_nothing(host: Any, open_page: Any) -> None:
    sizes = []
    for path, css in (("/plain", ""), ("/hostile", HOSTILE_CSS)):
        url = host.add(SHELL % (f"<style>{css}</style><script>{{loader}}</script>", "<p>Text</p>"), path)
        page = await open_page(url, reduced_motion="reduce")
        await page.evaluate("show()")
        await page.locator(DIALOG).wait_for()
        assert await page.locator(DIALOG).evaluate("node => getComputedStyle(node).color") == "rgb(22, 24, 29)"
        sizes.append(await page.locator(DIALOG).bounding_box())
        await send(page)
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("way", ["button", "Enter"])
async def test_a_sandboxed_frame_that_allows_no_forms(host: Any, open_page: Any, redis: Redis, way: str) -> None:
    inner = host.add(SHELL % ("<script>{loader}</script>", "<p>Inner</p>"), "/inner")
    sandbox = "allow-scripts allow-same-origin"
    outer = host.add(
        SHELL
        % ("", f'<iframe title="inner" sandbox="{sandbox}" src="{inner}" width="640" height="600"></iframe>'),
        "/outer",
    )
    page = await open_page(outer)
    frame = page.frame_locator("iframe")
    await frame.locator("p").wait_for()
    await page.frames[1].evaluate("show()")
    if way == "button":
        await send(frame)
    else:
        await frame.locator(f"{DIALOG} [name=comments]").fill("It broke.")
        await frame.locator(f"{DIALOG} [name=email]").fill("jane@example.com")
        await frame.locator(f"{DIALOG} [name=name]").fill("Jane")
        await page.keyboard.press("Enter")
        await expect(frame.get_by_role("status")).to_contain_text("Thank you!")
    assert sum([await redis.xlen(key) for key in USER_REPORT_SUBMITTED.shard_keys(4)]) == 1


async def test_base_and_frames(host: Any, open_page: Any) -> None:
    base = '<base href="https://elsewhere.invalid/deep/" target="_blank">'
    host.add(SHELL % (base + "<script>{loader}</script>", "<p>Inner</p>"), "/inner")
    outer = host.add(
        SHELL
        % (base, f'<h1>Outer</h1><iframe title="inner" src="{host.url}/inner" width="640" height="600"></iframe>'),
        "/outer",
    )
    page = await open_page(outer)
    frame = page.frame_locator("iframe")
    await frame.locator("p").wait_for()
    inner = next(frame for frame in page.frames if frame.url.endswith("/inner"))
    await inner.evaluate("show()")
    await send(frame)
    await frame.get_by_role("button", name="Close").click()
    await inner.wait_for_function("window.closed_ === 1")
    assert len(page.context.pages) == 1


HOSTILE = [
    "</script><script>window.hacked=1</script>", '"><img src=x onerror=window.hacked=1>', "';window.hacked=1;//",
    '";window.hacked=1;//', "*/window.hacked=1;/*", "`${window.hacked=1}`", "\\';window.hacked=1;//",
    "\u2028window.hacked=1//\u2029", "<!--<script>", "]]><svg onload=window.hacked=1>",
    "javascript:window.hacked=1", "{{ 7 * 7 }}{% raw %}", "\x00\x1f\x7f\ufeff\u202e", "&lt;b&gt;&amp;#39;",
    "😀" * 50, "a" * 3000,
]  # fmt: skip


async def assert_harmless(page: Page) -> None:
    assert await page.evaluate("typeof window.hacked") == "undefined"
    strange = "img, svg, script, iframe, a, style"
    root = "document.querySelector('.sentry-error-embed-wrapper').shadowRoot"
    assert await page.evaluate(f"{root}.querySelectorAll('{strange}').length") == 0


async def test_hostile_texts_stay_texts(host: Any, open_page: Any) -> None:
    names = [*TEXT_PARAMETERS, "name", "email", "lang", "nonce", "onLoad", "constructor", "__proto__"]
    page = await open_page(host.url)
    for text in HOSTILE:
        await page.goto(host.url)
        await page.evaluate("more => show(more)", dict.fromkeys(names, text))
        await page.locator(DIALOG).wait_for()
        await assert_harmless(page)
        assert await page.locator("h2").text_content() == text
        await page.locator(f"{DIALOG} button").first.click()
        await expect(page.get_by_role("alert")).not_to_be_empty()
        await assert_harmless(page)


async def test_hostile_texts_in_every_language(host: Any, open_page: Any) -> None:
    page = await open_page(host.url)
    for language in sorted(LANGUAGES):
        await page.goto(host.url)
        await page.evaluate("more => show(more)", {"lang": language, "title": HOSTILE[0], "name": HOSTILE[1]})
        await page.locator(DIALOG).wait_for()
        await assert_harmless(page)
        await expect(page.locator(DIALOG)).to_have_attribute("lang", language)


async def test_posts_to_where_it_was_loaded_from(
    host: Any, open_page: Any, posts: list[str], prefixing: str, redis: Redis
) -> None:
    """Behind a proxy that adds a path prefix, asks by an inner host and hides the outer one."""
    page = await open_page(host.add(SHELL % (f"<script>{host.loader(prefixing)}</script>", "<p>Shop</p>"), "/x"))
    await page.evaluate("show({title: 'A title'})")
    await send(page)
    assert [url.partition("?")[0] for url in posts] == [prefixing + "/api/embed/error-page/"]
    entries = [await redis.xlen(key) for key in USER_REPORT_SUBMITTED.shard_keys(4)]
    assert sum(entries) == 1


async def test_a_script_without_an_address_uses_the_configured_one(host: Any, open_page: Any) -> None:
    page = await open_page(host.url)
    async with httpx.AsyncClient() as client:
        source = (await client.get(host.script_url)).text
    await page.evaluate(
        "source => { window.sentryEmbedCallback = embed => { window.embed_ = embed }; eval(source) }", source
    )
    await page.locator(DIALOG).wait_for()
    assert await page.evaluate("window.embed_.endpoint") == host.script_url.replace(
        f"http://127.0.0.1:{host.api_port}", "http://errors.example"
    )


async def test_double_zoom(dialog_page: Any) -> None:
    # 200 % zoom of a 1280 × 720 window: half as many CSS pixels.
    page = await dialog_page(viewport={"width": 640, "height": 360}, device_scale_factor=2)
    await send(page)
