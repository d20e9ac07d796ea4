"""Every check, their order, and the shape of every answer."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
import pytest
from crash_embed.settings import Settings
from hearback_contracts.config import KeyConfig, QuotaConfig
from hearback_contracts.flags import Feature
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import USER_REPORT_SUBMITTED
from hearback_devkit.fleet import public_key, publish_project
from hearback_devkit.testing import FaultProxy, ManualClock, eventually
from redis.asyncio import Redis

EVENT_ID = "0123456789abcdef0123456789abcdef"
DSN = f"http://{public_key(1)}@localhost:8000/1"
PATH = "/api/embed/error-page/"
FORM = {"name": "Jane", "email": "jane@example.com", "comments": "It broke when I clicked."}
PAGE = "https://shop.example"
GOOD = {"dsn": DSN, "eventId": EVENT_ID}
METHODS = ("GET", "POST", "OPTIONS", "PUT", "DELETE", "PATCH")
MISSING = "Missing or invalid parameter."
NO_EVENT = (400, {"eventId": MISSING})
NO_DSN = (404, {"dsn": MISSING})

# What is wrong with the query, and the answer to every method: the checks come in this order.
BAD_QUERIES = [
    ({}, NO_EVENT),
    ({"dsn": DSN}, NO_EVENT),
    ({"eventId": "not-an-id", "dsn": "nonsense"}, NO_EVENT),
    ({"eventId": "0" * 31, "dsn": DSN}, NO_EVENT),
    ({"eventId": EVENT_ID + "\x00", "dsn": DSN}, NO_EVENT),
    ({"eventId": EVENT_ID}, NO_DSN),
    ({"eventId": EVENT_ID, "dsn": ""}, NO_DSN),
    ({"eventId": EVENT_ID, "dsn": "nonsense"}, NO_DSN),
    ({"eventId": EVENT_ID, "dsn": f"http://{'f' * 32}@localhost/1"}, NO_DSN),
    ({"eventId": EVENT_ID, "dsn": f"http://{public_key(1)}@localhost/2"}, NO_DSN),
    ({"eventId": EVENT_ID, "dsn": f"http://{public_key(2)}@localhost/1"}, NO_DSN),
]


async def becomes(status: int, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Ask until the answer has a status, and return it: the service follows the configuration."""

    async def answered() -> httpx.Response | None:
        answer = await ask()
        return answer if answer.status_code == status else None

    return await eventually(answered)


async def fate_of(outcomes: Any) -> tuple[Any, ...]:
    """Return the outcome that the last message counts, its reason, and the state and reason of the submission."""
    (*_, message) = await outcomes()
    (count,), (step,) = message["outcomes"], message["steps"]
    assert (count["category"], step["submission_id"]) == (14, EVENT_ID)
    return count["outcome"], count.get("reason"), step["state"], step["reason"]


@pytest.mark.parametrize(("query", "expected"), BAD_QUERIES)
async def test_parameters_are_checked_first(serving: Any, redis: Redis, query: Any, expected: Any) -> None:
    await publish_project(redis, project_id=2)
    async with serving({"options": {"sentry:origins": []}}) as client:
        for method in METHODS:
            answer = await client.request(method, PATH, params=query, headers={"Origin": PAGE})
            assert (answer.status_code, answer.json()) == expected
            assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("headers", "is_allowed"),
    [
        ({"Origin": PAGE}, True),
        ({"Referer": PAGE + "/cart?x=1"}, True),
        ({"Origin": "null", "Referer": PAGE + "/"}, True),
        ({"Origin": "null"}, False),
        ({}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "https://evil.example", "Referer": PAGE}, False),
    ],
)
async def test_origin_is_checked_next(serving: Any, headers: dict[str, str], is_allowed: bool) -> None:
    async with serving({"options": {"sentry:origins": ["shop.example"]}}) as client:
        for method in METHODS:
            answer = await client.request(method, PATH, params=GOOD, headers=headers)
            if is_allowed:
                assert answer.status_code == (400 if method == "POST" else 200)  # the form is empty
            else:
                assert (answer.status_code, answer.json()) == (403, {})
                assert answer.headers["access-control-allow-origin"] == headers.get("Origin", "")


async def test_origins_of_the_fleet_count_for_every_project(serving: Any) -> None:
    project = {"options": {"sentry:origins": []}}
    async with serving(project, allowed_origins="other.example, shop.example") as client:
        assert (await client.get(PATH, params=GOOD, headers={"Origin": PAGE})).status_code == 200
        assert (await client.get(PATH, params=GOOD, headers={"Origin": "https://x.example"})).status_code == 403


def test_origins_of_the_fleet_that_match_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shop-\*\.example matches nothing"):
        Settings(allowed_origins="*.example.com, shop-*.example")


async def test_key_that_is_off_is_unknown(embed: httpx.AsyncClient, redis: Redis) -> None:
    keys = [KeyConfig(id=1, public=public_key(1), is_active=False), KeyConfig(id=9, public="9" * 32)]
    await publish_project(redis, keys=keys)
    other = GOOD | {"dsn": f"http://{'9' * 32}@x/1"}
    assert (await embed.get(PATH, params=GOOD)).status_code == 404
    assert (await embed.get(PATH, params=other)).status_code == 200


@pytest.mark.parametrize(
    ("dsn", "origin", "reason"),
    [
        (DSN, "https://evil.example", "cors"),
        (DSN, "", "cors"),
        (f"http://{public_key(1)}@x/2", PAGE, "project_id"),
        (f"http://{'9' * 32}@x/1", PAGE, "project_id"),
    ],
)
async def test_a_form_that_its_project_rejects_has_an_outcome_and_a_fate(
    serving: Any, outcomes: Any, dsn: str, origin: str, reason: str
) -> None:
    keys = [KeyConfig(id=1, public=public_key(1)), KeyConfig(id=9, public="9" * 32, is_active=False)]
    query, headers = GOOD | {"dsn": dsn}, {"Origin": origin}
    async with serving({"keys": keys, "options": {"sentry:origins": ["shop.example"]}}) as client:
        for method in METHODS:
            answer = await client.request(method, PATH, params=query, data=FORM, headers=headers)
            assert answer.status_code == (403 if reason == "cors" else 404)
    script, _ = await outcomes()
    [count] = script["outcomes"]
    assert (count["outcome"], count["reason"], count["category"], count["quantity"]) == (3, reason, 14, 1)
    assert script["steps"] == [], "no form was sent"
    assert await fate_of(outcomes) == (3, reason, "invalid", reason)


async def test_dialogs_that_are_not_shown_are_counted_within_limits_that_take_nothing_from_scripts(
    serving: Any, outcomes: Any
) -> None:
    limits = {"scripts_per_address_max": 2, "scripts_per_project_max": 3}
    async with serving({"options": {"sentry:origins": [PAGE]}}, **limits) as client:
        for page, host, status in (
            *(("https://elsewhere.example", host, 403) for host in (1, 1, 1, 2, 3)),
            *((PAGE, 1, status) for status in (200, 200, 429)),
        ):
            headers = {"Origin": page, "X-Forwarded-For": f"203.0.113.{host}"}
            assert (await client.get(PATH, params=GOOD, headers=headers)).status_code == status
    assert sum(count["quantity"] for one in await outcomes() for count in one["outcomes"]) == 3


async def test_preflight_of_a_page_that_traces(embed: httpx.AsyncClient) -> None:
    asked = {"Origin": "null", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "baggage,sentry-trace"}  # fmt: skip
    answer = await embed.options(PATH, params=GOOD, headers=asked)
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["access-control-allow-origin"] == "null"
    assert answer.headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
    assert answer.headers["access-control-max-age"] == "1000"
    assert answer.headers["access-control-allow-headers"] == (
        "Content-Type, Authorization, X-Requested-With, baggage, sentry-trace"
    )
    assert answer.headers["vary"] == "Accept, Origin"
    asked = {"Origin": PAGE, "Access-Control-Request-Headers": "content-type,TraceParent"}
    answer = await embed.options(PATH, params=GOOD, headers=asked)
    assert answer.headers["access-control-allow-headers"].endswith(", sentry-trace, traceparent, tracestate")


@pytest.mark.parametrize("accept", ["text/javascript", "text/html, text/javascript;q=0.8, */*"])
async def test_scripts_get_errors_in_a_header(embed: httpx.AsyncClient, accept: str) -> None:
    answer = await embed.get(PATH, headers={"Accept": accept})
    assert (answer.status_code, answer.content) == (400, b"")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["x-sentry-context"] == '{"eventId":"Missing or invalid parameter."}'
    answer = await embed.options(PATH, params=GOOD, headers={"Accept": accept})
    assert (answer.status_code, answer.content) == (200, b"")
    assert "x-sentry-context" not in answer.headers


async def test_script_is_served_to_any_origin(embed: httpx.AsyncClient) -> None:
    url = f"{PATH}?dsn={DSN}&eventId={EVENT_ID}&onLoad=onLoad()%20%7B%20window.hx.load%2B%2B%3B%20%7D&=&=#x"
    answer = await embed.get(url, headers={"Host": "errors.example:8000", "Origin": PAGE})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert endpoint_of(answer) == "http://localhost:8000" + url.removesuffix("#x")


def endpoint_of(answer: httpx.Response) -> Any:
    return orjson.loads(answer.text.split("endpoint = /**/", 1)[1].split(";/**/", 1)[0])


async def test_the_fallback_address_is_the_public_one_and_never_an_inner_host(serving: Any) -> None:
    async with serving(public_url="https://errors.example/hearback/") as client:
        inner = {"Host": "10.0.0.7:8080", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"}
        answer = await client.get(PATH + "?" + urlencode(GOOD), headers=inner)
    assert endpoint_of(answer) == f"https://errors.example/hearback{PATH}?{urlencode(GOOD)}"


async def test_other_methods_get_the_script_and_head_only_its_headers(embed: httpx.AsyncClient) -> None:
    script = await embed.get(PATH, params=GOOD)
    for method in ("PUT", "PATCH", "DELETE"):
        assert (await embed.request(method, PATH, params=GOOD)).text == script.text
    head = await embed.head(PATH, params=GOOD)
    assert head.content == b""
    assert head.headers["content-length"] == script.headers["content-length"]
    assert head.headers["etag"] == script.headers["etag"]
    assert (await embed.get(PATH.rstrip("/"), params=GOOD)).status_code == 200


async def test_script_is_not_sent_again_until_it_changes(embed: httpx.AsyncClient, redis: Redis) -> None:
    first = await embed.get(PATH, params=GOOD)
    known = {"If-None-Match": first.headers["etag"]}
    again = await embed.get(PATH, params=GOOD, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["access-control-allow-origin"] == "*"
    for change in ({"title": "x"}, {"lang": "de"}, {"eventId": "f" * 32}):
        assert (await embed.get(PATH, params=GOOD | change, headers=known)).status_code == 200
    assert (await embed.get(PATH, params=GOOD, headers=known | {"Accept-Language": "fr"})).status_code == 200
    await publish_project(redis, options={"feedback:branding": False})
    await becomes(200, lambda: embed.get(PATH, params=GOOD, headers=known))


async def test_script_without_compression_is_the_same(embed: httpx.AsyncClient) -> None:
    plain = await embed.get(PATH, params=GOOD, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    small = await embed.get(PATH, params=GOOD, headers={"Accept-Encoding": "gzip"})
    assert small.headers["content-encoding"] == "gzip"
    assert small.content == plain.content


async def test_form_becomes_durable_before_the_answer(
    embed: httpx.AsyncClient, reports: Any, outcomes: Any, clock: ManualClock
) -> None:
    dashed = "01234567-89ab-cdef-0123-456789abcdef"
    answer = await embed.post(
        PATH,
        params=GOOD | {"eventId": dashed},
        data=FORM | {"homepage": "x", "elapsed": "12"},
        headers={"X-Forwarded-For": "203.0.113.9"},
    )
    assert (answer.status_code, answer.json()) == (200, {})
    ((message, body),) = await reports()
    assert body == {"event_id": EVENT_ID, **FORM}
    assert message["source"] == "crash_report_embed_form"
    assert message["event_id"] == EVENT_ID
    assert (message["organization_id"], message["project_id"], message["key_id"]) == (1, 1, 1)
    assert message["marks"] == ["honeypot", "too_fast"]
    assert message["remote_addr"] == "203.0.113.9"
    assert message["received_at"] == clock.now().isoformat().replace("+00:00", "Z")
    (outcome,) = await outcomes()
    assert outcome["outcomes"] == []
    (step,) = outcome["steps"]
    assert (step["submission_id"], step["state"], step["step"]) == (EVENT_ID, "accepted", "form_accepted")
    assert step["source"] == "crash_report_embed_form"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"name=Jane&email=jane%40example.com&comments=a%0Ab+c&="),
        (
            "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
            b"=&&name=x&name=Jane&email=jane@example.com&comments=a\nb c&=&=",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nJane\r\n'
            b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\njane@example.com\r\n'
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nfile\r\n'
            b'--b\r\nContent-Disposition: form-data; name="comments"\r\n\r\na\nb c\r\n--b--\r\n',
        ),
    ],
)
async def test_form_may_be_urlencoded_or_multipart(
    embed: httpx.AsyncClient, reports: Any, content_type: str, body: bytes
) -> None:
    answer = await embed.post(PATH, params=GOOD, content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 200
    ((_, report),) = await reports()
    assert (report["name"], report["comments"]) == ("Jane", "a\nb c")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", orjson.dumps(FORM)),
        ("text/plain", b"name=Jane&email=jane@example.com&comments=x"),
        ("", b"name=Jane"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=b", b"--c\r\nnonsense"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nJane'),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(1_000))),
        ("application/x-www-form-urlencoded", b""),
    ],
)
async def test_what_is_no_form_is_an_empty_one(
    embed: httpx.AsyncClient, reports: Any, content_type: str, body: bytes
) -> None:
    answer = await embed.post(PATH, params=GOOD, content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 400
    assert answer.json() == {
        "errors": {name: ["This field is required."] for name in ("name", "email", "comments")}
    }
    assert await reports() == []


async def test_invalid_form_as_script_carries_its_errors_in_the_header(embed: httpx.AsyncClient) -> None:
    answer = await embed.post(
        PATH, params=GOOD, data=FORM | {"email": "x\x00"}, headers={"Accept": "text/javascript"}
    )
    assert (answer.status_code, answer.content) == (400, b"")
    assert orjson.loads(answer.headers["x-sentry-context"]) == {
        "errors": {"email": ["Enter a valid email address.", "Null characters are not allowed."]}
    }


async def test_report_that_belongs_to_nothing_is_not_taken(embed: httpx.AsyncClient, reports: Any) -> None:
    nothing = GOOD | {"eventId": ""}
    assert (await embed.get(PATH, params=nothing)).status_code == 200
    assert (await embed.options(PATH, params=nothing)).status_code == 200
    answer = await embed.post(PATH, params=nothing, data=FORM)
    assert (answer.status_code, answer.json()) == NO_EVENT
    assert await reports() == []


async def test_body_is_bounded(serving: Any, reports: Any, outcomes: Any) -> None:
    async with serving(body_bytes_max=4_096) as client:
        body = b"name=Jane&email=jane%40example.com&comments="

        async def stream(size: int) -> Any:
            yield body
            yield b"x" * (size - len(body))

        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        for size, status in ((4_096, 200), (4_097, 413)):
            exact = body + b"x" * (size - len(body))
            assert (await client.post(PATH, params=GOOD, content=exact, headers=kind)).status_code == status
            answer = await client.post(PATH, params=GOOD, content=stream(size), headers=kind)
            assert answer.status_code == status
        assert answer.json()["code"] == "too_large"
    assert len(await reports()) == 2
    assert await fate_of(outcomes) == (3, "too_large:user_report", "invalid", "too_large:user_report")


async def test_ingestion_switched_off_is_a_refusal_with_a_fate(serving: Any, reports: Any, outcomes: Any) -> None:
    async with serving({"features": {"organizations:user-feedback-ingest": False}}) as client:
        answer = await client.post(PATH, params=GOOD, data=FORM)
    assert (answer.status_code, answer.json()["code"]) == (403, "feature_disabled")
    assert await fate_of(outcomes) == (3, "feature_disabled", "invalid", "feature_disabled")
    assert await reports() == []


LIMITED = {
    "scripts_per_address_max": 2,
    "posts_per_address_max": 3,
    "scripts_per_project_max": 4,
    "posts_per_project_max": 5,
}


@pytest.mark.parametrize(("first", "then"), [("203.0.113.1", "203.0.113.1"), ("2001:db8::1", "2001:db8::2")])
@pytest.mark.parametrize(("method", "per_address", "per_project"), [("GET", 2, 4), ("POST", 3, 5)])
async def test_limits_per_address_and_per_project(
    serving: Any, redis: Redis, clock: ManualClock, method: str, per_address: int, per_project: int,
    first: str, then: str,
) -> None:  # fmt: skip
    await publish_project(redis, project_id=2)
    async with serving(**LIMITED) as client:

        async def ask(address: str, **query: str) -> httpx.Response:
            headers = {"X-Forwarded-For": address}
            return await client.request(method, PATH, params=GOOD | query, data=FORM, headers=headers)

        assert [(await ask(first)).status_code for _ in range(per_address)] == [200] * per_address
        refused = await ask(then)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.json()["code"] == "too_many_requests"
        assert refused.headers["access-control-allow-origin"] == ""
        rest = per_project - per_address
        assert [(await ask("203.0.113.2")).status_code for _ in range(rest)] == [200] * rest
        assert (await ask("203.0.113.3")).status_code == 429
        other = {"dsn": f"http://{public_key(2)}@x/2"}
        assert (await ask("203.0.113.3", **other)).status_code == 200
        assert (await client.options(PATH, params=GOOD)).status_code == 200
        clock.move(seconds=61)
        assert (await ask(first)).status_code == 200


async def test_a_form_beyond_a_limit_has_an_outcome_and_a_fate(serving: Any, reports: Any, outcomes: Any) -> None:
    async with serving(posts_per_address_max=1) as client:
        assert (await client.post(PATH, params=GOOD, data=FORM)).status_code == 200
        assert (await client.post(PATH, params=GOOD, data=FORM)).status_code == 429
    assert await fate_of(outcomes) == (2, "rate_limited", "rate_limited", "rate_limited")
    assert len(await reports()) == 1


@pytest.mark.parametrize(("code", "reason"), [("few", "few"), (None, "rate_limited")])
async def test_a_form_beyond_a_quota_of_its_project_has_its_reason(
    serving: Any, reports: Any, outcomes: Any, code: str | None, reason: str
) -> None:
    sources = (FeedbackSource.CRASH_REPORT_EMBED_FORM,)
    quota = QuotaConfig(id="q", categories=("feedback",), limit=1, window=60, reason_code=code, sources=sources)
    async with serving({"quotas": (quota,)}) as client:
        assert (await client.post(PATH, params=GOOD, data=FORM | {"comments": ""})).status_code == 400
        assert (await client.post(PATH, params=GOOD, data=FORM)).status_code == 200
        refused = await client.post(PATH, params=GOOD, data=FORM)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert await fate_of(outcomes) == (2, code, "rate_limited", reason)
    assert len(await reports()) == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "nonsense"])
async def test_an_encoded_form_is_415_and_has_an_outcome_and_a_fate(
    embed: httpx.AsyncClient, reports: Any, outcomes: Any, encoding: str
) -> None:
    kind = "application/x-www-form-urlencoded"
    headers = {"Content-Type": kind, "Content-Encoding": encoding, "Origin": PAGE}
    answer = await embed.post(PATH, params=GOOD, content=gzip.compress(b"name=Ann"), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "encoded_body")
    assert answer.headers["accept-encoding"] == "identity"
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert await fate_of(outcomes) == (3, "payload", "invalid", "payload")
    assert await reports() == []


@pytest.mark.parametrize("encoding", ["", "identity", "UTF-8"])
async def test_an_encoding_that_is_none_changes_nothing(
    embed: httpx.AsyncClient, reports: Any, encoding: str
) -> None:
    headers = {"Content-Encoding": encoding}
    assert (await embed.post(PATH, params=GOOD, data=FORM, headers=headers)).status_code == 200
    assert len(await reports()) == 1


async def test_a_form_that_the_project_does_not_take_uses_up_no_quota(
    serving: Any, redis: Redis, reports: Any
) -> None:
    quota = QuotaConfig(id="q", categories=("feedback",), limit=1, window=60)
    async with serving({"quotas": (quota,), "features": {Feature.INGEST: False}}) as client:
        for _ in range(3):
            refused = await client.post(PATH, params=GOOD, data=FORM)
            assert (refused.status_code, refused.json()["code"]) == (403, "feature_disabled")
        await publish_project(redis, quotas=(quota,))
        await becomes(200, lambda: client.post(PATH, params=GOOD, data=FORM))
        assert (await client.post(PATH, params=GOOD, data=FORM)).status_code == 429
    assert len(await reports()) == 1


async def test_forms_on_the_all_zero_event_id_are_submissions_of_their_own(
    embed: httpx.AsyncClient, reports: Any, outcomes: Any
) -> None:
    """SDKs hand it out when nothing was sent: two people's words on it do not overwrite each other."""
    for who in ("Ann", "Bob"):
        answer = await embed.post(PATH, params=GOOD | {"eventId": "0" * 32}, data=FORM | {"name": who})
        assert answer.status_code == 200
    messages = [message for message, _ in await reports()]
    assert [message["event_id"] for message in messages] == ["0" * 32] * 2
    steps = [step for outcome in await outcomes() for step in outcome["steps"]]
    own = [step["submission_id"] for step in steps if step["submission_id"] != "0" * 32]
    assert own == [message["id"] for message in messages]
    assert len(steps) == 4


async def test_a_nul_in_what_is_only_shown_hides_no_dialog(embed: httpx.AsyncClient, reports: Any) -> None:
    query = GOOD | {"title": "a\x00b", "name": "\x00"}
    assert (await embed.get(PATH, params=query)).status_code == 200
    assert (await embed.post(PATH, params=query, data=FORM)).status_code == 200
    ((message, body),) = await reports()
    assert "\x00" not in str(message) + str(body)


async def test_url_of_eight_kilobytes_is_served(embed: httpx.AsyncClient, reports: Any) -> None:
    query = GOOD | {"onLoad": "x" * 8_192}
    script = await embed.get(PATH, params=query)
    assert (script.status_code, "x" * 8_192 in script.text) == (200, True)
    assert (await embed.post(PATH, params=query, data=FORM)).status_code == 200
    assert len(await reports()) == 1


async def test_default_limits_are_met_by_no_person(settings: Settings) -> None:
    assert settings.scripts_per_address_max >= 200
    assert settings.posts_per_address_max >= 60


@pytest.mark.parametrize(
    ("trusted", "address"),
    [
        ("127.0.0.0/8", "203.0.113.9"),
        ("127.0.0.0/8,203.0.113.0/24", "198.51.100.1"),
        ("10.0.0.0/8", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
async def test_address_is_believed_from_our_proxies_only(
    serving: Any, reports: Any, trusted: str, address: str
) -> None:
    async with serving(trusted_proxies=trusted) as client:
        headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
        assert (await client.post(PATH, params=GOOD, data=FORM, headers=headers)).status_code == 200
    ((message, _),) = await reports()
    assert message["remote_addr"] == address


async def test_full_stream_is_reported(serving: Any, redis: Redis) -> None:
    async with serving(stream_entries_max=1) as client:
        await redis.xadd(USER_REPORT_SUBMITTED.key(1, 4), {"t": "x", "v": "1", "d": "{}"})
        answer = await becomes(503, lambda: client.post(PATH, params=GOOD, data=FORM))
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["code"] == "unavailable"


async def test_valkey_away_means_503_for_forms_and_the_script_goes_on(
    serving: Any, redis_proxy: FaultProxy, reports: Any
) -> None:
    async with serving(redis_url=redis_proxy.url) as client:
        assert (await client.get(PATH, params=GOOD)).status_code == 200
        redis_proxy.refuse()
        form = await client.post(PATH, params=GOOD, data=FORM, headers={"Origin": PAGE})
        assert form.status_code == 503
        assert form.headers["retry-after"]
        assert form.headers["access-control-allow-origin"] == PAGE
        assert (await client.get(PATH, params=GOOD)).status_code == 200
        unknown = await client.get(PATH, params=GOOD | {"dsn": f"http://{'e' * 32}@x/1"})
        assert unknown.status_code == 503
        assert (await client.get("/readyz")).status_code == 503
        redis_proxy.heal()
        await becomes(200, lambda: client.post(PATH, params=GOOD, data=FORM))
    assert len(await reports()) >= 1


REFUSED: list[tuple[int, str, dict[str, Any], dict[str, str]]] = [
    (400, "POST", {"params": GOOD, "data": {}}, {}),
    (400, "GET", {"params": {}}, {}),
    (403, "GET", {"params": GOOD}, {"Origin": "https://evil.example"}),
    (404, "GET", {"params": GOOD | {"dsn": "x"}}, {}),
    (413, "POST", {"params": GOOD, "content": b"x" * 4_097}, {}),
    (415, "POST", {"params": GOOD, "content": b"x"}, {"Content-Encoding": "gzip"}),
    (429, "GET", {"params": GOOD}, {}),
]


@pytest.mark.parametrize(("status", "method", "given", "headers"), REFUSED)
async def test_a_page_can_read_each_refusal(
    serving: Any, status: int, method: str, given: Any, headers: dict[str, str]
) -> None:
    limits = {"scripts_per_address_max": 1} if status == 429 else {}
    origin = headers.get("Origin", PAGE)
    async with serving(
        {"options": {"sentry:origins": ["shop.example"]}}, body_bytes_max=4_096, **limits
    ) as client:
        for _ in range(2 if status == 429 else 1):
            answer = await client.request(method, PATH, **given, headers={"Origin": PAGE} | headers)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == origin
        assert "Retry-After" in answer.headers["access-control-expose-headers"]


async def test_many_forms_at_once_are_each_taken_once(embed: httpx.AsyncClient, reports: Any) -> None:
    ids = [f"{number:032x}" for number in range(40)]
    answers = await asyncio.gather(*(embed.post(PATH, params=GOOD | {"eventId": one}, data=FORM) for one in ids))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(message["event_id"] for message, _ in await reports()) == ids


async def test_recorded_requests_of_sdks_are_served(embed: httpx.AsyncClient, reports: Any) -> None:
    # From recordings of @sentry/browser 7.120 and 10.78: DSN not encoded, source text of onLoad, strange texts.
    query = (
        f"dsn={DSN}&eventId={EVENT_ID}&title=Etwas%20ist%20schiefgelaufen%20%E2%80%94%20%3Cb%3ETitel%3C%2Fb%3E"
        "&subtitle2=%3C%2Fscript%3E%3Cimg%20src%3Dx%20onerror%3D%22window.hxXss%3D1%22%3E&lang=de"
        "&email=a%22b%40example.com&onLoad=onLoad()%20%7B%20window.hx.load%2B%2B%3B%20%7D&onClose=undefined"
    )
    script = await embed.get(f"{PATH}?{query}", headers={"Origin": PAGE, "Accept": "*/*"})
    assert script.status_code == 200
    assert "<" not in script.text.split("endpoint = ")[1]
    answer = await embed.post(
        f"{PATH}?{query}",
        content=b"name=Crash%20Ed&email=crash%40example.com&comments=It%20broke%0Ahere&=&=",
        headers={
            "Content-type": "application/x-www-form-urlencoded",
            "baggage": "sentry-environment=harness",
            "sentry-trace": "e8b5fb9dc2c5443189a30b7a9cdc7047-908a7b71b68eaa79-1",
        },
    )
    assert answer.status_code == 200
    ((_, report),) = await reports()
    assert report["comments"] == "It broke\nhere"
