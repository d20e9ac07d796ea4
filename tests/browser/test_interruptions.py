"""What comes between a person and the end of a step loses nothing that was typed or chosen."""

import asyncio
import uuid
from typing import Any

import pytest
from playwright.async_api import Page, expect
from test_journeys import inbox_of, send_feedback
from world import World

TYPED = "Typed before it"
# A form on each service's pages, by the address of its page, and what is filled in.
FORMS = {
    "/settings/{}/projects/{}/alerts/new/": {"name": TYPED, "target": "team@example.com", "environments": "a\nb"},
    "/settings/{}/projects/{}/loss-alerts/": {"name": TYPED, "threshold": "7"},
    "/settings/{}/projects/{}/": {"name": TYPED},
    "/settings/{}/members/": {"email": "typed@example.com"},
    "/settings/{}/tokens/": {"name": TYPED},
}
VALUES = """form => [...form.elements].filter((one) => one.name !== "csrf_token")
  .map((one) => [one.name, one.value, Boolean(one.checked)])"""
# Ends once there is the bar that shows while something is asked for within the page, or once there is none.
BAR = """(wanted) => new Promise((done) => {
  const look = () => {
    const bar = getComputedStyle(document.documentElement, "::before");
    const shown = bar.content !== "none" && new DOMMatrix(bar.transform).a > 0;
    if (shown === wanted) done(); else setTimeout(look, 20);
  };
  look();
})"""
Session = dict[str, str]


@pytest.fixture
def session(world: World) -> Session:
    """The cookie of a session of the full organization's owner."""
    return {"name": "hearback_session", "value": world.owner(world.full), "url": world.fleet.url}


async def fill_in(page: Page, fields: dict[str, str]) -> Any:
    """Fill in the form that has these fields, switch its last choice, and return the form."""
    wanted = "".join(f":has([name={name}])" for name in fields)
    form = page.locator(f"main form[method=post]{wanted}").last
    for name, value in fields.items():
        await form.locator(f"[name={name}]").fill(value)
    for choice in (await form.locator("input[type=checkbox], input[type=radio]").all())[-1:]:
        await choice.evaluate("choice => choice.click()")
    return form


@pytest.mark.parametrize("how", ["session ended", "signed in again"])
async def test_what_was_typed_is_there_again(world: World, open_as: Any, session: Session, how: str) -> None:
    """When a form is refused since its session ended, or since another tab began a new one."""
    page, project = await open_as("visitor"), world.full
    renewed = {**session, "value": world.sign_in(project.admin_email, project.admin_password)}
    lost = []
    for path, fields in FORMS.items():
        await page.context.add_cookies([session])
        address = world.fleet.url + path.format(project.organization, project.project)
        await page.goto(address)
        form = await fill_in(page, fields)
        typed = await form.evaluate(VALUES)
        await page.context.clear_cookies(name="hearback_session")
        if how == "signed in again":
            await page.context.add_cookies([renewed])
        await form.locator("button:not([type=button])").last.click()
        await page.wait_for_load_state()
        await page.context.add_cookies([renewed])
        await page.goto(address)
        await expect(page.locator("#toasts")).to_contain_text("is here again")
        if await form.evaluate(VALUES) != typed:
            lost.append(path)
    assert lost == []


async def sign_in_here(page: Page, email: str, password: str) -> None:
    """Sign in on the page to which the browser was led."""
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url(lambda url: "/auth/" not in url)


@pytest.mark.parametrize(("who", "found"), [("the same", TYPED), ("another", "")])
async def test_what_was_typed_is_for_the_person_who_typed_it(
    world: World, open_as: Any, session: Session, who: str, found: str
) -> None:
    """After sign-in, for the same person alone; and for none once the form was taken."""
    page, project = await open_as("visitor"), world.full
    path = f"{world.fleet.url}/settings/{project.organization}/tokens/"
    email, password = project.admin_email, project.admin_password
    if who == "another":
        email = f"{uuid.uuid4().hex[:8]}@example.com"
        added = ("member", "add", project.organization, email, "owner", "--password-stdin")
        world.fleet.command(*added, text=f"{password}\n")
    await page.context.add_cookies([session])
    await page.goto(path)
    form = await fill_in(page, {"name": TYPED})
    await page.context.clear_cookies(name="hearback_session")
    await form.get_by_role("button", name="Create").click()
    await sign_in_here(page, email, password)
    await expect(form.locator("[name=name]")).to_have_value(found)
    await (await fill_in(page, {"name": TYPED})).get_by_role("button", name="Create").click()
    await expect(page.locator("main")).to_contain_text(TYPED)
    await page.goto(path)
    await expect(form.locator("[name=name]")).to_have_value("")


@pytest.mark.parametrize("width", [1280, 360])
async def test_escape_closes_a_menu_and_nothing_else(
    world: World, open_as: Any, wait_until: Any, width: int
) -> None:
    """What was chosen stays chosen until Escape is pressed again; the focus is never lost."""
    project = world.fleet.new_project(world.full.organization)
    for text in ("First", "Second"):
        send_feedback(project, text)
    issues = wait_until(lambda: len(found := project.issues()) == 2 and found)
    page = await open_as("member", viewport={"width": width, "height": 800})
    await page.goto(world.fleet.url + inbox_of(world.full.organization, project=project.project_id))
    for box in await page.locator(".pick input").all():
        await box.check()
    await page.keyboard.press("a")
    await expect(page.locator("#bulk-assignee")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#bulk details.menu > summary")).to_be_focused()
    await expect(page.locator("#pick-count")).to_have_text("2")
    await page.keyboard.press("Escape")
    await expect(page.locator(".pick input").first).to_be_focused()
    await expect(page.locator(".pick input:checked")).to_have_count(0)
    slug = f"{project.project}:{issues[0]['id']}"
    await page.goto(world.fleet.url + inbox_of(world.full.organization, feedbackSlug=slug))
    more = page.locator("#detail details.menu > summary").first
    await more.press("Enter")
    await page.keyboard.press("Escape")
    await expect(more).to_be_focused()
    await expect(page.locator(".fb-message")).to_be_visible()


async def test_what_takes_a_while_says_so_and_ends_saying_so(world: World, open_as: Any, session: Session) -> None:
    page, project = await open_as("visitor"), world.full
    await page.context.add_cookies([session])
    await page.goto(world.fleet.url + inbox_of(project.organization))
    held = asyncio.Event()

    async def hold(route: Any) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/*feedbackSlug=*", hold)
    await page.locator("#rows .list-title").first.click()
    await asyncio.wait_for(page.evaluate(BAR, True), 60)
    held.set()
    await expect(page.locator("#detail .fb")).to_be_visible()
    await asyncio.wait_for(page.evaluate(BAR, False), 60)


async def test_a_state_is_never_cut_for_the_words_beside_it(world: World, open_as: Any, session: Session) -> None:
    page, project = await open_as("visitor", viewport={"width": 390, "height": 844}), world.full
    await page.context.add_cookies([session])
    await page.goto(f"{world.fleet.url}/organizations/{project.organization}/submissions/")
    cut = await page.locator(".list-meta > .badge:has(+ .truncate)").evaluate_all(
        "all => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)"
    )
    assert cut == []


@pytest.mark.parametrize(
    ("page_of", "field", "button"), [("tokens", "name", "Create a token"), ("members", "email", "Invite")]
)
async def test_a_page_that_shows_something_once_sends_no_form_again(
    world: World, open_as: Any, session: Session, page_of: str, field: str, button: str
) -> None:
    """A token or a link of an invitation is made once, however often its page is loaded again."""
    page, project = await open_as("visitor"), world.full
    await page.context.add_cookies([session])
    await page.goto(f"{world.fleet.url}/settings/{project.organization}/{page_of}/")
    before = await page.locator("main li").count()
    await page.locator(f"main form [name={field}]").last.fill(f"once{uuid.uuid4().hex[:6]}@example.com")
    await page.get_by_role("button", name=button, exact=True).click()
    await expect(page.locator("[data-once]")).to_be_visible()
    made = await page.locator("main li").count()
    assert made > before
    await page.reload()
    await expect(page.locator("[data-once]")).to_have_count(0)
    assert await page.locator("main li").count() == made
    if page_of == "members":
        await page.get_by_role("button", name="Invite again").last.click()
        await expect(page.locator("[data-once]")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Members")
