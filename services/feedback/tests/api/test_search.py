"""The search language, as it finds."""

from datetime import timedelta
from typing import Any

import pytest
from hearback_devkit.fleet import publish_project
from hypothesis import Phase, given, settings

from ..conftest import NOW, Api
from ..data.queries import QUERIES


async def three(api: Api) -> None:
    await api.submit(
        "Payment page is broken",
        feedback={"name": "Jane Doe", "contact_email": "Jane@Acme.com", "url": "https://shop.io/checkout?x=1",
                  "replay_id": "e" * 32},
        environment="staging", release="web@1.2", level="error", platform="javascript", dist="77",
        user={"id": 42, "email": "j.doe@acme.com", "username": "jdoe", "ip_address": "198.51.100.7",
              "geo": {"city": "Wien", "country_code": "AT"}},
        sdk={"name": "sentry.javascript.browser", "version": "9.9.9"}, transaction="/cart",
        request={"url": "https://shop.io/cart", "method": "GET", "headers": {"Referer": "https://r.io/"}},
        contexts={
            "os": {"name": "Windows", "version": "11"}, "browser": {"name": "Firefox", "version": "128.0"},
            "device": {"family": "Mac", "model_id": "MacBook12,1", "simulator": True},
            "culture": {"locale": "en-GB", "timezone": "Europe/Vienna"}, "shop": {"Cart Size": 3, "type": "x"},
            "trace": {"trace_id": "f" * 32, "span_id": "d" * 16},
        },
        tags={"flavour": "Sweet", "feedback.rating": 5, "odd key": "two words", "Plan": "Gold",
              "Status": "open", "user": "u_1", "email": "private", "größe": "XL"},
        event_id="a" * 32, received_at=NOW,
    )  # fmt: skip
    await api.submit(
        "Das Suchfeld geht nicht 支付页面坏了",
        feedback={"contact_email": "uli@example.de", "associated_event_id": "c" * 32},
        timestamp=(NOW - timedelta(days=3)).timestamp(), event_id="b" * 32,
        received_at=NOW - timedelta(days=3),
    )  # fmt: skip
    await api.submit("100%_sure it's slow", event_id="c" * 32, received_at=NOW - timedelta(days=40),
                     timestamp=(NOW - timedelta(days=40)).timestamp())  # fmt: skip


FINDS = [
    ("", "abc"), ("payment", "a"), ("PAY", "a"), ("pay broken", "a"), ('"page is"', "a"), ('"is page"', ""),
    ("!payment", "bc"), ("*ment", "a"), ("*chfe*", "b"), ("p*broken", "a"), ("支付", "b"), ("页面", "b"),
    ("uli@example.de", "b"), ("jane", "a"), ("*100%_s*", "c"), ("*100x*", ""), ("message:broken", "a"),
    ("title:*sure*", "c"), ("user.email:j.doe@acme.com", "a"), ("user.email:JANE@acme.com", "a"),
    ("user.email:*@acme.com", "a"), ("!user.email:*@acme.com", "bc"), ("!user.email:j.doe@acme.com", "bc"),
    ("has:user.email", "ab"), ("!has:user.email", "c"), ("user.id:42", "a"), ("user.username:jdoe", "a"),
    ('name:"jane doe"', "a"), ("url:*checkout*", "a"), ('url:"https://shop.io/checkout?x=1"', "a"),
    ("environment:staging", "a"), ("environment:production", "bc"), ("!environment:production", "a"),
    ("environment:[staging,production]", "abc"), ("release:web@1.2", "a"), ("release:web@*", "a"),
    ("has:release", "a"), ("dist:77", "a"), ("level:error", "a"), ("platform:javascript", "a"),
    ("source:new_feedback_envelope", "abc"), ("sdk.name:sentry.javascript.*", "a"), ("flavour:sweet", "a"),
    ("flavour:sw*", "a"), ('"odd key":"two words"', "a"), ('"odd key":two*', "a"),
    ('!"odd key":"two words"', "bc"), ('has:"odd key"', "a"), ("tags[flavour]:sweet", "a"), ("plan:gold", "a"),
    ("plan:g*", "a"), ("PLAN:*O*", "a"), ("plan:x*", ""), ("!plan:g*", "bc"), ("has:flavour", "a"),
    ("!has:flavour", "bc"), ("feedback.rating:5", "a"), ("associated_event_id:" + "c" * 32, "b"),
    ("associated_event_id:cccccccc-cccc-cccc-cccc-cccccccccccc", "b"), ("associatedEventId:" + "c" * 32, "b"),
    ("has_linked_error:true", "b"), ("has_linked_error:false", "ac"), ("id:" + "a" * 32, "a"),
    ("event_id:nonsense", ""), ("firstSeen:>2026-11-22", "a"), ("firstSeen:>=2026-11-21", "ab"),
    ("firstSeen:<2026-11-01", "c"), ("timestamp:2026-11-21", "b"), ("age:-24h", "a"), ("age:+24h", "bc"),
    ("age:-7d", "ab"), ("lastSeen:-2w", "ab"), ("date:>2026-11-21T11:59:59", "ab"), ("is:unresolved", "abc"),
    ("is:resolved", ""), ("status:ignored", ""), ("assigned:none", "abc"), ("is:assigned", ""),
    ("assigned:me", ""), ("issue:web-1", "a"), ("issue:web-*", "abc"), ("issue:*-2", "b"), ("!issue:*-2", "ac"),
    ("id:aaaa*", "a"), ("id:*a*", "a"), ("project:web", "abc"), ("project:w*", "abc"), ("project:x*", ""),
    ("project:*e*", "abc"), ("project:*b*e", ""), ("project.name:*p*ment*s", ""), ("project.name:w**t*s", ""),
    ("project:" + "*" * 300 + "z", ""), ("!project:web", ""), ("project.id:1", "abc"),
    ("project.name:WEB payment", "a"), ("project:[web, web]", "abc"), ("issue.priority:medium", "abc"),
    ("priority:high", ""), ("timesSeen:1", "abc"), ("timesSeen:>1", ""), ("userCount:1", "ab"),
    ("userCount:0", "c"), ("!userCount:>=1", "c"), ("substatus:new", "abc"), ("is:new", "abc"),
    ("is:ongoing", ""), ("is:for_review", "abc"), ("is:regressed", ""), ("is:escalating", ""), ("is:linked", "b"),
    ("is:unlinked", "ac"), ("!is:linked", "ac"), ("is:unassigned", "abc"), ("is:archived", ""),
    ("is:[linked, assigned]", "b"), ("os.name:Windows", "a"), ("os.name:win*", "a"), ("os.version:11", "a"),
    ("has:os.name", "a"), ("browser.name:Firefox", "a"), ("browser.version:128*", "a"),
    ("device.family:Mac", "a"), ("device.model_id:MacBook12,1", "a"), ("device.simulator:true", "a"),
    ("sdk.version:9.9.9", "a"), ("transaction:/cart", "a"), ("transaction:*cart", "a"),
    ("user.ip:198.51.100.7", "a"), ("user.ip:198.51.*", "a"), ('user:"id:42"', "a"), ("user:id:42", "a"),
    ("user:email:J.Doe@acme.com", "a"), ('user:"ip:198.*"', "a"), ("user:jdoe", "a"), ("!user:jdoe", "bc"),
    ("has:user", "ab"), ("geo.city:Wien", "a"), ("geo.country_code:at", "a"), ("locale.lang:en", "a"),
    ("locale.lang:en-GB", "a"), ("locale.timezone:Europe/Vienna", "a"), ("culture.locale:en-GB", "a"),
    ("trace:" + "f" * 32, "a"), ("trace:ffffffff-ffff-ffff-ffff-ffffffffffff", "a"),
    ("trace.span:" + "d" * 16, "a"), ("replay_id:" + "e" * 32, "a"), ("replayId:" + "E" * 32, "a"),
    ("has:replay_id", "a"), ("!has:replay_id", "bc"), ("http.method:get", "a"),
    ("http.url:https://shop.io/cart", "a"), ("http.referer:https://r.io/", "a"), ('"shop.cart size":3', "a"),
    ("platform.name:javascript", "a"), ("firstRelease:web@1.2", "a"), ("is_spam:null", "abc"),
    ("is_spam:false", ""), ("spam_detection_enabled:false", "abc"), ("hasSeen:false", "abc"),
    ("has_attachments:false", "abc"), ("latestEventHasAttachments:true", ""),
    ("isBookmarked:false numComments:0", "abc"), ("isPublic:true", ""), ("type:generic", "abc"),
    ("culprit:user", "abc"), ("has:logger", ""), ('title:"User Feedback: Payment page is broken"', "a"),
    ("value:Payment summary:Payment", "a"), ("metadata.contact_email:uli@example.de", "b"),
    ("tags[status]:open", "a"), ("!tags[status]:open", "bc"), ("tags[status]:resolved", ""),
    ("tags[status]:O*n", "a"), ("has:tags[status]", "a"), ("!has:tags[status]", "bc"), ("tags[user]:u_1", "a"),
    ("tags[user]:uX1", ""), ("tags[user]:42", ""), ("tags[email]:private", "a"),
    ("tags[environment]:staging", ""), ("tags[is]:x", ""), ("größe:xl", "a"), ("has:größe", "a"),
    ('tags["odd key"]:"two words"', "a"), ('tags[status]:""', "bc"), ("tags[plan]:[gold, silver]", "a"),
    ("😡", ""), ("!😡", "abc"), ("message:😡", ""), ('"%_"', "c"), ("%", "c"), ("payment ?", "a"), ('pay "%"', ""),
    ("支付页面:坏了", "b"), ("geht:", "b"), ("支付页面坏了", "b"), ("!größen:XL", "abc"),
    ("has:errorOccurredAt", ""), ("received:>2026-11-20", "ab"), ('environment:["",staging]', "a"),
]  # fmt: skip


async def test_finding(api: Api) -> None:
    await three(api)
    wrong = {}
    for query, expected in FINDS:
        rows = await api.list(query)
        ids = "".join(sorted([(await _event_id(api, row))[0] for row in rows]))
        if ids != expected:
            wrong[query] = (ids, expected)
    assert wrong == {}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("colour:red", "colour"), ("!colour:red", "colour"), ("has:colour", "colour"),
        ("has:größen", "größen"), ("tags[größen]:x", "größen"),
        ("tags[colour]:red", "colour"), ("os.nam:Windows", "os.nam"), ("error.type:TypeError", "error.type"),
        ("Payment colour:red flavour:Sweet size:1", "size"), ("project:shop", "shop"), ("!project:shop", "shop"),
    ],
)  # fmt: skip
async def test_a_key_that_is_not_understood_is_named(api: Api, query: str, named: str) -> None:
    await three(api)
    for path in ("issues/", "issues-count/"):
        params = {"query": f"issue.category:feedback {query}"}
        response = await api.client.get(f"/api/0/organizations/demo/{path}", params=params)
        assert response.status_code == 400
        assert (response.json()["code"], f'"{named}"' in response.json()["detail"]) == ("invalid_search", True)


async def test_a_tag_of_another_organization_is_no_key_here(api: Api, redis: Any) -> None:
    await publish_project(redis, project_id=7, organization_id=7)
    await api.submit(project_id=7, organization_id=7, tags={"theirs": "x"})
    params = {"query": "issue.category:feedback theirs:x"}
    response = await api.client.get("/api/0/organizations/demo/issues/", params=params)
    assert response.status_code == 400


async def test_every_query_has_an_answer(api: Api) -> None:
    """What is generated here is understood (200) or refused (400) all the way down to the database."""
    await three(api)
    queries: set[str] = set()

    @settings(max_examples=150, database=None, phases=[Phase.generate])
    @given(QUERIES)
    def collect(query: str) -> None:
        queries.add(query)

    collect()
    wrong = {}
    for query in queries:
        params = {"query": f"issue.category:feedback {query}"}
        response = await api.client.get("/api/0/organizations/demo/issues/", params=params)
        if response.status_code not in {200, 400}:
            wrong[query] = response.text
    assert wrong == {}


async def test_every_value_that_a_row_shows_finds_it(api: Api) -> None:
    await three(api)
    wrong = {}
    for event_id in ("a" * 32, "b" * 32, "c" * 32):
        row = await api.issue(event_id)
        project = {f"project.{name}": value for name, value in row["project"].items()}
        for name, value in {**row, **row["metadata"], **project}.items():
            if value in (None, "", []) or isinstance(value, dict):
                continue
            operator = "<=" if name in {"firstSeen", "lastSeen", "dateReceived"} else ""
            text = str(value).lower() if isinstance(value, bool) else str(value)
            query = f'issue.category:feedback {name}:{operator}"{text}"'
            response = await api.client.get("/api/0/organizations/demo/issues/", params={"query": query})
            if response.status_code != 200 or row["id"] not in [other["id"] for other in response.json()]:
                wrong[query] = response.text[:200]
    assert wrong == {}


async def test_time_ranges_are_about_last_seen(api: Api) -> None:
    tuesday, friday = NOW, NOW + timedelta(days=3)
    await api.submit("said on Tuesday", timestamp=tuesday.timestamp(), received_at=friday)
    api.intake.clock.move(days=3)
    [row] = await api.list()
    assert row["lastSeen"].startswith("2026-11-24T12:00")
    assert row["dateReceived"].startswith("2026-11-27T12:00")
    for found, params in (
        (1, {"start": "2026-11-24T00:00:00", "end": "2026-11-25T00:00:00"}),
        (0, {"start": "2026-11-27T00:00:00", "end": "2026-11-28T00:00:00"}),
        (0, {"statsPeriod": "24h"}),
        (1, {"statsPeriod": "4d"}),
        (1, {"start": "2026-11-24T12:00:00"}),
        (0, {"end": "2026-11-24T12:00:00"}),
    ):
        assert len(await api.list(**params)) == found, params
        assert len(await api.list("Tuesday", **params)) == found, params
        count = await api.client.get(
            "/api/0/organizations/demo/issues-count/", params={"query": "issue.category:feedback", **params}
        )
        assert count.json() == {"issue.category:feedback": found}
        exported = await api.list(format="json", **params)
        assert len(exported) == found


async def _event_id(api: Api, row: dict[str, str]) -> str:
    answer = await api.client.get(f"/api/0/issues/{row['id']}/events/latest/")
    event_id: str = answer.json()["eventID"]
    return event_id


async def test_not_asking_for_feedback_finds_nothing(api: Api) -> None:
    await api.submit()
    for query in ("", "is:unresolved", "issue.category:error"):
        response = await api.client.get("/api/0/organizations/demo/issues/", params={"query": query})
        assert (response.status_code, response.json()) == (200, [])


@pytest.mark.parametrize(
    "params",
    [
        {"query": "issue.category:feedback is:weird"}, {"query": "status:open"}, {"cursor": "nonsense"},
        {"cursor": "WzAsMSwyXQ"}, {"statsPeriod": "soon"}, {"start": "null"},
        {"start": "2026-11-02", "end": "2026-11-01"}, {"limit": "0"}, {"limit": "x"}, {"sort": "colour"},
        {"format": "xml"}, {"query": "a\0b"}, {"id": "x"},
    ],
)  # fmt: skip
async def test_bad_parameters_are_400_in_the_error_shape(api: Api, params: dict[str, str]) -> None:
    response = await api.client.get("/api/0/organizations/demo/issues/", params=params)
    assert response.status_code == 400, response.text
    assert set(response.json()) == {"detail", "code"}
