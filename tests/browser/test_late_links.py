"""Links that were sent to a person and come too late say so in words, and lead on."""

import asyncio
import json
import re
import uuid
from email import message_from_bytes
from typing import Any

import asyncpg
from playwright.async_api import expect
from test_journeys import send_feedback
from world import PASSWORD, World

EXPIRE = "UPDATE members SET invitation_expires_at = now() - interval '1 second' WHERE email = $1"


async def expire_invitation(world: World, email: str) -> None:
    """Let an invitation expire, for which one would wait for days."""
    environment = json.loads((world.fleet.data_dir / "state.json").read_text())["environment"]
    connection = await asyncpg.connect(f"{environment['HEARBACK_DATABASE_URL'].rstrip('/')}/envelope_gateway")
    try:
        assert await connection.execute(EXPIRE, email) == "UPDATE 1"
    finally:
        await connection.close()


async def test_an_invitation_that_expires_while_its_form_is_filled_in(world: World, open_as: Any) -> None:
    email = f"late-{uuid.uuid4().hex[:8]}@example.com"
    invited = json.loads(world.fleet.command("member", "invite", world.full.organization, email, "--json"))
    page = await open_as("invited")
    await page.goto(invited["invite_link"])
    await page.get_by_label("Your name").fill("Late")
    await page.get_by_label("Password").fill(PASSWORD)
    await expire_invitation(world, email)
    await page.get_by_role("button", name="Accept the invitation").click()
    for _ in range(2):
        await expect(page.get_by_role("alert")).to_contain_text("invitation")
        await expect(page.get_by_role("alert")).to_contain_text("not valid")
        await expect(page.locator("main form")).to_have_count(0)
        await page.goto(invited["invite_link"])
    await page.get_by_role("link", name="Go to the start page").click()
    await expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


async def test_the_unsubscribe_link_of_somebody_who_was_removed(
    world: World, open_as: Any, wait_until: Any
) -> None:
    email = f"removed-{uuid.uuid4().hex[:8]}@example.com"
    project = world.fleet.new_project()
    command = world.fleet.command
    command("member", "add", project.organization, email, "member", "--password-stdin", text=f"{PASSWORD}\n")
    send_feedback(project, "Words to a member who leaves")

    def link() -> str | None:
        for path in (world.fleet.data_dir / "mail").glob("*.eml"):
            message = message_from_bytes(path.read_bytes())
            if message["To"] == email:
                return re.sub(r"[<>\s]", "", str(message["List-Unsubscribe"]))
        return None

    address = await asyncio.to_thread(wait_until, link)
    page = await open_as("member of before")
    await page.goto(address)
    unsubscribe = page.get_by_role("button", name="Unsubscribe")
    await expect(unsubscribe).to_be_visible()
    rows = json.loads(command("member", "list", project.organization, "--json"))
    [member] = [row["id"] for row in rows if row["email"] == email]
    command("member", "delete", project.organization, member)
    await unsubscribe.click()
    for _ in range(2):
        await expect(page.get_by_role("alert")).to_contain_text("get no mail about it any more")
        await expect(unsubscribe).to_have_count(0)
        await page.goto(address)
