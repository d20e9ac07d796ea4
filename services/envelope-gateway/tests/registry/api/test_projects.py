import asyncio
import re

import pytest
from registry.domain.slugs import FORMER_SLUGS_MAX
from sqlalchemy import event
from sqlalchemy.engine import Engine

DEFAULTS = {
    "sentry:origins": ["*"], "sentry:feedback_user_report_notifications": True, "hearback:mail_reply_to": True,
    "sentry:feedback_ai_spam_detection": True, "feedback:branding": True,
    "feedback:filter_garbage_messages": False, "feedback:modal_name": "required",
    "feedback:modal_email": "required", "feedback:modal_accent": "", "feedback:modal_theme": "auto",
    "hearback:retention_days": 90, "hearback:attachment_bytes_max": None, "hearback:attachments_bytes_max": None,
    "hearback:attachments_count_max": None,
}  # fmt: skip


async def test_a_project_has_every_option_with_its_default(registry):
    found = await registry.get("/projects/demo/web/")
    assert (found["id"], found["slug"], found["name"], found["platform"]) == ("1", "web", "web", None)
    assert found["options"] == DEFAULTS
    assert found["allowedDomains"] == ["*"]
    assert (found["hasFeedbacks"], found["hasNewFeedbacks"], found["isMember"]) == (False, False, True)
    assert found["organization"] == {"id": "1", "slug": "demo", "name": "demo"}
    assert await registry.get("/projects/1/1/") == found


async def test_options_are_merged(registry):
    await registry.put("/projects/demo/web/", {"options": {"feedback:branding": False}})
    origins = ["https://a.example", "*.b.example", "http://localhost:3000"]
    changed = await registry.put("/projects/demo/web/", {"options": {"sentry:origins": origins}})
    assert changed["options"] == DEFAULTS | {"feedback:branding": False, "sentry:origins": origins}
    assert changed["allowedDomains"] == origins
    assert await registry.get("/projects/demo/web/") == changed
    emptied = await registry.put("/projects/demo/web/", {"options": {"sentry:origins": []}})
    assert emptied["options"]["sentry:origins"] == []


async def test_what_get_answers_can_be_put_back(registry):
    found = await registry.get("/projects/demo/web/")
    assert await registry.put("/projects/demo/web/", found) == found


async def test_other_fields_change_beside_options(registry):
    changed = await registry.put(
        "/projects/demo/web/", {"name": " Web shop ", "slug": "shop", "platform": "javascript-react"}
    )
    assert (changed["name"], changed["slug"], changed["platform"]) == ("Web shop", "shop", "javascript-react")
    assert (await registry.get("/projects/demo/web/"))["slug"] == "shop"
    changed = await registry.put("/projects/demo/shop/", {"platform": None, "allowedDomains": ["a.example"]})
    assert (changed["platform"], changed["name"]) == (None, "Web shop")
    assert changed["options"]["sentry:origins"] == ["a.example"]


MALFORMED_OPTIONS = [
    {"sentry:nothing": True}, {"sentry:origins": "*"}, {"sentry:origins": None}, {"sentry:origins": {"*": True}},
    {"sentry:origins": ["*", 5]}, {"sentry:origins": ["*", None]}, {"sentry:origins": [""]},
    {"sentry:origins": ["a b"]}, {"sentry:origins": ["a\x00b"]}, {"sentry:origins": ["x" * 257]},
    {"sentry:origins": ["*"] * 201}, {"sentry:feedback_user_report_notifications": "true"},
    {"sentry:feedback_user_report_notifications": 1}, {"sentry:feedback_ai_spam_detection": None},
    {"feedback:branding": "1"}, {"feedback:branding": []}, {"feedback:modal_name": "perhaps"},
    {"feedback:modal_email": True}, {"feedback:modal_theme": "blue"}, {"feedback:modal_accent": "red"},
    {"feedback:modal_accent": "#12345g"}, {"hearback:retention_days": 0}, {"hearback:retention_days": "90"},
    {"hearback:retention_days": True}, {"hearback:retention_days": 1.5}, {"hearback:retention_days": None},
    {"hearback:attachment_bytes_max": -1}, {"hearback:attachments_bytes_max": "1"},
    {"hearback:attachments_count_max": 10_001}, {"feedback:branding": False, "feedback:modal_theme": "blue"},
    {"bad\x00": True}, [], None, "x",
]  # fmt: skip


async def test_a_malformed_option_is_400_and_changes_nothing(registry):
    for options in MALFORMED_OPTIONS:
        before = await registry.get("/projects/demo/web/")
        answer = await registry.put("/projects/demo/web/", {"name": "changed", "options": options}, status=400)
        assert set(answer) == {"detail", "code"}
        assert await registry.get("/projects/demo/web/") == before


MALFORMED_FIELDS = [
    {"slug": "UPPER"}, {"slug": "12"}, {"slug": "a/b"}, {"slug": "-a"}, {"slug": "x" * 51}, {"name": ""},
    {"name": None, "slug": 5}, {"platform": "x" * 65}, {"platform": 5}, {"allowedDomains": "*"},
    {"allowedDomains": [5]},
]  # fmt: skip


async def test_a_malformed_field_is_400_and_changes_nothing(registry):
    for body in MALFORMED_FIELDS:
        before = await registry.get("/projects/demo/web/")
        await registry.put("/projects/demo/web/", body, status=400)
        assert await registry.get("/projects/demo/web/") == before


async def test_an_origin_that_matches_nothing_is_refused_in_words(registry):
    origins = ["*.a.example", "shop-*.a.example"]
    for body in ({"options": {"sentry:origins": origins}}, {"allowedDomains": origins}):
        answer = await registry.put("/projects/demo/web/", body, status=400)
        assert answer["detail"].endswith("; shop-*.a.example matches nothing"), answer


@pytest.mark.parametrize(
    "options",
    [
        {"feedback:modal_name": "hidden", "feedback:modal_email": "optional"},
        {"feedback:modal_accent": "#6C5fc7", "feedback:modal_theme": "dark"},
        {"hearback:retention_days": 3650},
        {"hearback:attachment_bytes_max": 0, "hearback:attachments_count_max": 10_000},
        {"sentry:origins": ["x" * 256]},
    ],
)
async def test_values_at_their_bounds_are_taken(registry, options):
    assert (await registry.put("/projects/demo/web/", {"options": options}))["options"] == DEFAULTS | options


async def test_a_created_project_has_a_key_and_a_slug_from_its_name(registry):
    made = await registry.post(
        "/organizations/demo/projects/", {"name": "iOS App!", "platform": "apple"}, status=201
    )
    assert (made["slug"], made["name"], made["platform"]) == ("ios-app", "iOS App!", "apple")
    (key,) = await registry.get("/projects/demo/ios-app/keys/")
    assert re.fullmatch("[0-9a-f]{32}", key["public"])
    listed = await registry.get("/organizations/demo/projects/")
    assert [row["slug"] for row in listed] == ["web", "ios-app"]
    assert listed[1] == made


async def test_a_project_needs_a_name_and_a_proper_slug(registry):
    for body in ({}, {"name": ""}, {"name": "???"}, {"name": "42"}, {"name": "x", "slug": "X"}):
        await registry.post("/organizations/demo/projects/", body, status=400)
        assert len(await registry.get("/organizations/demo/projects/")) == 1


async def test_a_slug_is_taken_once_per_organization(registry, other):
    await registry.post("/organizations/demo/projects/", {"name": "web"}, status=409)
    await registry.post("/organizations/demo/projects/", {"name": "app"}, status=201)
    await registry.put("/projects/demo/app/", {"slug": "web"}, status=409)


async def test_lists_go_page_by_page_in_both_directions(registry):
    for number in range(4):
        await registry.post("/organizations/demo/projects/", {"name": f"p{number}"}, status=201)
    wanted = ["web", "p0", "p1", "p2", "p3"]

    async def page(url: str) -> tuple[list[str], dict[str, tuple[bool, str]]]:
        answer = await registry.http.get(url, headers=registry.headers())
        assert answer.status_code == 200
        links = re.findall(r'<([^>]*)>; rel="(\w+)"; results="(\w+)"', answer.headers["Link"])
        found = {relation: (results == "true", target) for target, relation, results in links}
        return [row["slug"] for row in answer.json()], found

    for path in ("/api/0/organizations/demo/projects/", "/api/0/projects/"):
        rows, links = await page(f"{path}?per_page=2")
        assert (rows, links["previous"][0]) == (wanted[:2], False)
        rows, links = await page(links["next"][1])
        assert (rows, links["next"][0], links["previous"][0]) == (wanted[2:4], True, True)
        last, last_links = await page(links["next"][1])
        assert (last, last_links["next"][0]) == (wanted[4:], False)
        rows, links = await page(links["previous"][1])
        assert (rows, links["previous"][0], links["next"][0]) == (wanted[:2], False, True)


async def test_a_malformed_page_is_400(registry):
    for query in ("cursor=x", "cursor=WzAsIngiXQ", "cursor=WzAsLTFd", "per_page=0", "per_page=101"):
        await registry.get(f"/projects/?{query}", status=400)


async def test_limits_hold(open_registry):
    async with open_registry(projects_max=2, keys_max=2, tokens_max=2) as registry:
        await registry.post("/organizations/demo/projects/", {"name": "second"}, status=201)
        answer = await registry.post("/organizations/demo/projects/", {"name": "third"}, status=400)
        assert answer["code"] == "limit_reached"
        for path, body in (
            ("/projects/demo/web/keys/", {}),
            ("/organizations/demo/api-tokens/", {"scopes": ["event:read"]}),
        ):
            at_once = (
                registry.http.post(f"/api/0{path}", json=body, headers=registry.headers()) for _ in range(4)
            )
            statuses = [answer.status_code for answer in await asyncio.gather(*at_once)]
            assert sorted(statuses) == [201, 400, 400, 400], path


async def test_a_former_slug_leads_to_the_project_until_another_takes_it(registry):
    path = "/projects/demo/web/"
    for slug in ("shop", "store"):
        assert (await registry.put(path, {"slug": slug}))["slug"] == slug
    for slug in ("web", "shop", "store"):
        assert (await registry.get(f"/projects/demo/{slug}/"))["id"] == "1"
    made = await registry.post("/organizations/demo/projects/", {"name": "web"}, status=201)
    assert (await registry.get(path))["id"] == made["id"]
    second = await registry.post("/organizations/demo/projects/", {"name": "second"}, status=201)
    await registry.put("/projects/demo/second/", {"slug": "shop"})
    assert (await registry.get("/projects/demo/shop/"))["id"] == second["id"]
    await registry.put("/projects/demo/shop/", {"slug": "second"})
    assert (await registry.get("/projects/demo/shop/"))["id"] == second["id"]


async def test_as_many_former_slugs_lead_to_a_project_as_the_limit_says(registry):
    slugs = [f"name-{number}" for number in range(FORMER_SLUGS_MAX + 2)]
    for slug in slugs:
        await registry.put("/projects/demo/1/", {"slug": slug})
    for slug in ("web", slugs[0]):
        await registry.get(f"/projects/demo/{slug}/", status=404)
    assert (await registry.get(f"/projects/demo/{slugs[1]}/"))["slug"] == slugs[-1]


async def test_one_slug_is_given_once_to_creations_and_renamings_at_once(registry):
    """Whoever comes second gets a conflict, and no request an error of the server."""
    for name in ("first", "second"):
        await registry.post("/organizations/demo/projects/", {"name": name}, status=201)

    async def status(method, path, body):
        answer = await registry.http.request(method, f"/api/0{path}", json=body, headers=registry.headers())
        return answer.status_code

    statuses = await asyncio.gather(
        status("PUT", "/projects/demo/first/", {"slug": "wanted"}),
        status("PUT", "/projects/demo/second/", {"slug": "wanted"}),
        status("POST", "/organizations/demo/projects/", {"name": "wanted"}),
        status("POST", "/organizations/demo/projects/", {"name": "wanted"}),
    )
    assert sorted(statuses)[1:] == [409, 409, 409]
    assert min(statuses) in {200, 201}


async def test_a_list_takes_as_many_queries_for_many_rows_as_for_one(registry):
    def counted(connection, cursor, statement, *_):
        statements.append(statement)

    statements: list[str] = []
    event.listen(Engine, "before_cursor_execute", counted)
    try:
        counts = []
        for number in range(3):
            await registry.post("/organizations/demo/projects/", {"name": f"p{number}"}, status=201)
            await registry.post("/projects/demo/web/keys/", status=201)
            counts.append([])
            for path in ("/projects/", "/organizations/demo/projects/", "/projects/demo/web/keys/"):
                statements.clear()
                await registry.get(path)
                counts[-1].append(len(statements))
    finally:
        event.remove(Engine, "before_cursor_execute", counted)
    assert counts[0] == counts[-1]
    assert 1 <= min(counts[0]) <= max(counts[0]) <= 5
