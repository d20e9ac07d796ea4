import re

KEYS = "/projects/demo/web/keys/"


async def test_keys_have_dsns_of_the_public_origin(registry):
    (key,) = await registry.get(KEYS)
    public, secret = key["public"], key["secret"]
    assert public == registry.demo["public_key"]
    assert (key["isActive"], key["name"], key["projectId"]) == (True, "Default", 1)
    assert key["dsn"]["public"] == f"https://{public}@feedback.example.org/1"
    assert key["dsn"]["secret"] == f"https://{public}:{secret}@feedback.example.org/1"
    assert key["dsn"]["security"] == f"https://feedback.example.org/api/1/security/?sentry_key={public}"
    assert await registry.get(f"{KEYS}{key['id']}/") == key
    assert await registry.get(f"{KEYS}{public}/") == key


async def test_a_key_can_be_switched_off_and_renamed_alone(registry):
    second = await registry.post(KEYS, {"name": "Mobile"}, status=201)
    assert re.fullmatch("[0-9a-f]{32}", second["public"])
    changed = await registry.put(f"{KEYS}{second['id']}/", {"isActive": False})
    assert changed == second | {"isActive": False}
    changed = await registry.put(f"{KEYS}{second['id']}/", {"name": "App", "public": "ignored"})
    assert changed == second | {"isActive": False, "name": "App", "label": "App"}
    first, listed = await registry.get(KEYS)
    assert (first["isActive"], listed) == (True, changed)


async def test_rotating_gives_new_secrets_under_the_same_id(registry):
    (old,) = await registry.get(KEYS)
    new = await registry.post(f"{KEYS}{old['id']}/rotate/")
    assert new["id"] == old["id"]
    assert new["public"] != old["public"]
    assert new["secret"] != old["secret"]
    assert await registry.get(KEYS) == [new]


async def test_a_deleted_key_is_gone(registry):
    (key,) = await registry.get(KEYS)
    await registry.delete(f"{KEYS}{key['id']}/")
    assert await registry.get(KEYS) == []
    await registry.get(f"{KEYS}{key['id']}/", status=404)
    await registry.delete(f"{KEYS}{key['id']}/", status=404)


async def test_a_malformed_change_is_400_and_changes_nothing(registry):
    for body in ({"isActive": "false"}, {"isActive": 0}, {"name": ""}, {"name": 5}, []):
        before = await registry.get(KEYS)
        await registry.put(f"{KEYS}{before[0]['id']}/", body, status=400)
        assert await registry.get(KEYS) == before


async def test_an_unknown_key_is_404(registry):
    for key in ("9", "x", "-1", "9" * 40, "0" * 32):
        for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "rotate/")):
            await registry.call(method, f"{KEYS}{key}/{path}", {} if method == "PUT" else None, status=404)
