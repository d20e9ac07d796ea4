"""The "try it" page: the real widget of the SDK within the pages' policy, and its committed bundle."""

import re
import subprocess
from typing import Any

import httpx
import pytest
from playwright.async_api import expect
from world import World

from .conftest import HERE

BUNDLE = HERE.parents[1] / "services/envelope-gateway/src/registry/static/sentry-widget.min.js"
BUILD = (
    "--bundle",
    "--minify",
    "--format=iife",
    "--target=es2020",
    "--legal-comments=none",
    "--log-level=warning",
)
WITHOUT = ("--define:__SENTRY_DEBUG__=false", "--define:__SENTRY_TRACING__=false")


def test_the_widget_is_built_from_its_source() -> None:
    esbuild = HERE / "node_modules" / ".bin" / "esbuild"
    done = subprocess.run([esbuild, "try_widget.js", *BUILD, *WITHOUT], cwd=HERE, capture_output=True, check=True)
    assert BUNDLE.read_bytes() == done.stdout, "write it again as this test builds it"


async def test_the_widget_opens_and_sends(world: World, open_as: Any, wait_until: Any) -> None:
    project = world.fleet.new_project(world.full.organization)
    page = await open_as("member", viewport={"width": 1280, "height": 800})
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Policy" in message.text else None)
    await page.goto(f"{world.fleet.url}/organizations/{project.organization}/projects/{project.project}/try/")
    await page.get_by_role("button", name="Open the widget").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    box = await dialog.locator("form").bounding_box()
    assert box is not None
    assert box["width"] < 500, "its style was refused"
    await expect(dialog.get_by_label(re.compile("Email"))).not_to_have_value("")
    await dialog.get_by_label(re.compile("Description")).fill("Sent by the real widget")
    await dialog.get_by_role("button", name="Send Bug Report").click()
    found = wait_until(project.issues)
    assert [issue["metadata"]["message"] for issue in found] == ["Sent by the real widget"]
    assert refused == []


REFUSALS = {
    "": ({"options": {"sentry:origins": ["https://shop.example"]}}, "is not among the project's allowed domains"),
    "quotas/": (
        [{"id": "none", "categories": [], "limit": 0, "scope": "project"}],
        "a quota of the project is used up",
    ),
    "keys/{}/": ({"isActive": False}, "the client key is not enabled any more"),
}


@pytest.mark.parametrize("setting", REFUSALS)
async def test_what_is_refused_is_explained(world: World, open_as: Any, wait_until: Any, setting: str) -> None:
    project, (value, words) = world.fleet.new_project(world.full.organization), REFUSALS[setting]
    base = f"/api/0/projects/{project.organization}/{project.project}/"
    page = await open_as("member")
    await page.goto(f"{world.fleet.url}/organizations/{project.organization}/projects/{project.project}/try/")
    path = base + setting.format(project.get(f"{base}keys/")[0]["id"])
    assert project.http.put(path, json=value).status_code == 200
    address = f"{world.fleet.url}/api/{project.project_id}/envelope/?sentry_key={project.public_key}"
    event = b'{}\n{"type":"event"}\n{"message":"is it refused?"}\n'
    origin = {"Origin": world.fleet.url}
    wait_until(lambda: httpx.post(address, content=event, headers=origin, timeout=30).status_code != 200)
    await page.locator("[data-try=feedback] textarea").fill("Is this taken?")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator("[data-try=feedback] [data-result]")).to_contain_text(words)
    await page.get_by_role("button", name="Crash, and ask the visitor").click()
    await expect(page.locator("[data-try=crash] [data-result]")).to_contain_text(words)
