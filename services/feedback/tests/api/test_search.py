"""The search language, as it finds."""

from datetime import timedelta

import pytest

from ..conftest import NOW, Api


async def three(api: Api) -> None:
    await api.submit(
        "Payment page is broken",
        feedback={"name": "Jane Doe", "contact_email": "Jane@Acme.com", "url": "https://shop.io/checkout?x=1"},
        environment="staging", release="web@1.2", level="error", platform="javascript", dist="77",
        user={"id": 42, "email": "j.doe@acme.com", "username": "jdoe"}, sdk={"name": "sentry.javascript.browser"},
        tags={"flavour": "Sweet", "feedback.rating": 5, "odd key": "two words", "Plan": "Gold"},
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
    ("", "abc"),
    ("payment", "a"),
    ("PAY", "a"),
    ("pay broken", "a"),
    ('"page is"', "a"),
    ('"is page"', ""),
    ("!payment", "bc"),
    ("*ment", "a"),
    ("*chfe*", "b"),
    ("p*broken", "a"),
    ("支付", "b"),
    ("页面", "b"),
    ("uli@example.de", "b"),
    ("jane", "a"),
    ("*100%_s*", "c"),
    ("*100x*", ""),
    ("message:broken", "a"),
    ("title:*sure*", "c"),
    ("user.email:j.doe@acme.com", "a"),
    ("user.email:JANE@acme.com", "a"),
    ("user.email:*@acme.com", "a"),
    ("!user.email:*@acme.com", "bc"),
    ("!user.email:j.doe@acme.com", "bc"),
    ("has:user.email", "ab"),
    ("!has:user.email", "c"),
    ("user.id:42", "a"),
    ("user.username:jdoe", "a"),
    ('name:"jane doe"', "a"),
    ("url:*checkout*", "a"),
    ('url:"https://shop.io/checkout?x=1"', "a"),
    ("environment:staging", "a"),
    ("environment:production", "bc"),
    ("!environment:production", "a"),
    ("environment:[staging,production]", "abc"),
    ("release:web@1.2", "a"),
    ("release:web@*", "a"),
    ("has:release", "a"),
    ("dist:77", "a"),
    ("level:error", "a"),
    ("platform:javascript", "a"),
    ("source:new_feedback_envelope", "abc"),
    ("sdk.name:sentry.javascript.*", "a"),
    ("flavour:sweet", "a"),
    ("flavour:sw*", "a"),
    ('"odd key":"two words"', "a"),
    ('"odd key":two*', "a"),
    ('!"odd key":"two words"', "bc"),
    ('has:"odd key"', "a"),
    ("tags[flavour]:sweet", "a"),
    ("plan:gold", "a"),
    ("plan:g*", "a"),
    ("PLAN:*O*", "a"),
    ("plan:x*", ""),
    ("!plan:g*", "bc"),
    ("has:flavour", "a"),
    ("!has:flavour", "bc"),
    ("feedback.rating:5", "a"),
    ("associated_event_id:" + "c" * 32, "b"),
    ("associated_event_id:cccccccc-cccc-cccc-cccc-cccccccccccc", "b"),
    ("associatedEventId:" + "c" * 32, "b"),
    ("has_linked_error:true", "b"),
    ("has_linked_error:false", "ac"),
    ("id:" + "a" * 32, "a"),
    ("event_id:nonsense", ""),
    ("firstSeen:>2026-11-22", "a"),
    ("firstSeen:>=2026-11-21", "ab"),
    ("firstSeen:<2026-11-01", "c"),
    ("timestamp:2026-11-21", "b"),
    ("age:-24h", "a"),
    ("age:+24h", "bc"),
    ("age:-7d", "ab"),
    ("lastSeen:-2w", "ab"),
    ("date:>2026-11-21T11:59:59", "ab"),
    ("is:unresolved", "abc"),
    ("is:resolved", ""),
    ("status:ignored", ""),
    ("assigned:none", "abc"),
    ("is:assigned", ""),
    ("assigned:me", ""),
    ("issue:web-1", "a"),
]


async def test_finding(api: Api) -> None:
    await three(api)
    wrong = {}
    for query, expected in FINDS:
        rows = await api.list(query)
        ids = "".join(sorted([(await _event_id(api, row))[0] for row in rows]))
        if ids != expected:
            wrong[query] = (ids, expected)
    assert wrong == {}


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
        {"query": "issue.category:feedback is:weird"},
        {"query": "status:open"},
        {"cursor": "nonsense"},
        {"cursor": "WzAsMSwyXQ"},
        {"statsPeriod": "soon"},
        {"start": "null"},
        {"start": "2026-11-02", "end": "2026-11-01"},
        {"limit": "0"},
        {"limit": "x"},
        {"sort": "colour"},
        {"format": "xml"},
        {"query": "a\0b"},
        {"id": "x"},
    ],
)
async def test_bad_parameters_are_400_in_the_error_shape(api: Api, params: dict[str, str]) -> None:
    response = await api.client.get("/api/0/organizations/demo/issues/", params=params)
    assert response.status_code == 400, response.text
    assert set(response.json()) == {"detail", "code"}
