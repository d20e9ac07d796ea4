FLAGS = {
    "organizations:user-feedback-ui": True,
    "organizations:feedback-visible": True,
    "organizations:user-feedback-ingest": True,
    "organizations:user-feedback-spam-filter-ingest": False,
    "organizations:user-feedback-spam-filter-actions": False,
    "organizations:user-feedback-spam-ingest": False,
}
SPAM, SPAM_NEWER = "organizations:user-feedback-spam-filter-ingest", "organizations:user-feedback-spam-ingest"


async def test_an_organization_has_every_flag_with_its_default(registry):
    found = await registry.get("/organizations/demo/")
    assert (found["id"], found["slug"], found["name"]) == ("1", "demo", "demo")
    assert found["features"] == FLAGS
    assert await registry.get("/organizations/1/") == found


async def test_flags_are_merged(registry):
    await registry.put("/organizations/demo/", {"features": {"organizations:user-feedback-ingest": False}})
    changed = await registry.put("/organizations/demo/", {"features": {"organizations:feedback-visible": False}})
    wanted = FLAGS | {"organizations:user-feedback-ingest": False, "organizations:feedback-visible": False}
    assert changed["features"] == wanted
    assert (await registry.get("/organizations/demo/"))["features"] == wanted


async def test_what_get_answers_can_be_put_back(registry):
    found = await registry.get("/organizations/demo/")
    assert await registry.put("/organizations/demo/", found) == found


async def test_a_renamed_flag_goes_by_both_names(registry):
    for name, value in ((SPAM_NEWER, True), (SPAM, False), (SPAM, True), (SPAM_NEWER, False)):
        changed = await registry.put("/organizations/demo/", {"features": {name: value}})
        assert (changed["features"][SPAM], changed["features"][SPAM_NEWER]) == (value, value)
        # What was read can be changed under one of the names and put back.
        for other in (SPAM, SPAM_NEWER):
            edited = changed["features"] | {other: not value}
            flipped = await registry.put("/organizations/demo/", {"features": edited})
            assert flipped["features"][SPAM] is flipped["features"][SPAM_NEWER] is not value
            await registry.put("/organizations/demo/", {"features": {SPAM: value}})


MALFORMED_CHANGES = [
    {"features": {"organizations:nothing": True}}, {"features": {"organizations:user-feedback-ui": 1}},
    {"features": {"organizations:user-feedback-ui": "false"}},
    {"features": {"organizations:user-feedback-ui": None}}, {"features": ["organizations:user-feedback-ui"]},
    {"features": None}, {"name": "x", "features": {"organizations:user-feedback-ui": False, "bad": True}},
    {"name": ""}, {"name": "a\x00b"}, {"name": 5}, {"name": "x" * 201}, {"slug": "Upper"}, {"slug": "123"},
    {"slug": ""}, [], "demo",
]  # fmt: skip


async def test_a_malformed_change_is_400_and_changes_nothing(registry):
    for body in MALFORMED_CHANGES:
        before = await registry.get("/organizations/demo/")
        answer = await registry.put("/organizations/demo/", body, status=400)
        assert set(answer) == {"detail", "code"}
        assert await registry.get("/organizations/demo/") == before


async def test_a_body_that_is_no_clean_json_is_400(registry):
    names = (b"NaN", b'"\\u0000"', b'"\\ud800"')
    for body in (b"{", b"{'a': 1}", b"\xff", *(b'{"name": %b}' % name for name in names)):
        headers = registry.headers() | {"Content-Type": "application/json"}
        answer = await registry.http.put("/api/0/organizations/demo/", content=body, headers=headers)
        assert answer.status_code == 400
        assert set(answer.json()) == {"detail", "code"}


async def test_an_escaped_backslash_before_u0000_is_no_null_character(registry):
    found = await registry.put("/organizations/demo/", {"name": "\\u0000"})
    assert found["name"] == "\\u0000"


async def test_a_slug_can_change_but_not_to_one_that_is_taken(registry, other):
    await registry.put("/organizations/demo/", {"slug": "other"}, status=409)
    assert (await registry.put("/organizations/demo/", {"slug": "renamed"}))["slug"] == "renamed"
    for slug in ("renamed", "demo"):
        assert (await registry.get(f"/organizations/{slug}/"))["slug"] == "renamed"
        project = await registry.get(f"/projects/{slug}/web/")
        assert project["organization"] == {"id": "1", "slug": "renamed", "name": "demo"}


async def test_a_former_slug_leads_to_who_takes_it(registry, other):
    await registry.put("/organizations/demo/", {"slug": "renamed"})
    await registry.put("/organizations/other/", {"slug": "demo"}, token=other["token"])
    await registry.get("/organizations/demo/", status=404)
    assert (await registry.get("/organizations/demo/", token=other["token"]))["slug"] == "demo"
    await registry.put("/organizations/demo/", {"slug": "third"}, token=other["token"])
    await registry.get("/organizations/demo/", status=404)
    assert (await registry.put("/organizations/renamed/", {"slug": "demo"}))["slug"] == "demo"
    assert (await registry.get("/organizations/renamed/"))["slug"] == "demo"


async def test_tenants_never_see_each_other_by_ids_or_beside_their_own(registry, other):
    """Nor by their slugs, as `test_access` shows for every operation."""
    theirs = other["token"]
    for method, path in (
        ("GET", "/organizations/1/"),
        ("GET", "/projects/1/1/"),
        ("GET", "/projects/other/web/"),
        ("GET", "/projects/other/1/"),
        ("GET", "/projects/other/app/keys/1/"),
        ("GET", "/organizations/other/members/1/"),
        ("DELETE", "/organizations/other/members/1/"),
        ("DELETE", "/organizations/other/api-tokens/1/"),
    ):
        answer = await registry.call(method, path, token=theirs, status=404)
        assert answer == {"detail": "The requested resource does not exist.", "code": "not_found"}, path
    assert [row["slug"] for row in await registry.get("/organizations/", token=theirs)] == ["other"]
    assert [row["slug"] for row in await registry.get("/projects/", token=theirs)] == ["app"]
    assert [row["slug"] for row in await registry.get("/projects/")] == ["web"]


async def test_a_null_character_in_a_path_is_400(registry):
    for path in ("/organizations/a%00b/", "/projects/demo/%00/", "/projects/demo/web/keys/%00/"):
        await registry.get(path, status=400)


async def test_a_body_over_the_limit_is_413(registry):
    size = registry.settings.request_body_bytes_max

    def body(length: int) -> bytes:
        head, tail = b'{"name": "x", "y": "', b'"}'
        return head + b"z" * (length - len(head) - len(tail)) + tail

    async def chunks(length: int):
        yield body(length)

    headers = registry.headers() | {"Content-Type": "application/json"}
    for content in (body, chunks):
        at = await registry.http.put("/api/0/organizations/demo/", content=content(size), headers=headers)
        over = await registry.http.put("/api/0/organizations/demo/", content=content(size + 1), headers=headers)
        assert at.status_code == 200
        assert (over.status_code, over.json()["code"]) == (413, "too_large")
