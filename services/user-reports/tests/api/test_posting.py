"""POST …/user-feedback/ (protocol: user-reports#the-legacy-endpoint)."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest
from hearback_contracts.categories import DataCategory
from hearback_contracts.config import KeyConfig, QuotaConfig
from hearback_contracts.flags import Feature
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.sources import FeedbackSource
from hearback_devkit.fleet import public_key, publish_project
from hearback_kit.errors import Unavailable
from hearback_kit.values.ids import random_id

PATH = "/api/0/projects/demo/web/user-feedback/"
FEEDBACK = int(DataCategory.FEEDBACK)
CONFLICT = {"detail": "Feedback for this event cannot be modified."}
NUL = "Null characters are not allowed."


def body(event_id: str, **fields: Any) -> dict[str, Any]:
    return {"event_id": event_id, "name": "Grace", "email": "grace@example.com", "comments": "It broke", **fields}


def dsn(project: int = 1, key: int | None = None) -> dict[str, str]:
    return {"Authorization": f"DSN http://{public_key(key or project)}@localhost:8000/{project}"}


async def test_token_gets_the_report_with_its_issue(harness: Any, api: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id, message="checkout failed"))
    response = await api.post(PATH, json=body(event_id))
    assert response.status_code == 200
    report = response.json()
    assert report["eventID"] == event_id
    assert report["event"] == {"id": event_id, "eventID": event_id}
    assert (report["name"], report["email"], report["comments"]) == ("Grace", "grace@example.com", "It broke")
    assert report["user"]["email"] == "ada@example.com"
    assert report["user"]["ipAddress"] is None
    assert int(report["issue"]["id"]) % 2 == 1
    assert report["issue"]["title"] == "checkout failed"
    recorded = await harness.recorded()
    assert [f.source for f in recorded.feedback] == [FeedbackSource.USER_REPORT_DJANGO_ENDPOINT]
    assert [step.step for step in recorded.steps] == ["report_received", "linked"]
    assert [step.state for step in recorded.steps] == [SubmissionState.ACCEPTED, SubmissionState.LINKED]


async def test_report_without_its_event_waits_without_an_issue(harness: Any, api: Any) -> None:
    response = await api.post(PATH, json=body(random_id()))
    assert response.status_code == 200
    assert response.json()["issue"] is None
    assert response.json()["user"] is None
    assert (await harness.recorded()).steps[-1].state is SubmissionState.WAITING_FOR_EVENT


async def test_dsn_gets_an_empty_body(harness: Any, api: Any) -> None:
    response = await api.post(PATH, json=body(random_id()), headers=dsn())
    assert (response.status_code, response.content) == (200, b"")
    (row,) = await harness.rows("SELECT key_id, source FROM reports")
    assert (row.key_id, row.source) == (1, "user_report_sentry_django_endpoint")


async def test_forms_and_dashed_ids_are_taken(harness: Any, api: Any) -> None:
    for number, more in enumerate(
        (
            lambda b: {"data": b},
            lambda b: {"files": {name: (None, value) for name, value in b.items()}},
            lambda b: {"content": orjson.dumps(b)},
        )
    ):
        event_id = random_id()
        response = await api.post(PATH, **more(body(str(UUID(event_id)), name=f"Grace {number}")))
        assert response.status_code == 200
        assert response.json()["eventID"] == event_id
        assert response.json()["name"] == f"Grace {number}"


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({}, b""), ({"Authorization": "Bearer nonsense"}, None), ({"Authorization": "DSN nonsense"}, None),
        ({"Authorization": "DSN http://" + "f" * 32 + "@localhost/1"}, None), (dsn(2), b""), (dsn(3), b""),
        (dsn(2, key=1), b""), (dsn(1, key=2), b""),
    ],
)  # fmt: skip
async def test_strangers_are_401(harness: Any, api: Any, headers: dict[str, str], content: bytes | None) -> None:
    response = await api.post(PATH, json=body(random_id()), headers=headers)
    assert response.status_code == 401
    if content is not None and headers:
        assert response.content == content
    assert await harness.rows("SELECT 1 FROM reports") == []
    is_known = headers.get("Authorization", "").startswith(f"DSN http://{public_key(1)[:20]}") or content == b""
    counts = (await harness.recorded()).counts(FEEDBACK)
    assert counts == ({(Outcome.INVALID, "project_id"): 1} if is_known and headers else {})


async def test_key_that_is_off_is_401_and_concerns_that_key_alone(harness: Any, api: Any, redis: Any) -> None:
    keys = (KeyConfig(id=1, public=public_key(1), is_active=False), KeyConfig(id=9, public="9" * 32))
    await publish_project(redis, project_id=1, keys=keys)
    response = await api.post(PATH, json=body(random_id()), headers=dsn())
    assert response.status_code == 401
    other = {"Authorization": f"DSN http://{'9' * 32}@localhost/1"}
    assert (await api.post(PATH, json=body(random_id()), headers=other)).status_code == 200
    assert (await harness.recorded()).counts(FEEDBACK) == {(Outcome.INVALID, "project_id"): 1}


async def test_scopes_and_tenants_hold(harness: Any, api: Any) -> None:
    assert (await api.post(PATH, json=body(random_id()), headers=api.stranger)).status_code == 404
    assert (await api.post(PATH, json=body(random_id()), headers=api.reader)).status_code == 403
    elsewhere = "/api/0/projects/demo/project-3/user-feedback/"
    assert (await api.post(elsewhere, json=body(random_id()))).status_code == 404
    assert (await api.post(elsewhere, json=body(random_id()), headers=dsn(3))).status_code == 401


async def test_field_errors_are_by_field(api: Any) -> None:
    response = await api.post(PATH, json={"email": "no address", "comments": True, "event_id": "x"})
    assert response.status_code == 400
    errors = {"name": "This field is required.", "email": "Enter a valid email address."}
    errors["comments"] = "Not a valid string."
    assert response.json() == {name: [error] for name, error in errors.items()}
    response = await api.post(PATH, json=["x"])
    assert response.json() == {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}
    for more in ({"json": body("x", comments="a\x00b")}, {"data": body("x", comments="a\x00b")}):
        response = await api.post(PATH, **more)
        assert (response.status_code, response.json()) == (400, {"detail": NUL, "code": "null_character"})


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "application/json"),
        (b"\xff", "application/json"),
        (b"--x", "multipart/form-data; boundary=y"),
        (b"--y\r\nnonsense\r\n\r\n--y--", "multipart/form-data; boundary=y"),
        (b"--y\r\n\r\nx\r\n--y--\r\n", "multipart/form-data; boundary=y; charset=none-such"),
        (b"--y\r\n\r\nx\r\n--y--\r\n", "multipart/form-data"),
        (b"a=1&" * 200, "application/x-www-form-urlencoded"),
    ],
)
async def test_bodies_that_cannot_be_read_are_400(api: Any, content: bytes, kind: str) -> None:
    response = await api.post(PATH, content=content, headers={**api.owner, "Content-Type": kind})
    assert response.status_code == 400


async def test_body_at_the_limit_and_one_more(harness: Any, api: Any) -> None:
    full = orjson.dumps(body(random_id()))
    assert (await api.post(PATH, content=full + b" " * (100_000 - len(full)))).status_code == 200
    assert (await api.post(PATH, content=full + b" " * (100_001 - len(full)))).status_code == 413
    recorded = await harness.recorded()
    assert recorded.counts(FEEDBACK) == {(Outcome.INVALID, "too_large:user_report"): 1}
    assert (recorded.steps[-1].state, recorded.steps[-1].reason) == ("invalid", "too_large:user_report")


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
async def test_an_encoded_report_is_415_and_has_an_outcome_and_a_fate(harness: Any, api: Any, kind: str) -> None:
    headers = {**dsn(), "Content-Type": kind, "Content-Encoding": "gzip"}
    content = gzip.compress(orjson.dumps(body(random_id())))
    response = await api.post(PATH, content=content, headers=headers)
    assert (response.status_code, response.json()["code"]) == (415, "encoded_body")
    assert response.headers["accept-encoding"] == "identity"
    recorded = await harness.recorded()
    assert recorded.counts(FEEDBACK) == {(Outcome.INVALID, "payload"): 1}
    assert [(step.state, step.reason) for step in recorded.steps] == [("invalid", "payload")]


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
@pytest.mark.parametrize(
    ("said", "stored"),
    [
        (b'"Half a smile \\ud83d"', "Half a smile ?"),
        (b'"two\nlines"', "two\nlines"),
        (b'"caf\xc3"', "caf\ufffd"),
        (b'"It broke", "extra": NaN', "It broke"),
        (b'"It broke", "extra": 1e999', "It broke"),
    ],
)
async def test_json_is_read_as_in_an_envelope(api: Any, kind: str, said: bytes, stored: str) -> None:
    start = orjson.dumps(body(random_id())).replace(b'"It broke"}', b"")
    for mark in (b"", b"\xef\xbb\xbf"):
        headers = {**api.owner, "Content-Type": kind}
        response = await api.post(PATH, content=mark + start + said + b"}", headers=headers)
        assert (response.status_code, response.json()["comments"]) == (200, stored)


async def test_what_cannot_be_read_is_an_outcome(harness: Any, api: Any) -> None:
    for content, kind in ((b"{", "application/json"), (b"{", "text/plain"), (b"--x", "multipart/form-data")):
        response = await api.post(PATH, content=content, headers={**dsn(), "Content-Type": kind})
        assert response.status_code == 400
    recorded = await harness.recorded()
    assert recorded.counts(FEEDBACK) == {(Outcome.INVALID, "invalid_json"): 3}
    assert {(step.state, step.reason) for step in recorded.steps} == {("invalid", "invalid_json")}


@pytest.mark.parametrize(("code", "reason"), [("few", "few"), (None, "rate_limited")])
async def test_a_quota_of_the_project_refuses_with_its_reason(
    harness: Any, api: Any, redis: Any, code: str | None, reason: str
) -> None:
    sources = (FeedbackSource.USER_REPORT_DJANGO_ENDPOINT,)
    quota = QuotaConfig(id="q", categories=("feedback",), limit=1, window=60, reason_code=code, sources=sources)
    await publish_project(redis, project_id=1, quotas=(quota,))
    event_id = random_id()
    assert (await api.post(PATH, json=body("short" * 9), headers=dsn())).status_code == 400
    assert (await api.post(PATH, json=body(event_id), headers=dsn())).status_code == 200
    refused = await api.post(PATH, json=body(event_id), headers=dsn())
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert refused.headers["x-sentry-rate-limits"].partition(":")[2].startswith("user_report:organization")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    recorded = await harness.recorded()
    assert recorded.counts(FEEDBACK)[Outcome.RATE_LIMITED, code] == 1
    step = recorded.steps[-1]
    assert (step.submission_id, step.state, step.reason) == (event_id, "rate_limited", reason)


async def test_a_report_that_the_project_does_not_take_uses_up_no_quota(
    harness: Any, api: Any, redis: Any
) -> None:
    quota = QuotaConfig(id="q", categories=("feedback",), limit=1, window=60)
    await publish_project(redis, project_id=1, quotas=(quota,), features={Feature.INGEST: False})
    refused = [await api.post(PATH, json=body(random_id()), headers=dsn()) for _ in range(3)]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(403, "feature_disabled")}
    assert (await harness.recorded()).counts(FEEDBACK) == {(Outcome.INVALID, "feature_disabled"): 3}
    await publish_project(redis, project_id=1, quotas=(quota,))
    statuses = [(await api.post(PATH, json=body(random_id()), headers=dsn())).status_code for _ in range(2)]
    assert statuses == [200, 429]


async def test_invalid_event_id_is_400_and_counted(harness: Any, api: Any) -> None:
    response = await api.post(PATH, json=body("short"))
    assert response.status_code == 400
    assert response.json()["detail"] == "Invalid Event ID"
    assert (await harness.recorded()).counts(FEEDBACK) == {(Outcome.INVALID, "Invalid Event ID"): 1}


async def test_conflicts_are_409(harness: Any, api: Any) -> None:
    old, again = random_id(), random_id()
    await harness.deliver(harness.event(old), harness.event(again))
    assert (await api.post(PATH, json=body(again))).status_code == 200
    harness.clock.move(minutes=4)
    assert (await api.post(PATH, json=body(again, comments="More"))).json()["comments"] == "More"
    harness.clock.move(minutes=27)
    for event_id in (old, again):
        response = await api.post(PATH, json=body(event_id))
        assert (response.status_code, response.json()) == (409, CONFLICT)


async def test_denied_and_switched_off_are_403(harness: Any, api: Any, redis: Any) -> None:
    denied = "/api/0/projects/denied/project-4/user-feedback/"
    assert (await api.post(denied, json=body(random_id()), headers=api.denied)).status_code == 403
    await publish_project(redis, project_id=1, features={"organizations:user-feedback-ingest": False})
    response = await api.post(PATH, json=body(random_id()), headers=dsn())
    assert response.status_code == 403
    assert (await api.post(PATH, json={})).status_code == 403, "before fields that are wrong"
    counts = (await harness.recorded()).counts(FEEDBACK)
    assert counts == {(Outcome.FILTERED, "org.denylist"): 1, (Outcome.INVALID, "feature_disabled"): 2}


@pytest.mark.parametrize("settings", [{"posts_per_minute_max": 2}], indirect=True)
async def test_one_address_meets_its_limit_and_another_does_not(api: Any) -> None:
    from_one = {**api.owner, "X-Forwarded-For": "9.9.9.9, 192.0.2.1"}
    codes = [(await api.post(PATH, json=body(random_id()), headers=from_one)).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    response = await api.post(PATH, json=body(random_id()), headers=from_one)
    assert int(response.headers["retry-after"]) >= 1
    for spelled in ("192.0.2.1:51234", "::ffff:192.0.2.1"):
        same = {**api.owner, "X-Forwarded-For": spelled}
        assert (await api.post(PATH, json=body(random_id()), headers=same)).status_code == 429
    other = {**api.owner, "X-Forwarded-For": "192.0.2.2"}
    assert (await api.post(PATH, json=body(random_id()), headers=other)).status_code == 200
    household = [{**api.owner, "X-Forwarded-For": f"2001:db8::{n}"} for n in range(3)]
    codes = [(await api.post(PATH, json=body(random_id()), headers=one)).status_code for one in household]
    assert codes == [200, 200, 429], "a household may take any address of its /64"


def test_default_limit_lets_150_a_minute_pass(settings: Any) -> None:
    assert settings.posts_per_minute_max >= 150


async def test_posts_of_one_event_at_once_are_one_report(harness: Any, api: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id))
    posts = [api.post(PATH, json=body(event_id, comments=f"number {n}")) for n in range(12)]
    assert {response.status_code for response in await asyncio.gather(*posts)} == {200}
    recorded = await harness.recorded()
    assert len(await harness.rows("SELECT 1 FROM reports")) == 1
    assert len({f.event_id for f in recorded.feedback}) == 1
    assert sorted(f.revision for f in recorded.feedback) == list(range(12))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"comments": "a" * 4097}, "Message Too Large"), ({"name": "a" * 129, "email": "x"}, "Name Too Large")],
)
async def test_wrong_fields_have_the_reason_that_they_have_in_an_envelope(
    harness: Any, api: Any, fields: dict[str, str], reason: str
) -> None:
    response = await api.post(PATH, json=body(random_id(), **fields))
    assert response.status_code == 400
    assert set(response.json()) == set(fields)
    assert (await harness.recorded()).counts(FEEDBACK) == {(Outcome.INVALID, reason): 1}


async def test_reports_on_no_event_are_stored_each_for_itself(harness: Any, api: Any) -> None:
    for words in ("Ann's", "Bob's"):
        row = (await api.post(PATH, json=body("0" * 32, comments=words))).json()
        assert (row["comments"], row["eventID"], row["issue"], row["age"]) == (words, "0" * 32, None, None)
    listed = (await api.get(PATH, params={"linked": "false"})).json()
    assert [row["comments"] for row in listed] == ["Bob's", "Ann's"]


@pytest.mark.parametrize("comments", [{}, {"comments": None}, {"comments": ""}, {"comments": "  "}])
async def test_comments_are_optional(api: Any, comments: dict[str, Any]) -> None:
    said = {name: value for name, value in body(random_id()).items() if name != "comments"} | comments
    response = await api.post(PATH, json=said)
    assert (response.status_code, response.json()["comments"]) == (200, "")


SHOP = "https://shop.example"


async def test_a_page_may_ask_and_read_every_answer(api: Any) -> None:
    asked = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}
    preflight = await api.client.options(PATH, headers=asked)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, "*")
    allowed = preflight.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "content-type", "traceparent"} <= set(allowed)
    answers = [
        await api.post(PATH, json=body(random_id()), headers={**dsn(), "Origin": SHOP}),
        await api.post(PATH, json=body("x"), headers={**dsn(), "Origin": SHOP}),
        await api.post(PATH, content=b"{", headers={**dsn(), "Origin": SHOP, "Content-Type": "application/json"}),
        await api.post(PATH, json=body(random_id()), headers={**dsn(2), "Origin": SHOP}),
        await api.post(PATH, content=b" " * 200_000, headers={**api.owner, "Origin": SHOP}),
        await api.get(PATH, headers={"Origin": SHOP}),
        await api.get(f"{PATH}?query=%00", headers={**api.owner, "Origin": SHOP}),
        await api.client.put(PATH, headers={"Origin": SHOP}),
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 400, 401, 413, 401, 400, 405]
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {"*"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": SHOP}, 200),
        ({"Referer": f"{SHOP}/cart"}, 200),
        ({}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Referer": "https://evil.example/"}, 403),
    ],
)
async def test_a_dsn_is_for_the_projects_pages(
    harness: Any, api: Any, redis: Any, headers: dict[str, str], status: int
) -> None:
    await publish_project(redis, project_id=1, options={"sentry:origins": ["shop.example"]})
    response = await api.post(PATH, json=body(random_id()), headers={**dsn(), **headers})
    assert response.status_code == status
    by_token = await api.post(PATH, json=body(random_id()), headers={**api.owner, **headers})
    assert by_token.status_code == 200
    refused = {(Outcome.INVALID, "cors"): 1} if status == 403 else {}
    recorded = await harness.recorded()
    assert recorded.counts(FEEDBACK) == refused
    assert [step.reason for step in recorded.steps if step.reason] == [reason for _, reason in refused]


class LateDatabase:
    """A database whose answer to a commit is lost."""

    def __init__(self, database: Any) -> None:
        self.connection = database.connection
        self._database = database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self._database.transaction() as connection:
            yield connection
        raise Unavailable("the database cannot be reached")


async def test_a_503_says_that_the_report_may_be_stored(harness: Any, api: Any) -> None:
    state = api.app.state.state
    api.app.state.state = replace(state, database=LateDatabase(state.database))
    said = body(random_id())
    response = await api.post(PATH, json=said)
    assert response.status_code == 503
    assert "may be stored all the same" in response.json()["detail"]
    assert "retry-after" in response.headers
    api.app.state.state = state
    assert (await api.post(PATH, json=said)).status_code == 200
    assert len(await harness.rows("SELECT 1 FROM reports")) == 1
