"""The pages of submissions: filters, look-ups, fates, and taking one in."""

from datetime import timedelta
from uuid import UUID

import pytest
from hearback_contracts.identifiers import NO_EVENT_ID
from hearback_contracts.outcomes import NO_EVENT_STEP
from hearback_contracts.outcomes import SubmissionState as State
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_devkit.testing.pages import READS

from .conftest import Browser

PATH = "/organizations/demo/submissions/"
A, B, C, D, E = ("abcde"[number] * 32 for number in range(5))
HOSTILE = "<script>alert(1)</script>"


async def some(browser: Browser) -> None:
    await browser.step(A, feedback_id="4711")
    await browser.step(B, State.FILTERED, "filtered", Reason.ORG_DENYLIST, project_id=2)
    await browser.refuse(C)
    await browser.step(
        D, State.DROPPED, "deleted", Reason.DELETED, at=browser.store.clock.now() - timedelta(days=3)
    )
    await browser.step(E, project_id=3, organization_id=2)


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({}, {A, B, C, D}),
        ({"project": "project-2"}, {B}),
        ({"state": "stored"}, {A}),
        ({"state": "invalid", "project": "web"}, {C}),
        ({"source": FeedbackSource.USER_REPORT_ENVELOPE}, {C}),
        ({"reason": Reason.ORG_DENYLIST}, {B}),
        ({"query": "aaaa"}, {A}),
        ({"query": E}, set()),
        ({"query": "bb-bb"}, {B}),
        ({"start": "2026-11-24"}, {A, B, C}),
        ({"end": "2026-11-21"}, {D}),
        ({"start": "2026-11-21", "end": "2026-11-21"}, {D}),
    ],
)
async def test_submissions_are_filtered(browser: Browser, params: dict[str, str], shown: set[str]) -> None:
    await some(browser)
    text = await browser.page(PATH, **params)
    assert {one for one in (A, B, C, D, E) if f'dir="auto">{one}</span>' in text} == shown


async def test_an_id_leads_to_its_submission(browser: Browser) -> None:
    await some(browser)
    for written in (A, A.upper(), str(UUID(A)), f" {A} "):
        answer = await browser.client.get(PATH, params={"query": written})
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}{A}/?project=web")
    await browser.step(A, State.SPAM, "judged_spam", Reason.SPAM, project_id=2)
    assert "project-2" in await browser.page(PATH, query=A)
    text = await browser.page(f"{PATH}{A}/")
    assert "The same id in other projects" in text
    assert "?project=web" in text


async def test_what_a_submission_became_is_asked_of_its_service(browser: Browser) -> None:
    """Numbers and short ids are no ids of the journal; parts of one within an id are not looked for."""
    await some(browser)
    owner = "/organizations/demo/feedback/submission/?id="
    for written in ("4711", "WEB-12", "web-12", "my_shop-2-F-9"):
        for path in (f"{PATH}?query={written}", f"{PATH}{written}/"):
            answer = await browser.client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, owner + written)
    answer = await browser.client.get(PATH, params={"query": "WEB-ERR-7"})
    assert answer.headers["location"] == "/organizations/demo/issues/WEB-ERR-7/feedback/"
    text = await browser.page(PATH, query="WEB-12", looked="1")
    assert "Nothing matches" in text
    assert "the number or short id of a feedback" in text
    assert "Nothing matches" in await browser.page(PATH, query=f"{A[:8]}b")
    await browser.step("4711" + "0" * 28)
    assert "47110000" in await browser.page(PATH, query="4711")  # ids of the journal come first


async def test_a_fate_step_by_step(browser: Browser) -> None:
    await browser.step(A, State.ACCEPTED, "envelope_accepted")
    await browser.step(A, State.STORED, "stored", feedback_id="42")
    await browser.step(A, State.STORED, "notification_skipped", "no_recipients")
    await browser.step(A, State.STORED, "a_new_word")
    text = await browser.page(f"{PATH}{A}/")
    expected = ("Received by the gateway", "Stored as feedback", "No notification", "a new word")
    for words in (*expected, "No notification rule of the project covers it.", "?feedbackSlug=web%3A42"):
        assert words in text, words
    assert text.index("Received by the gateway") < text.index("Stored as feedback")


async def test_every_reason_says_what_to_do(browser: Browser) -> None:
    reasons = list(dict.fromkeys(Reason))
    for number, reason in enumerate(reasons):
        await browser.step(f"{number:032x}", State.INVALID, "refused", reason)
    for number, reason in enumerate(reasons):
        text = await browser.page(f"{PATH}{number:032x}/")
        assert '<h2 id="why">Why</h2>' in text, reason
    text = await browser.page(f"{PATH}{reasons.index(Reason.CORS):032x}/")
    assert "Add the page&#39;s domain" in text
    assert 'href="/settings/demo/projects/web/"' in text
    await browser.step(B, State.RATE_LIMITED, "rate_limited", "our own quota")
    assert 'href="/settings/demo/projects/web/quotas/"' in await browser.page(f"{PATH}{B}/")


async def test_refused_words_are_shown_and_taken_in_once(browser: Browser) -> None:
    await browser.refuse(C, f"It broke. {HOSTILE}\u202e{'w' * 3_000}")
    path = f"{PATH}{C}/"
    text = await browser.page(path)
    assert "It broke." in text
    assert HOSTILE not in text
    assert "Accept it anyway" in text
    answer = await browser.post(path, project="web")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?project=web")
    text = await browser.page(path)
    assert "Accepted." in text
    assert "Accept it anyway" not in text
    answer = await browser.post(path, project="web")
    assert answer.status_code == 409
    assert "<h1" in answer.text


async def test_who_may_read_and_take_in(browser: Browser) -> None:
    await browser.refuse(C)
    await browser.step(E, project_id=3, organization_id=2)
    path = f"{PATH}{C}/"
    await browser.page(f"{PATH}{E}/", 404)
    await browser.page(PATH, 403, project="project-3")
    for token in ("", "x"):
        assert (await browser.post(path, token=token, project="web")).status_code == 403
    assert (await browser.post(path, project="project-3")).status_code == 403
    browser.sign_in(scopes=READS)
    text = await browser.page(path)
    assert "It broke." in text
    assert "Accept it anyway" not in text
    assert (await browser.post(path, project="web")).status_code == 403
    browser.sign_in(scopes=("project:read",))
    assert "It broke." not in await browser.page(path)
    browser.sign_in(tenants={2: "owner"})
    for foreign in (PATH, path, f"/organizations/organization-2/submissions/{C}/"):
        await browser.page(foreign, 404)
    browser.client.cookies.clear()
    for closed in (PATH, path):
        assert (await browser.client.get(closed)).status_code == 303


async def test_hostile_texts_are_texts(browser: Browser) -> None:
    await browser.step(A, State.INVALID, HOSTILE, HOSTILE)
    await browser.step(HOSTILE[:20], State.STORED, "stored")
    for path in (PATH, f"{PATH}?query={HOSTILE}&reason={HOSTILE}", f"{PATH}{A}/", f"{PATH}%3Cb%3E/"):
        answer = await browser.client.get(path)
        assert HOSTILE not in answer.text
        assert "<b>" not in answer.text


async def test_the_all_zero_id_is_the_newest_report_on_it(browser: Browser) -> None:
    await browser.step(B, State.STORED, NO_EVENT_STEP)
    assert B in await browser.page(f"{PATH}{NO_EVENT_ID}/")


async def test_nothing_to_show(browser: Browser) -> None:
    assert "Nothing came in yet" in await browser.page(PATH)
    assert "Nothing matches" in await browser.page(PATH, query="x")
    assert "Nothing came in with this id" in await browser.page(f"{PATH}{A}/", 404)


@pytest.mark.parametrize(
    "params",
    [{"state": "x"}, {"source": "x"}, {"start": "soon"}, {"end": "x"}, {"cursor": "x"}, {"query": "x" * 201}],
)
async def test_what_is_not_valid_is_a_page(browser: Browser, params: dict[str, str]) -> None:
    assert "<h1" in await browser.page(PATH, 400, **params)


async def test_pages_by_keyset(browser: Browser) -> None:
    for number in range(5):
        await browser.step(f"{number:032x}", project_id=1 + number % 2)
    seen: list[int] = []
    url = f"{PATH}?per_page=2"
    while url:
        text = (await browser.client.get(url)).text
        seen += [number for number in range(4, -1, -1) if f'dir="auto">{number:032x}<' in text]
        url = text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert seen == [4, 3, 2, 1, 0]
    back = text.partition('rel="prev" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert f"{2:032x}" in (await browser.client.get(back)).text
