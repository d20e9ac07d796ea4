"""Every page in Chromium, full of hostile text: nothing runs, nothing foreign is loaded, axe finds nothing.

The pages come from the apps' routes (`page_table`), so that a new one is looked at, too.
"""

from typing import Any

import pytest
from hearback_devkit.testing.browsers import COLOURS, axe_findings
from page_table import Address, pages
from playwright.async_api import Page
from world import World

PAGES = [page for page in pages("GET") if not page.is_stream]
# Addresses with a query or id that shows more than the bare page does.
MORE = (
    "/organizations/{organization}/feedback/?project={project_id}&query=is%3Aunresolved+hostile",
    "/organizations/{organization}/feedback/?query=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    "/organizations/{organization}/feedback/?feedbackSlug={project}:{issue}",
    "/organizations/{organization}/issues/{user-reports.issue}/feedback/",
    "/auth/login/?next=%2F%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    "/organizations/{organization}/nothing/",
)
WIDE = """() => document.documentElement.scrollWidth > innerWidth
  ? [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
      .map((one) => one.outerHTML.slice(0, 160)).slice(-5) : []"""
# What hides a part of its text and says so by no ellipsis: labels that are cut, lines that are too low.
CUT = """() => [...document.querySelectorAll("body *")].filter((one) => {
    const style = getComputedStyle(one);
    const [x, y] = [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight];
    const hidesAcross = x > 2 && style.overflowX !== "visible" && style.textOverflow !== "ellipsis";
    const isClamped = style.webkitLineClamp !== "none";
    const hidesBelow = y > 3 && style.overflowY === "hidden" && !isClamped;
    return one.clientWidth > 1 && one.getClientRects().length && (hidesAcross || hidesBelow)
      && !one.closest(".table-scroll, .code-block, .shot, .visually-hidden, .chart, textarea, input, select");
  }).map((one) => one.outerHTML.slice(0, 160))"""
# What paper cannot show: text that is cut or would have to be scrolled, and what is to be pressed.
UNPRINTED = """() => [...document.querySelectorAll("main *")].filter((one) => {
    const style = getComputedStyle(one);
    const isCut = style.overflowX !== "visible" && one.scrollWidth > one.clientWidth + 2;
    return one.clientWidth > 1 && one.checkVisibility() && !one.closest(".visually-hidden, .chart, .shot, iframe")
      && (one.matches("button") || (isCut && !one.matches("input, select, textarea")));
  }).map((one) => one.outerHTML.slice(0, 160))"""
# What others wrote, where combining marks would be drawn over what is around it.
UNBOUND = """() => [...document.querySelectorAll("main [dir=auto]:not(input, textarea, select)")]
  .map((one) => getComputedStyle(one).display.startsWith("inline") ? one.closest("p, h1, h2, h3") : one)
  .filter((one) => one && one.checkVisibility() && getComputedStyle(one).display !== "contents"
    && getComputedStyle(one).overflowY === "visible").map((one) => one.outerHTML.slice(0, 160))"""
# What covers the page however one scrolls, as a share of the window.
STUCK = """() => [...document.querySelectorAll("body *")]
  .filter((one) => ["sticky", "fixed"].includes(getComputedStyle(one).position) && one.checkVisibility()
    && !one.matches(".sentry-error-embed-wrapper"))
  .map((one) => one.getBoundingClientRect())
  .reduce((sum, box) => sum + (box.width && box.height), 0) / innerHeight"""
# As WCAG 1.4.12 has it.
SPACED = """() => {
  const style = new CSSStyleSheet();
  style.replaceSync("* { line-height: 1.5 !important; letter-spacing: .12em !important; }"
    + "* { word-spacing: .16em !important; }");
  document.adoptedStyleSheets = [style];
}"""
FACTS = """() => [document.documentElement.lang, document.title.length > 0,
  document.querySelectorAll("h1").length, document.querySelectorAll("main").length]"""


def addresses(world: World, service: str) -> list[str]:
    """Return what to open of a service: its pages with ids of the full organization; of none, what shows more."""
    known = {**world.known, "project_id": str(world.full.project_id)}
    found = PAGES if service else [Address("GET", path, "") for path in MORE]
    return [page.fill(known) for page in found if page.service == service]


async def look(page: Page) -> list[str]:
    """Return what is wrong with a page: for assistive technology, in either theme, and on a phone."""
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1280, "height": 900})
    found = await axe_findings(page)
    await page.emulate_media(color_scheme="dark")
    found += [f"dark {problem}" for problem in await axe_findings(page, COLOURS)]
    facts = await page.evaluate(FACTS)
    if facts != ["en", True, 1, 1]:
        found.append(f"language, title, number of h1 and main: {facts}")
    found += [f"marks on its letters cover what is around: {element}" for element in await page.evaluate(UNBOUND)]
    await page.set_viewport_size({"width": 720, "height": 1000})  # A4
    await page.emulate_media(media="print")
    found += [f"not on paper: {element}" for element in await page.evaluate(UNPRINTED)]
    await page.emulate_media(media="screen")
    await page.set_viewport_size({"width": 320, "height": 256})  # 1280 x 1024 at 400 %
    stuck = await page.evaluate(STUCK)
    found += [f"{stuck:.0%} of a low window are always covered"] if stuck > 0.4 else []
    for what, change in (("", "() => {}"), ("spaced, ", SPACED)):
        await page.evaluate(change)
        found += [f"{what}wider than 320 px: {element}" for element in await page.evaluate(WIDE)]
        found += [f"{what}cut at 320 px: {element}" for element in await page.evaluate(CUT)]
    return found


@pytest.mark.parametrize("service", [*sorted({page.service for page in PAGES}), ""])
async def test_every_page_is_accessible_and_runs_nothing_hostile(world: World, open_as: Any, service: str) -> None:
    page = await open_as("owner")
    await page.emulate_media(reduced_motion="reduce")  # what fades in has not its colours yet
    problems: list[str] = []
    for url in addresses(world, service):
        answer = await page.goto(world.fleet.url + url, wait_until="load")
        if answer and (await answer.body()).startswith(b"<!doctype html>"):  # not a part of a page, or data
            problems += [f"{url} {problem}" for problem in await look(page)]
    assert not problems, "\n".join(problems)


async def test_attachments_never_run_in_our_origin(world: World, open_as: Any) -> None:
    """SVG and HTML that came as attachments are downloaded, or shown without any right."""
    base = f"/api/0/projects/{world.full.organization}/{world.full.project}/events/{world.known['event_id']}"
    for item in world.full.get(f"{base}/attachments/"):
        for query in ({}, {"download": "1"}, {"thumbnail": "1"}, {"preview": "1"}):
            answer = world.full.http.get(f"{base}/attachments/{item['id']}/", params=query)
            kind = answer.headers["content-type"].partition(";")[0]
            assert answer.headers["x-content-type-options"] == "nosniff"
            if kind in {"text/html", "image/svg+xml", "application/xhtml+xml", "text/xml"}:
                is_saved = answer.headers.get("content-disposition", "").startswith("attachment")
                assert is_saved or "sandbox" in answer.headers["content-security-policy"]


async def test_a_page_costs_little(world: World, open_as: Any) -> None:
    """What the first page of a browser transfers, without screenshots; all of it below 100 KB."""
    page = await open_as("owner")
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    sizes: dict[str, float] = {}
    kinds: dict[str, str] = {}
    session.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    session.on(
        "Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]})
    )
    inbox = f"{world.fleet.url}/organizations/{world.full.organization}/feedback/"
    await page.goto(inbox, wait_until="networkidle")
    assert 0 < sum(size for request, size in sizes.items() if kinds.get(request) != "Image") <= 100_000
