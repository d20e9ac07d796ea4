"""Quotas: what they drop, what they leave, what clients are answered (protocol: limits#quotas)."""

from typing import Any

import pytest
from hearback_contracts.config import QuotaConfig
from hearback_contracts.flags import Feature
from hearback_devkit.testing import eventually, recorded

from ..data.envelopes import FILES, FORM, KEY, form, sentry
from ..data.envelopes import envelope_of as envelope

TEXT = (
    "Sentry dropped data due to a quota or internal rate limit being reached. This will not affect your "
    "application. See https://docs.sentry.io/product/accounts/quotas/ for more information."
)
KINDS = {
    "feedback": "feedback.submitted",
    "event": "error-event.received",
    "user_report": "user-report.submitted",
    "attachment": "attachment.stored",
    "minidump": "attachment.stored",
    "client_report": "client-report.received",
}
ERROR, ATTACHMENT, SESSION, FEEDBACK, ATTACHMENT_ITEM = 1, 4, 5, 14, 22


def quota(*categories: str, limit: int | None = 0, **more: Any) -> QuotaConfig:
    fields = {"id": "-".join(categories), "scope": "project", "window": 60, "reason_code": "why"} | more
    return QuotaConfig(categories=categories, limit=limit, **fields)


def limited(outcomes: dict[tuple[int, int, str | None], int]) -> dict[int, int]:
    """Quantities by category that a quota dropped; sessions, which are not stored, are another matter."""
    return {category: n for (category, outcome, _), n in outcomes.items() if outcome == 2}


@pytest.mark.parametrize(
    ("sent", "category", "kept", "dropped"),
    [
        (["feedback"], "feedback", [], {FEEDBACK: 1}),
        (["feedback"], "user_report_v2", [], {FEEDBACK: 1}),
        (["feedback event"], "feedback", [], {FEEDBACK: 1}),
        (["feedback", "attachment"], "feedback", [], {FEEDBACK: 1, ATTACHMENT: 5, ATTACHMENT_ITEM: 1}),
        (["event", "attachment"], "error", [], {ERROR: 1, ATTACHMENT: 5, ATTACHMENT_ITEM: 1}),
        (["event", "user_report"], "error", [], {ERROR: 1, FEEDBACK: 1}),
        (["event", "user_report"], "feedback", ["event"], {FEEDBACK: 1}),
        (["event", "feedback"], "error", ["feedback"], {ERROR: 1}),
        (["event", "feedback"], "feedback", ["event"], {FEEDBACK: 1}),
        (["feedback", "attachment"], "attachment", ["feedback"], {ATTACHMENT: 5, ATTACHMENT_ITEM: 1}),
        (["feedback", "attachment"], "attachment_item", ["feedback"], {ATTACHMENT: 5, ATTACHMENT_ITEM: 1}),
        (["attachment"], "feedback", ["attachment"], {}),
        (["event", "session"], "session", ["event"], {}),
        (["event", "client_report"], "error", ["client_report"], {ERROR: 1}),
        (["client_report"], "error", ["client_report"], {}),
        (["minidump"], "attachment", ["minidump"], {}),
        (["minidump"], "error", [], {ATTACHMENT: 5, ATTACHMENT_ITEM: 1}),
        (["user_report"], "feedback", [], {FEEDBACK: 1}),
        (["feedback"], "error", ["feedback"], {}),
    ],
)
async def test_only_what_a_quota_is_about_is_dropped(start_gateway, sent, category, kept, dropped):
    async with start_gateway(project={"quotas": (quota(category),)}) as gateway:
        answer = await gateway.send(envelope(*sent))
        refused = bool(dropped) or sent == ["event", "session"]
        assert answer.status_code == (429 if refused else 200)
        assert await gateway.kinds() == sorted(KINDS[name] for name in kept)
        assert limited(await gateway.outcomes()) == dropped
        if refused:
            shown = "feedback" if category == "user_report_v2" else category
            assert answer.headers["x-sentry-rate-limits"] == f"60:{shown}:project:why"
            assert answer.headers["retry-after"] == "60"
            assert answer.json() == {"detail": TEXT}
            assert answer.headers["access-control-allow-origin"] == "*"
        else:
            assert "x-sentry-rate-limits" not in answer.headers


@pytest.mark.parametrize(
    ("fields", "header"),
    [
        ({}, "60:feedback:project:why"),
        ({"scope": "organization"}, "60:feedback:organization:why"),
        ({"scope": "key"}, "60:feedback:key:why"),
        ({"reason_code": None}, "60:feedback:project"),
        ({"categories": ()}, "60::project:why"),
        ({"categories": ("feedback", "error")}, "60:feedback;error:project:why"),
        ({"categories": ("feedback", "nonsense")}, "60:feedback:project:why"),
    ],
)
async def test_the_header_is_exact(start_gateway, fields, header):
    given = quota("feedback").model_copy(update=fields)
    async with start_gateway(project={"quotas": (given,)}) as gateway:
        assert (await gateway.send(envelope("feedback"))).headers["x-sentry-rate-limits"] == header


async def test_several_limits_are_reported_together(start_gateway):
    quotas = (quota("error"), quota("attachment", scope="key", reason_code=None))
    async with start_gateway(project={"quotas": quotas}) as gateway:
        answer = await gateway.send(envelope("event", "feedback", "attachment"))
        assert answer.headers["x-sentry-rate-limits"] == "60:error:project:why, 60:attachment:key"
        assert await gateway.kinds() == ["feedback.submitted"]


@pytest.mark.parametrize("future", [quota("feedback", scope="future"), quota("nonsense"), quota("unknown")])
async def test_what_cannot_match_never_does(start_gateway, future):
    async with start_gateway(project={"quotas": (future,)}) as gateway:
        assert (await gateway.send(envelope("feedback"))).status_code == 200


async def test_at_the_limit_one_past_it_and_in_the_next_window(start_gateway):
    async with start_gateway(project={"quotas": (quota("feedback", limit=2),)}) as gateway:
        answers = [await gateway.send(envelope("feedback")) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
        seconds = int(answers[2].headers["retry-after"])
        assert 0 < seconds <= 60
        assert answers[2].headers["x-sentry-rate-limits"] == f"{seconds}:feedback:project:why"
        assert limited(await gateway.outcomes()) == {FEEDBACK: 2}
        assert [step[1:] for step in await gateway.steps()] == [("accepted", None)] * 2 + [
            ("rate_limited", "why")
        ] * 2
        gateway.clock.move(seconds=seconds - 1)
        assert (await gateway.send(envelope("feedback"))).status_code == 429
        gateway.clock.move(seconds=1)
        assert (await gateway.send(envelope("feedback"))).status_code == 200


async def test_attachments_are_counted_in_bytes(start_gateway):
    async with start_gateway(project={"quotas": (quota("attachment", limit=12),)}) as gateway:
        answers = [await gateway.send(envelope("attachment")) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert len(gateway.blob_files()) == 2


async def test_a_limit_of_null_only_counts(start_gateway):
    async with start_gateway(project={"quotas": (quota("feedback", limit=None),)}) as gateway:
        assert [(await gateway.send(envelope("feedback"))).status_code for _ in range(3)] == [200] * 3
        [counter] = [key async for key in gateway.redis.scan_iter("hearback:limit:*")]
        assert int(await gateway.redis.get(counter)) == 3


async def test_what_one_quota_refuses_no_other_counts(start_gateway):
    quotas = (quota("feedback", limit=None, id="all"), quota("feedback", limit=1, id="few"))
    async with start_gateway(project={"quotas": quotas}) as gateway:
        for _ in range(3):
            await gateway.send(envelope("feedback"))
        counters = [await gateway.redis.get(key) async for key in gateway.redis.scan_iter("hearback:limit:*")]
        assert list(map(int, counters)) == [1, 1]


async def test_sources_of_feedback_do_not_starve_each_other(start_gateway):
    quotas = (
        quota("feedback", limit=1, id="new", sources=("new_feedback_envelope",)),
        quota("feedback", limit=1, id="reports", sources=("user_report_envelope",)),
    )
    async with start_gateway(project={"quotas": quotas}) as gateway:
        sent = ["feedback", "feedback", "user_report", "user_report"]
        answers = [await gateway.send(envelope(name)) for name in sent]
        assert [answer.status_code for answer in answers] == [200, 429, 200, 429]
        assert ":feedback:" in answers[1].headers["x-sentry-rate-limits"]
        assert ":feedback:" not in answers[3].headers["x-sentry-rate-limits"], "the widget must go on sending"


async def test_keys_have_counters_of_their_own(start_gateway):
    async with start_gateway(project={"quotas": (quota("feedback", limit=1, scope="key"),)}) as gateway:
        other = "a" * 32
        keys = ({"id": 11, "public": KEY}, {"id": 13, "public": other})
        await gateway.configure(quotas=(quota("feedback", limit=1, scope="key"),), keys=keys)

        async def is_known() -> bool:
            return bool((await gateway.send(envelope("client_report"), **sentry(other))).status_code == 200)

        await eventually(is_known, seconds=2)
        assert (await gateway.send(envelope("feedback"))).status_code == 200
        assert (await gateway.send(envelope("feedback"))).status_code == 429
        assert (await gateway.send(envelope("feedback"), **sentry(other))).status_code == 200


async def test_all_categories_of_an_envelope_take_one_round_trip(start_gateway):
    quotas = tuple(quota(name, limit=100) for name in ("error", "feedback", "attachment", "session"))
    async with start_gateway(project={"quotas": quotas}) as gateway:
        body = envelope("event", "feedback", "user_report", "attachment", "session")
        assert (await gateway.send(body)).status_code == 200

        async def calls() -> int:
            stats = await gateway.redis.info("commandstats")
            return int(stats["cmdstat_evalsha"]["calls"])

        before = await calls()
        assert (await gateway.send(body)).status_code == 200
        assert await calls() == before + 1


async def test_counters_that_do_not_answer_let_everything_pass_and_it_is_counted(start_gateway):
    async with start_gateway(project={"quotas": (quota("feedback", limit=1),)}) as gateway:
        assert (await gateway.send(envelope("feedback"))).status_code == 200
        [counter] = [key async for key in gateway.redis.scan_iter("hearback:limit:*")]
        await gateway.redis.delete(counter)
        await gateway.redis.hset(counter, "not", "a number")
        before = recorded("hearback_limits_failed_open_total")
        assert [(await gateway.send(envelope("feedback"))).status_code for _ in range(2)] == [200, 200]
        assert recorded("hearback_limits_failed_open_total") == before + 2


async def test_a_limit_comes_before_a_size(start_gateway):
    async with start_gateway(project={"quotas": (quota("error"),)}) as gateway:
        assert (await gateway.send(envelope("large"))).status_code == 429
        assert (await gateway.send(envelope("event", "event"))).status_code == 429
        assert limited(await gateway.outcomes()) == {ERROR: 3}


async def test_a_change_is_in_force_within_two_seconds(start_gateway):
    async with start_gateway() as gateway:

        def answers(status: int) -> Any:
            async def found() -> bool:
                return bool((await gateway.send(envelope("feedback"))).status_code == status)

            return eventually(found, seconds=2)

        await answers(200)
        await gateway.configure(quotas=(quota("feedback"),))
        await answers(429)
        await gateway.configure(quotas=())
        await answers(200)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/1/store/", b'{"message":"x"}', 429),
        ("/api/1/nel/", b"{}", 200),
        ("/api/1/cron/nightly/", b"{}", 202),
        ("/api/1/minidump/", b"MDMPx", 429),
    ],
)
async def test_other_endpoints(start_gateway, path, body, status):
    async with start_gateway(project={"quotas": (quota(),)}) as gateway:
        assert (await gateway.send(body, path)).status_code == status


async def test_files_for_an_event_are_limited(start_gateway):
    async with start_gateway(project={"quotas": (quota("attachment"),)}) as gateway:
        answer = await gateway.send(form(('name="a"; filename="a"', b"12345")), FILES, **FORM)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
        assert gateway.blob_files() == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (["feedback"], 403),
        (["feedback event"], 403),
        (["user_report"], 403),
        (["feedback", "attachment"], 403),
        (["feedback", "attachment", "client_report"], 200),
        (["event", "user_report"], 200),
        (["event", "feedback", "attachment"], 200),
    ],
)
async def test_what_a_project_does_not_take_uses_up_no_quota(start_gateway, sent, status):
    quotas = (quota("feedback", limit=1), quota("attachment", limit=10))
    project = {"features": {Feature.INGEST: False}, "quotas": quotas}
    async with start_gateway(project=project) as gateway:
        for _ in range(3):
            assert (await gateway.send(envelope(*sent))).status_code == status
            if "event" in sent and "attachment" in sent:
                break  # what belongs to an event counts
        assert limited(await gateway.outcomes()) == {}
        await gateway.configure(quotas=quotas)

        async def is_taken() -> bool:
            return (await gateway.send(envelope("feedback", "attachment"))).status_code == 200

        await eventually(is_taken)
        assert (await gateway.send(envelope("feedback"))).status_code == 429
