"""Every change reaches the followers within two seconds, whatever happens to Valkey in between."""

import asyncio

import pytest
from hearback_contracts.config import MemberRef, ProjectRef, QuotaConfig
from hearback_devkit.testing import eventually
from hearback_kit.snapshots import SnapshotStore
from pydantic import SecretStr
from registry.domain.slugs import FORMER_SLUGS_MAX
from registry.service.publish_snapshots import Publisher
from registry.store import snapshots


async def test_a_new_project_can_be_read_at_once_by_all_its_names(registry, configuration):
    project = await configuration.project_by_key(registry.demo["public_key"])
    assert (project.id, project.slug, project.organization_slug) == (1, "web", "demo")
    assert project.key(registry.demo["public_key"]).is_active
    assert project.option("sentry:origins") == ["*"]
    organization = await configuration.organization("demo")
    assert organization == await configuration.organization(1)
    assert organization.projects == (ProjectRef(id=1, slug="web"),)
    owner = MemberRef(id=1, email=registry.demo["admin_email"], name="Owner", role="owner")
    assert organization.members == (owner,)


async def test_changes_reach_a_follower_within_two_seconds(registry, configuration):
    path = "/projects/demo/web/"

    async def project(condition):
        async def holds():
            return condition(await configuration.project(1))

        await eventually(holds)

    async def organization(condition):
        async def holds():
            return condition(await configuration.organization("demo"))

        await eventually(holds)

    await project(lambda found: found.option("feedback:branding") is True)
    await registry.put(path, {"options": {"feedback:branding": False, "sentry:origins": ["a.example"]}})
    await project(lambda found: found.option("feedback:branding") is False)
    await project(lambda found: found.option("sentry:origins") == ["a.example"])

    flag = "organizations:user-feedback-ingest"
    await registry.put("/organizations/demo/", {"features": {flag: False}})
    await project(lambda found: found.feature(flag) is False)
    await organization(lambda found: found.feature(flag) is False)

    quota = {"id": "q", "categories": ["user_report_v2"], "scope": "key", "limit": 3, "window": 60}
    await registry.put(f"{path}quotas/", [quota | {"reasonCode": "why", "sources": ["user_report_envelope"]}])
    parsed = {"categories": ("feedback",), "reason_code": "why", "sources": ("user_report_envelope",)}
    wanted = QuotaConfig(**{**quota, **parsed})
    await project(lambda found: found.quotas == (wanted,))
    await registry.put(f"{path}quotas/", [])
    await project(lambda found: found.quotas == ())

    member = await registry.join("ann@example.org")
    await organization(lambda found: [m.role for m in found.members] == ["owner", "member"])
    await registry.put(f"/organizations/demo/members/{member['id']}/", {"role": "admin"})
    await organization(lambda found: [m.role for m in found.members] == ["owner", "admin"])
    await registry.delete(f"/organizations/demo/members/{member['id']}/")
    await organization(lambda found: len(found.members) == 1)

    await registry.post("/organizations/demo/projects/", {"name": "second"}, status=201)
    await organization(lambda found: found.find_project("second") is not None)
    await registry.put(path, {"slug": "shop"})
    renamed = ProjectRef(id=1, slug="shop", former_slugs=("web",))
    await organization(lambda found: found.find_project("shop") == found.find_project("web") == renamed)
    await project(lambda found: found.slug == "shop")
    await registry.put("/organizations/demo/", {"slug": "spammers"})
    await project(lambda found: found.organization_slug == "spammers" and found.is_of_any(["demo"]))


async def test_keys_follow_what_is_done_to_them(registry, configuration):
    (key,) = await registry.get("/projects/demo/web/keys/")
    path = f"/projects/demo/web/keys/{key['id']}/"
    assert await configuration.project_by_key(key["public"])

    async def is_off():
        return not (await configuration.project_by_key(key["public"])).key(key["public"]).is_active

    await registry.put(path, {"isActive": False})
    await eventually(is_off)

    async def is_gone():
        return await configuration.project_by_key(key["public"]) is None

    rotated = await registry.post(f"{path}rotate/")
    await eventually(is_gone)
    assert await configuration.project_by_key(rotated["public"])
    await registry.delete(path)

    async def both_are_gone():
        project = await configuration.project(1)
        return await configuration.project_by_key(rotated["public"]) is None and project.keys == ()

    await eventually(both_are_gone)


async def test_a_renamed_organization_is_found_by_both_names(registry, other, configuration):
    assert await configuration.organization("demo")
    await registry.put("/organizations/demo/", {"slug": "renamed"})

    async def slug_of(name):
        found = await configuration.organization(name)
        return found and found.slug

    async def is_renamed():
        return [await slug_of(name) for name in ("demo", "renamed")] == ["renamed", "renamed"]

    await eventually(is_renamed)
    assert (await configuration.project(1)).organization_slug == "renamed"
    await registry.bootstrap("demo", "web")
    assert await is_renamed()
    await registry.put("/organizations/renamed/", {"features": {"organizations:user-feedback-ui": False}})
    await registry.join("ann@example.org", organization="renamed")
    await registry.post("/organizations/renamed/projects/", {"name": "second"}, status=201)

    async def are_the_same():
        found = [await configuration.organization(name) for name in ("demo", "renamed", 1)]
        return found[0] == found[1] == found[2] and len(found[0].members) == len(found[0].projects) == 2

    await eventually(are_the_same)
    await registry.put("/organizations/other/", {"slug": "demo"}, token=other["token"])

    async def is_taken():
        return await slug_of("demo") == "demo"

    await eventually(is_taken)


async def test_a_former_slug_beyond_the_limit_leads_nowhere(registry, configuration):
    assert await configuration.organization("demo")
    for number in range(FORMER_SLUGS_MAX + 1):
        await registry.put("/organizations/1/", {"slug": f"name-{number}"})

    async def is_gone():
        return await configuration.organization("demo") is None and await configuration.organization("name-0")

    await eventually(is_gone)


@pytest.mark.parametrize("fault", ["refuse", "hang"])
async def test_a_change_made_while_valkey_is_away_is_published_later(
    open_registry, configuration, redis_proxy, fault, working
):
    async with open_registry(redis_url=SecretStr(redis_proxy.url)) as registry, working(registry.settings):
        await eventually(lambda: configuration.project(1))  # by the worker, if that was about to
        assert (await configuration.project(1)).option("feedback:branding") is True
        getattr(redis_proxy, fault)()
        changed = await registry.put("/projects/demo/web/", {"options": {"feedback:branding": False}})
        assert changed["options"]["feedback:branding"] is False
        (key,) = await registry.get("/projects/demo/web/keys/")
        rotated = await registry.post(f"/projects/demo/web/keys/{key['id']}/rotate/")
        assert (await configuration.project(1)).option("feedback:branding") is True
        redis_proxy.heal()

        async def arrived():
            project = await configuration.project_by_key(rotated["public"])
            old = await configuration.project_by_key(key["public"])
            return project and old is None and project.option("feedback:branding") is False

        await eventually(arrived)


async def test_everything_is_published_again_after_valkey_lost_its_data(registry, redis, configuration, working):
    await registry.post("/organizations/demo/projects/", {"name": "second"}, status=201)
    store = SnapshotStore(redis)
    before = {name: await store.get(name) for name in ("project:1", "project:2", "organization:demo")}
    assert all(before.values())
    async with working(registry.settings):
        await eventually(lambda: store.get("registry:published"))
        await redis.flushall()

        async def is_back():
            return {name: await store.get(name) for name in before} == before

        await eventually(is_back)
        assert await store.get(f"key:{registry.demo['public_key']}") == b"1"
        assert await store.get("organization:1") == before["organization:demo"]


async def test_everything_is_published_again_after_a_start(registry, redis, working):
    store = SnapshotStore(redis)
    await store.publish({"registry:published": b"1", "project:1": None, "organization:demo": b"old"})
    async with working(registry.settings.model_copy(update={"publish_batch_max": 1})):

        async def is_back():
            return await store.get("project:1") and await store.get("organization:demo") != b"old"

        await eventually(is_back)


async def test_nothing_is_left_to_publish_after_a_change(registry, database):
    await registry.put("/projects/demo/web/", {"options": {"feedback:branding": False}})
    async with database.connection() as connection:
        assert await snapshots.count_unpublished(connection) == 0


async def test_a_refused_change_publishes_nothing(registry, database, redis):
    store = SnapshotStore(redis)
    before = await store.get("project:1")
    await registry.post("/organizations/demo/projects/", {"name": "second"}, status=201)
    await registry.put("/projects/demo/second/", {"slug": "web", "name": "x"}, status=409)
    assert b'"second"' in await store.get("project:2")
    assert await store.get("project:1") == before


async def test_concurrent_changes_leave_the_last_state_published(registry, configuration, database, redis):
    names = [f"name {number}" for number in range(20)]
    publisher = Publisher(database, SnapshotStore(redis), batch_max=3)
    await asyncio.gather(
        *(registry.put("/projects/demo/web/", {"name": name}) for name in names),
        *(publisher.publish() for _ in range(10)),
    )
    stored = (await registry.get("/projects/demo/web/"))["name"]

    async def is_published():
        return (await configuration.project(1)).name == stored

    await eventually(is_published)


@pytest.mark.parametrize("names", [["project:99"], ["key:none"], ["organization:99", "organization:none"]])
async def test_what_is_not_there_is_published_as_absent(registry, database, names):
    async with database.connection() as connection:
        assert await snapshots.values_of(connection, names) == dict.fromkeys(names)


async def test_after_a_failover_everything_is_published_again(database, registry, redis, configuration):
    publisher = Publisher(database, SnapshotStore(redis), batch_max=100)
    await publisher.keep_published()
    await redis.delete("hearback:snapshot:project:1")  # as on a replica that did not have it yet
    await publisher.keep_published()
    assert not await redis.exists("hearback:snapshot:project:1")
    await redis.replicaof("127.0.0.1", "1")
    await redis.replicaof("NO", "ONE")
    await publisher.keep_published()
    assert await redis.exists("hearback:snapshot:project:1")
