"""What a page's SDK drops is reported when the page is hidden, and counted exactly so."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page

SDKS = ["sentry-browser-10", "sentry-browser-11"]
Counts = dict[tuple[str, str, str | None], int]
# Each error has its own message: an SDK drops one that equals the one before.
FAIL = """async count => {
  for (let n = 0; n < count; n += 1) SDK.captureException(new Error(`Checkout failed ${count}.${n}`));
  await SDK.flush(5000);
}"""
GIVE_FEEDBACK = """async count => {
  for (let n = 0; n < count; n += 1) SDK.captureFeedback({message: 'The cart is empty ' + n});
  await SDK.flush(5000);
}"""


def counted(project: Any) -> Counts:
    """Quantities of the last hour by outcome, category and reason; without the sessions that pages start."""
    found = project.counts("outcome", "category", "reason")
    return {key: quantity for key, quantity in found.items() if key[1] != "session"}


@pytest.fixture
def equals(project: Any, wait_until: Any) -> Any:
    """Wait until the project's counts are these and no others."""

    def check(expected: Counts) -> None:
        def same() -> bool:
            assert counted(project) == expected
            return True

        wait_until(same)

    return check


async def hide(page: Page) -> None:
    """Leave the page as its user would: it becomes hidden, and the SDK tells what it dropped."""
    await page.goto("about:blank")


def discarded(reason: str, quantity: int, category: str = "error") -> Counts:
    """What the SDK is to have dropped."""
    return {("client_discard", category, reason): quantity}


@pytest.mark.parametrize("sdk", SDKS)
async def test_sample_rate(project: Any, open_shop: Any, equals: Any, sdk: str) -> None:
    page = await open_shop(sdk, project.dsn, sampleRate=0)
    await page.evaluate(FAIL, 5)
    assert counted(project) == {}
    await hide(page)
    equals(discarded("sample_rate", 5))


@pytest.mark.parametrize("sdk", SDKS)
async def test_before_send(project: Any, open_shop: Any, equals: Any, sdk: str) -> None:
    page = await open_shop(sdk, project.dsn)
    await page.evaluate("SDK.getClient().getOptions().beforeSend = () => null")
    await page.evaluate(FAIL, 4)
    await hide(page)
    equals(discarded("before_send", 4))


@pytest.mark.parametrize("sdk", SDKS)
async def test_event_processor(project: Any, open_shop: Any, equals: Any, sdk: str) -> None:
    page = await open_shop(sdk, project.dsn)
    await page.evaluate(
        "SDK.addEventProcessor(event => /[01]$/.test(event.exception.values[0].value) ? null : event)"
    )
    await page.evaluate(FAIL, 5)
    await hide(page)
    equals({("client_discard", "error", "event_processor"): 2, ("accepted", "error", None): 3})


@pytest.mark.parametrize("sdk", SDKS)
async def test_feedback_dropped_by_an_event_processor(project: Any, open_shop: Any, equals: Any, sdk: str) -> None:
    page = await open_shop(sdk, project.dsn)
    await page.evaluate("SDK.addEventProcessor(event => event.type === 'feedback' ? null : event)")
    await page.evaluate(GIVE_FEEDBACK, 2)
    await hide(page)
    equals(discarded("event_processor", 2, "feedback"))


@pytest.mark.parametrize("sdk", SDKS)
async def test_network_error(project: Any, open_shop: Any, gate: Any, equals: Any, sdk: str) -> None:
    host = urlsplit(project.dsn).netloc.rpartition("@")[2]
    page = await open_shop(sdk, project.dsn.replace(host, f"127.0.0.1:{gate.port}"))
    gate.fall()
    await page.evaluate(FAIL, 3)
    await page.evaluate(GIVE_FEEDBACK, 1)
    gate.rise()
    await hide(page)
    equals(discarded("network_error", 3) | discarded("network_error", 1, "feedback"))


@pytest.mark.parametrize("sdk", SDKS)
async def test_queue_overflow(project: Any, wait_until: Any, open_shop: Any, sdk: str) -> None:
    """How many find room is the browser's affair; what arrived and what was dropped are all there were."""
    page = await open_shop(sdk, project.dsn, transportOptions={"bufferSize": 2})
    await page.evaluate(FAIL, 20)
    await hide(page)

    def adds_up() -> bool:
        counts = counted(project)
        arrived = counts.pop(("accepted", "error", None), 0)
        dropped = counts.pop(("client_discard", "error", "queue_overflow"), 0)
        assert (arrived + dropped, counts) == (20, {})
        return dropped > 0

    wait_until(adds_up)


@pytest.mark.parametrize("category", ["error", "feedback"])
@pytest.mark.parametrize("sdk", SDKS)
async def test_rate_limit(project: Any, wait_until: Any, open_shop: Any, sdk: str, category: str) -> None:
    """The first is refused with 429; what follows is held back by the SDK; the other category goes on."""
    quota: dict[str, Any] = {"id": "none", "categories": [category], "scope": "project", "limit": 0, "window": 60}
    quota["reasonCode"] = "no_more"
    path = f"/api/0/projects/{project.organization}/{project.project}/quotas/"
    assert project.http.put(path, json=[quota]).status_code == 200
    kind, body = (
        ("event", b"{}") if category == "error" else ("feedback", b'{"contexts":{"feedback":{"message":"x"}}}')
    )
    probes = 0

    def in_force() -> bool:
        nonlocal probes
        probes += 1
        return bool(project.send(({"type": kind}, body)).status_code == 429)

    wait_until(in_force)
    assert probes == 1, "quotas hold from the moment that PUT answers"
    page = await open_shop(sdk, project.dsn)
    act, other = (FAIL, GIVE_FEEDBACK) if category == "error" else (GIVE_FEEDBACK, FAIL)
    async with page.expect_response(lambda response: response.status == 429) as refused:
        await page.evaluate(act, 1)
    headers = (await refused.value).headers
    assert headers["x-sentry-rate-limits"].split(":")[1:4] == [category, "project", "no_more"]
    await page.evaluate(act, 6)
    await page.evaluate(other, 1)
    await hide(page)
    going_on = "feedback" if category == "error" else "error"
    expected = {
        ("rate_limited", category, "no_more"): 2,
        ("client_discard", category, "ratelimit_backoff"): 6,
        ("accepted", going_on, None): 1,
    }

    def as_expected() -> bool:
        counts = counted(project)
        assert {key: counts.pop(key, 0) for key in expected} == expected
        return sum(counts.values()) == probes - 1

    wait_until(as_expected)


async def test_reports_ride_along_with_the_next_time_only(project: Any, open_shop: Any, equals: Any) -> None:
    """A page hidden twice tells each drop once."""
    page = await open_shop("sentry-browser-11", project.dsn, sampleRate=0)
    show = """state => {
      Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => state});
      document.dispatchEvent(new Event('visibilitychange'));
    }"""
    for count in (2, 3):
        await page.evaluate(FAIL, count)
        async with page.expect_response(lambda response: "/envelope/" in response.url):
            await page.evaluate(show, "hidden")
        await page.evaluate(show, "visible")
    await page.evaluate(show, "hidden")
    equals(discarded("sample_rate", 5))
