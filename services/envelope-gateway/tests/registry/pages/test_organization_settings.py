"""Settings of an organization, as an owner changes them and every service sees them."""

import re

from hearback_contracts.flags import Feature
from hearback_devkit.testing import eventually

PATH = "/settings/demo/"


async def test_each_flag_holds_in_every_service(owner, configuration):
    for feature in Feature:
        page = (await owner.get(PATH)).text
        switches = {
            name: "checked" in rest for name, rest in re.findall(r'name="(organizations:[^"]+)"([^>]*)>', page)
        }
        wanted = not switches[feature]
        switches[feature.value] = wanted
        fields = {"part": "features", **{name: "1" for name, is_on in switches.items() if is_on}}
        await owner.submit(PATH, fields)

        async def is_seen(feature=feature, wanted=wanted):
            organization = await configuration.organization("demo")
            return organization is not None and organization.feature(feature) is wanted

        await eventually(is_seen)
    assert "Saved" in await owner.flash(PATH)
    log = (await owner.get(PATH + "audit-log/")).text
    assert log.count("edited the organization") == len(Feature)


async def test_name_and_slug(registry, owner):
    answer = await owner.submit(PATH, {"name": "Démo <b>", "slug": "new-demo"})
    assert answer.headers["location"] == "/settings/new-demo/"
    page = (await owner.get("/settings/new-demo/")).text
    assert "Démo &lt;b&gt;" in page
    assert "<b>" not in page
    assert "Démo &lt;b&gt;" in (await owner.get(PATH)).text  # the former slug leads to it, too
    for fields, words in (
        ({"name": "", "slug": "x"}, "needs a name"),
        ({"name": "x", "slug": "No Slug"}, "Slugs are lower-case"),
        ({"name": "x" * 201, "slug": "x"}, "too long"),
    ):
        answer = await owner.submit("/settings/new-demo/", fields, status=400)
        assert words in answer.text


async def test_addresses_of_our_own_are_no_slugs(registry, owner):
    """`/settings/account/` is a person's account, not an organization's settings."""
    assert "reserved" in (await owner.submit(PATH, {"name": "x", "slug": "account"}, status=400)).text
    await registry.put("/organizations/demo/", {"slug": "account"}, status=400)
    page = await owner.submit("/organizations/demo/projects/new/", {"name": "New"}, status=400)
    assert "reserved" in page.text


async def test_projects_in_pages(registry, owner):
    for number in range(50):
        await registry.post("/organizations/demo/projects/", {"name": f"p{number:02}"}, status=201)
    first = (await owner.get(PATH + "projects/")).text
    (next_url,) = re.findall(r'rel="next" href="([^"]+)"', first)
    assert 'rel="prev"' not in first
    second = (await owner.get(next_url.replace("&amp;", "&"))).text
    shown = re.findall(r'href="/settings/demo/projects/([^/"]+)/"', first + second)
    assert sorted(shown) == sorted(["web", *(f"p{number:02}" for number in range(50))])
    (previous_url,) = re.findall(r'rel="prev" href="([^"]+)"', second)
    assert (await owner.get(previous_url.replace("&amp;", "&"))).text.count("/getting-started/") == 50
    await owner.get(PATH + "projects/?cursor=nonsense", status=400)


async def test_the_audit_log_says_who_did_what(registry, owner, member):
    await owner.submit("/settings/demo/members/", {"email": "ann@example.org", "role": "admin"}, status=200)
    page = (await owner.get(PATH + "audit-log/")).text
    assert "invited ann@example.org as admin" in page
    assert registry.demo["admin_email"] in page
    only = (await owner.get(PATH + "audit-log/?event=project.create")).text
    assert "created the project web" in only
    assert "ann@example.org" not in only
    assert "Nothing was changed" in (await owner.get(PATH + "audit-log/?event=none")).text
