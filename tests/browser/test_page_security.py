"""Every page and every operation of the API against people who may not, and pages against other sites.

The addresses come from the apps' routes and the OpenAPI documents, so that none is forgotten.
"""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from page_table import Address, operations, pages
from world import World

SAFE = ("GET",)
PAGES = [page for page in pages(*SAFE) if not page.is_stream]
STREAMS = [page for page in pages(*SAFE) if page.is_stream]
FORMS = [page for page in pages() if page.method not in SAFE]
OPERATIONS = list(operations())
# But signing in: nothing is done there in a session's name, and no form of another site can send JSON.
CHANGES = [one for one in OPERATIONS if one.method != "GET" and one.path != "/api/0/auth/login/"]
# What anybody may do: it is about oneself, and a token has no more scopes than its maker.
OF_ONESELF = re.compile(r"/api/0/(?:accept-invite|auth|users/me)/|.*/api-tokens/")
OWN = {"organization": "organization", "project": "project"}
REFUSED = {400, 401, 403, 404, 405, 410, 429}
NEXT = ["//evil.invalid", "https://evil.invalid/", "/\\evil.invalid", "/\t/evil.invalid", "javascript:alert(1)"]


@pytest.fixture(scope="module")
def browsers(world: World, sessions: dict[str, str]) -> Iterator[dict[str, httpx.Client]]:
    """A browser of each kind of person, and one without a session."""
    made = {name: world.browser(session) for name, session in {**sessions, "visitor": ""}.items()}
    yield made
    for one in made.values():
        one.close()


def assert_safe_headers(answer: httpx.Response) -> None:
    """No site may frame the page, no inline script may run, nothing of it is kept or guessed."""
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe-" not in policy
    assert "*" not in policy
    assert "frame-ancestors 'none'" in policy or "frame-ancestors 'self'" in policy
    assert answer.headers.get("x-frame-options", "DENY") in {"DENY", "SAMEORIGIN"}  # for browsers of before
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].startswith(("no-store", "no-cache", "private"))
    assert answer.headers["referrer-policy"] in {"same-origin", "no-referrer"}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_an_owner_sees_every_page_and_no_site_can_frame_it(
    world: World, browsers: dict[str, httpx.Client], page: Address
) -> None:
    answer = browsers["owner"].get(page.fill(world.known))
    if page.is_open:
        assert answer.status_code < 500
    else:
        assert answer.status_code in {200, 302, 303, 307}, answer.text[-2_000:]
    if answer.headers.get("content-type", "").startswith("text/html") or page.is_open:
        assert_safe_headers(answer)


@pytest.mark.parametrize("page", PAGES + STREAMS, ids=str)
def test_without_a_session_a_page_leads_to_sign_in(
    world: World, browsers: dict[str, httpx.Client], page: Address
) -> None:
    if page.is_open:
        return
    answer = browsers["visitor"].get(page.fill(world.known))
    assert answer.status_code in {303, 401}
    if answer.status_code == 303:
        assert answer.headers["location"].startswith("/auth/login/")


@pytest.mark.parametrize("page", PAGES + STREAMS, ids=str)
def test_a_stranger_sees_no_page_of_another_organization(
    world: World, browsers: dict[str, httpx.Client], page: Address
) -> None:
    if "organization" not in page.parameters or page.is_open:
        return
    assert browsers["stranger"].get(page.fill(world.known)).status_code == 404
    # The stranger's own organization in the path, and ids of the other one behind it.
    inside = {**world.known, "organization": world.other.organization}
    for project in (world.full.project, str(world.full.project_id), world.other.project):
        if set(page.parameters) == {"organization"} or page.is_stream:
            break
        if project == world.other.project and set(page.parameters) == {"organization", "project"}:
            break
        answer = browsers["stranger"].get(page.fill({**inside, "project": project}))
        assert answer.status_code in {400, 403, 404}, answer.text[-500:]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_no_other_site_and_no_stranger_can_send_a_form(
    world: World, browsers: dict[str, httpx.Client], form: Address
) -> None:
    path = form.fill(world.known)
    # A link in a mail holds a secret; mail programs follow it without a page of ours (RFC 8058).
    if form.path.startswith("/unsubscribe/"):
        return
    owner = browsers["owner"]
    no_token = owner.request(form.method, path, data={"status": "resolved"})
    assert no_token.status_code in ({403} if not form.path.startswith("/accept/") else {403, 404})
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        answer = owner.request(form.method, path, data={"csrf_token": token(world, owner)}, headers=headers)
        assert answer.status_code == 403
    if form.is_open:
        return
    stranger = browsers["stranger"]
    with_token = {"csrf_token": token(world, stranger, world.other.organization)}
    if "organization" in form.parameters:
        assert stranger.request(form.method, path, data=with_token).status_code == 404
    visitor = browsers["visitor"].request(form.method, path, data=with_token)
    assert visitor.status_code in {303, 401, 403}
    assert visitor.headers.get("location", "/auth/login/").startswith("/auth/login/")


def token(world: World, browser: httpx.Client, organization: str = "") -> str:
    """Return a token for the forms of a browser, from any page: a missing one has one, too."""
    text = browser.get(f"/settings/{organization or world.full.organization}/no-such-page/").text
    return text.partition('"X-CSRF-Token": "')[2].partition('"')[0]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_viewer_can_change_nothing(world: World, browsers: dict[str, httpx.Client], form: Address) -> None:
    if form.is_open or "organization" not in form.parameters:
        return
    viewer = browsers["viewer"]
    answer = viewer.request(form.method, form.fill(world.known), data={"csrf_token": token(world, viewer)})
    assert answer.status_code == 403, answer.text[-500:]


@pytest.mark.parametrize("operation", CHANGES, ids=str)
def test_no_other_site_and_no_viewer_can_change_anything_by_the_api(
    world: World, browsers: dict[str, httpx.Client], operation: Address
) -> None:
    path = operation.fill(world.known)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        answer = browsers["owner"].request(operation.method, path, json={}, headers=headers)
        assert answer.status_code == 403, answer.text[:500]
    if not OF_ONESELF.match(path):
        answer = browsers["viewer"].request(operation.method, path, json={})
        assert answer.status_code == 403, answer.text[:500]


@pytest.mark.parametrize("target", NEXT)
def test_signing_in_leads_nowhere_else(world: World, browsers: dict[str, httpx.Client], target: str) -> None:
    with world.browser("") as browser:
        page = browser.get("/auth/login/", params={"next": target})
        assert page.status_code == 200, page.text[-500:]
        assert "evil.invalid" not in page.text
        fields = {
            "csrf_token": page.text.partition('"X-CSRF-Token": "')[2].partition('"')[0],
            "email": world.other.admin_email,
            "password": world.other.admin_password,
            "next": target,
        }
        answer = browser.post("/auth/login/", data=fields)
        assert answer.status_code == 303
        assert "evil.invalid" not in answer.headers["location"]
        assert answer.headers["location"].startswith("/")
        signed_in = browser.get("/auth/login/", params={"next": target})
        assert "evil.invalid" not in signed_in.headers.get("location", "")


def everything(world: World) -> dict[str, Any]:
    """Return what a stranger might have changed."""
    base = f"/api/0/projects/{world.full.organization}/{world.full.project}"
    organization = f"/api/0/organizations/{world.full.organization}"
    paths = [base, f"{base}/keys", f"{base}/quotas", f"{base}/notification-rules", f"{base}/user-feedback"]
    paths += [organization, f"{organization}/members", f"{organization}/alert-rules"]
    paths += [f"/api/0/issues/{world.known['issue']}", f"/api/0/issues/{world.known['user-reports.issue']}"]
    found = {path: world.full.get(f"{path}/") for path in paths}
    for rule in found[f"{organization}/alert-rules"]:
        del rule["lastEvaluated"], rule["value"]
    return found | {"issues": len(world.full.issues())}


def test_no_operation_of_the_api_lets_a_stranger_in(world: World) -> None:
    """Ids of another organization on every operation, behind its own name and behind the stranger's."""
    assert len(OPERATIONS) > 60
    before = everything(world)
    secrets = (world.full.project, world.known["event_id"], "With a screenshot: the cart is empty")
    inside = {**world.known, "organization": world.other.organization, "project": world.other.project}
    problems = []
    for operation in OPERATIONS:
        for known in (world.known, inside):
            own = set(operation.parameters) <= OWN.keys() and known is inside
            body = None if operation.method in {"GET", "DELETE"} else {}
            if own and operation.method != "GET":
                continue  # the stranger may change what is its own
            answer = world.other.http.request(operation.method, operation.fill(known), json=body)
            shows = [secret for secret in secrets if secret in answer.text and secret not in str(answer.url)]
            is_let_in = not own and operation.parameters and answer.status_code not in REFUSED
            # A list of what is asked for by a key that both may have is the stranger's own, and empty.
            if shows or (is_let_in and answer.json() != []):
                problems.append(f"{operation} as {answer.url.path}: {answer.status_code} {answer.text[:200]}")
    assert problems == []
    assert everything(world) == before
