"""Every operation of the API with every kind of credential, and with each scope."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hearback_contracts.roles import SCOPES

DOCUMENT = Path(__file__).parents[3] / "registry" / "openapi.json"
ORGANIZATION_READ = {"org:read", "org:write", "org:admin"}
ORGANIZATION_WRITE = {"org:write", "org:admin"}
PROJECT_READ = {"project:read", "project:write", "project:admin"}
PROJECT_WRITE = {"project:write", "project:admin"}
MEMBER_READ = {"member:read", "member:write", "member:admin"}
MEMBER_WRITE = {"member:write", "member:admin"}
# Operation: the scopes of which each one is enough, a body, the status of success.
GUARDED: dict[str, tuple[set[str], Any, int]] = {
    "getOrganization": (ORGANIZATION_READ, None, 200),
    "updateOrganization": (ORGANIZATION_WRITE, {"name": "x"}, 200),
    "listOrganizationProjects": (ORGANIZATION_READ | PROJECT_READ, None, 200),
    "createProject": (PROJECT_WRITE, {"name": "x"}, 201),
    "listMembers": (MEMBER_READ, None, 200),
    "inviteMember": (MEMBER_WRITE, {"email": "x@example.org"}, 201),
    "getMember": (MEMBER_READ, None, 200),
    "updateMember": (MEMBER_WRITE, {"role": "member"}, 200),
    "removeMember": (MEMBER_WRITE, None, 204),
    "listAuditLogs": (ORGANIZATION_WRITE, None, 200),
    "getProject": (PROJECT_READ, None, 200),
    "updateProject": (PROJECT_WRITE, {"name": "x"}, 200),
    "listKeys": (PROJECT_READ, None, 200),
    "createKey": (PROJECT_WRITE, {}, 201),
    "getKey": (PROJECT_READ, None, 200),
    "updateKey": (PROJECT_WRITE, {"name": "x"}, 200),
    "rotateKey": (PROJECT_WRITE, None, 200),
    "deleteKey": (PROJECT_WRITE, None, 204),
    "listQuotas": (PROJECT_READ, None, 200),
    "replaceQuotas": (PROJECT_WRITE, [], 200),
}
# Whoever belongs to the organization may have tokens, within what they may themselves.
MEMBERS_OWN: dict[str, tuple[Any, int]] = {
    "listTokens": (None, 200),
    "createToken": ({"scopes": ["event:write"]}, 201),
    "revokeToken": (None, 404),
}
# About the caller: any valid credentials.
OWN = {"getApi", "getSelf", "getAlerts", "listOrganizations", "listProjects"}
STATUS = {"getHealth", "getMetrics", "getReadiness", "getVersion"}
# A session of a browser, a signature, or nothing at all.
OTHERS = {
    "login", "logout", "updateSelf", "bootstrap", "introspect", "setProjectFlags", "addMember", "listRecipients",
    "getInvitation", "acceptInvitation", "setAlerts", *STATUS,
}  # fmt: skip
OPERATIONS = {
    operation["operationId"]: (method.upper(), path)
    for path, item in json.loads(DOCUMENT.read_text())["paths"].items()
    for method, operation in item.items()
}


def test_every_operation_is_in_one_table():
    assert {*GUARDED, *MEMBERS_OWN, *OWN, *OTHERS} == set(OPERATIONS)
    assert len(GUARDED) + len(MEMBERS_OWN) + len(OWN) + len(OTHERS) == len(OPERATIONS)


async def call(registry: Any, name: str, body: Any, token: str | None, **names: str) -> Any:
    method, path = OPERATIONS[name]
    given = {"organization": "demo", "project": "web", "key": "1", "member": "1", "token": "9"} | names
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    arguments = {} if body is None else {"json": body}
    return await registry.http.request(method, path.format_map(given), headers=headers, **arguments)


async def token_with(registry: Any, *scopes: str) -> str:
    made = await registry.post("/organizations/demo/api-tokens/", {"scopes": list(scopes)}, status=201)
    found: str = made["token"]
    return found


async def test_without_credentials_and_as_a_stranger_one_learns_nothing(registry, other):
    theirs = other["token"]
    guarded = {name: body for name, (_, body, _) in GUARDED.items()}
    for name, body in (guarded | {name: body for name, (body, _) in MEMBERS_OWN.items()}).items():
        for token in (None, "nonsense", theirs[:-1]):
            answer = await call(registry, name, body, token)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), name
        there = await call(registry, name, body, theirs)
        absent = await call(registry, name, body, theirs, organization="none")
        assert there.status_code == absent.status_code == 404, name
        assert there.content == absent.content, "what one may not see looks like what is not there"


async def test_all_other_scopes_together_are_too_little(registry):
    for name, (enough, body, _) in GUARDED.items():
        token = await token_with(registry, *(SCOPES - enough))
        answer = await call(registry, name, body, token)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), name
        absent = await call(registry, name, body, token, project="none", member="9", key="9")
        assert absent.status_code == 403, "whoever may not look does not learn what is there"


@pytest.mark.parametrize("name", GUARDED)
async def test_each_sufficient_scope_is_enough(registry, name):
    enough, body, status = GUARDED[name]
    for number, scope in enumerate(sorted(enough)):
        person = {"email": f"{number}@example.org"}
        member = await registry.post("/organizations/demo/members/", person, status=201)
        key = await registry.post("/projects/demo/web/keys/", status=201)
        token = await token_with(registry, scope)
        answer = await call(registry, name, _distinct(body, number), token, member=member["id"], key=key["id"])
        assert answer.status_code == status, answer.text


def _distinct(body: Any, number: int) -> Any:
    """A body whose slug and address no other body has."""
    return json.loads(json.dumps(body).replace('"x', f'"x{number}'))


async def test_members_may_have_tokens_and_ask_about_themselves(registry, other):
    token = await token_with(registry, "event:write")
    for name, (body, status) in MEMBERS_OWN.items():
        assert (await call(registry, name, body, token)).status_code == status, name
    for name in OWN:
        assert (await call(registry, name, None, None)).status_code == 401, name
        answer = await call(registry, name, None, token)
        assert answer.status_code == 200
        assert "other" not in answer.text


WRITES = {name for name, (method, _) in OPERATIONS.items() if method not in {"GET", "HEAD"}}
# What needs no account: a session is begun or ended, a link is a secret of its own, the fleet signs.
WITHOUT_ACCOUNT = {"login", "logout", "acceptInvitation", "getInvitation"}
SIGNED = {"bootstrap", "introspect", "setProjectFlags", "addMember", "listRecipients"}
BODIES = {name: body for name, (_, body, _) in GUARDED.items()} | {
    name: body for name, (body, _) in MEMBERS_OWN.items()
}
BODIES |= {
    "updateSelf": {"name": "x"},
    "setAlerts": {"1": 0},
    "acceptInvitation": {},
    "login": {"email": "x@example.org", "password": "x"},
    "bootstrap": {"organization": "a", "project": "b"},
    "addMember": {"organization": "demo", "email": "x@example.org"},
    "setProjectFlags": {"hasFeedbacks": True},
}


async def request(registry: Any, name: str, headers: dict[str, str]) -> Any:
    method, path = OPERATIONS[name]
    given = {"organization": "demo", "project": "web", "key": "1", "member": "1", "token": "9", "project_id": "1"}
    given |= {"kind": "token", "digest": "x"}
    arguments = {} if BODIES.get(name) is None else {"json": BODIES[name]}
    answer = await registry.http.request(method, path.format_map(given), headers=headers, **arguments)
    registry.http.cookies.clear()
    return answer


def expected(name: str, kind: str) -> set[int]:
    """The statuses that an operation may answer to a kind of credential."""
    if name in STATUS:
        return {200}
    if name in SIGNED:
        return {401}
    if name in WITHOUT_ACCOUNT:
        known = {"login": {401}, "logout": {204}}.get(name, {404})
        refused = kind == "session of another site" and name in WRITES
        return {403} if refused else known
    if kind in {"none", "no bearer", "made up", "expired", "revoked"}:
        return {401}
    if kind == "session of another site" and name in WRITES:
        return {403}
    if kind.startswith("stranger"):
        if name in OWN:
            return {200}
        return {"setAlerts": {404}, "updateSelf": {200} if "session" in kind else {401}}.get(name, {404})
    if kind == "read scopes" and name in WRITES | {"listAuditLogs"}:
        return {401} if name == "updateSelf" else {403}
    return {200}


@pytest_asyncio.fixture
async def credentials(registry: Any, other: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Headers by kind of credential."""

    def bearer(token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    soon = (registry.clock.now() + timedelta(minutes=1)).isoformat()
    tokens = "/organizations/demo/api-tokens/"
    old = await registry.post(tokens, {"scopes": ["org:admin"], "expiresAt": soon}, status=201)
    revoked = await registry.post(tokens, {"scopes": ["org:admin"]}, status=201)
    await registry.delete(f"{tokens}{revoked['id']}/")
    registry.clock.move(minutes=2)
    reads = await token_with(registry, *(scope for scope in SCOPES if scope.endswith(":read")))
    owner = await registry.sign_in()
    return {
        "none": {},
        "no bearer": {"Authorization": "Basic eDp5"},
        "made up": bearer("hbt_made-up"),
        "expired": bearer(old["token"]),
        "revoked": bearer(revoked["token"]),
        "stranger's token": bearer(other["token"]),
        "stranger's session": await registry.sign_in(other["admin_email"], other["admin_password"]),
        "read scopes": bearer(reads),
        "session of another site": owner | {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    }


async def test_every_operation_against_every_kind_of_credential(registry, credentials):
    for kind, headers in credentials.items():
        for name in sorted(OPERATIONS, key="logout".__eq__):
            answer = await request(registry, name, headers)
            assert answer.status_code in expected(name, kind), f"{name} with {kind}: {answer.status_code}"
            if kind.startswith("stranger") and answer.status_code == 200:
                assert "demo" not in answer.text, name


async def test_internal_operations_need_a_signature(registry):
    for headers in ({}, registry.headers(), {"X-Hearback-Service": "feedback", "X-Hearback-Signature": "1.x"}):
        for name in SIGNED:
            assert (await request(registry, name, headers)).status_code == 401, name


async def test_no_answer_tells_a_secret_of_another_identity(registry, other):
    """Of all that an owner can read, and of the audit log, no value is a person's password, token or session."""
    ann = await registry.join("ann@example.org", "manager")
    session = await registry.sign_in("ann@example.org", ann["password"])
    made = await registry.http.post(
        "/api/0/organizations/demo/api-tokens/", json={"scopes": ["event:read"]}, headers=session
    )
    invited = await registry.post("/organizations/demo/members/", {"email": "bob@example.org"}, status=201)
    secrets = [
        ann["password"],
        session["Cookie"].partition("=")[2],
        made.json()["token"],
        invited["invite_link"].rstrip("/").rpartition("/")[2],
        registry.demo["token"],
        registry.demo["admin_password"],
        other["token"],
    ]
    for name, (method, _) in OPERATIONS.items():
        if method == "GET":
            answer = await request(registry, name, registry.headers())
            assert [secret for secret in secrets if secret in answer.text] == [], name
            assert "$argon2" not in answer.text, name
