"""Feedback with a screenshot from released browser SDKs: found beside its feedback, byte for byte."""

import base64
import hashlib
import io
import random
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.async_api import Page, expect

SDKS = [f"sentry-browser-{major}" for major in (8, 10, 11)]
MESSAGE = "The cart shows someone else's things."
CAPTURE = """([png, text]) => SDK.captureFeedback(
  {message: text, name: 'Jane Doe', email: 'jane@example.com'},
  {attachments: [
    {filename: 'screenshot.png', data: Uint8Array.from(atob(png), c => c.charCodeAt(0)), contentType: 'image/png'},
    {filename: 'console.log', data: 'first\\nsecond\\n'},
  ]},
)"""


def screenshot() -> bytes:
    """A PNG like no other."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (320, 200), random.randbytes(320 * 200 * 3)).save(buffer, "PNG")
    return buffer.getvalue()


def attachments(project: Any, event_id: str, **params: Any) -> list[dict[str, Any]]:
    """The attachments of an event."""
    path = f"/api/0/projects/{project.organization}/{project.project}/events/{event_id}/attachments/"
    found = project.get(path, **params)
    assert isinstance(found, list)
    return found


def fetch(project: Any, item: dict[str, Any], form: str = "download") -> Any:
    """The answer to asking for an attachment's bytes or thumbnail."""
    path = f"/api/0/projects/{project.organization}/{project.project}/events/{item['event_id']}/attachments/"
    return project.http.get(f"{path}{item['id']}/", params={form: "1"})


def the_issue(project: Any, wait_until: Any, has_attachments: bool = True) -> dict[str, Any]:
    """The project's only feedback once the list tells that it has attachments, or none."""

    def found() -> Any:
        issues = project.issues(expand="latestEventHasAttachments")
        return issues and issues[0]["latestEventHasAttachments"] is has_attachments and issues

    issues = wait_until(found)
    assert len(issues) == 1
    issue = issues[0]
    assert issue["metadata"]["message"] == MESSAGE
    return dict(issue)


def assert_screenshot(project: Any, wait_until: Any, event_id: str, png: bytes, content_type: str) -> None:
    """The screenshot is listed, found as one, and comes back as it was sent; its thumbnail is safe to show."""
    wait_until(lambda: attachments(project, event_id, query="is:screenshot"))
    [item] = attachments(project, event_id, query="is:screenshot")
    assert (item["name"], item["mimetype"], item["size"]) == ("screenshot.png", content_type, len(png))
    assert item["sha1"] == hashlib.sha1(png).hexdigest()
    download = fetch(project, item)
    assert download.status_code == 200
    assert download.content == png
    assert download.headers["content-disposition"] == 'attachment; filename="screenshot.png"'
    thumbnail = fetch(project, item, "thumbnail")
    assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/webp")
    with Image.open(io.BytesIO(thumbnail.content)) as image:
        assert image.format == "WEBP"


@pytest.mark.parametrize("sdk", SDKS)
async def test_capture_feedback_with_a_screenshot(project: Any, wait_until: Any, open_shop: Any, sdk: str) -> None:
    page: Page = await open_shop(sdk, project.dsn)
    png = screenshot()
    event_id = await page.evaluate(CAPTURE, [base64.b64encode(png).decode(), MESSAGE])
    issue = the_issue(project, wait_until)
    assert project.latest_event(issue["id"])["eventID"] == event_id
    assert_screenshot(project, wait_until, event_id, png, "image/png")
    log = wait_until(lambda: attachments(project, event_id, query="console"))[0]
    assert fetch(project, log).content == b"first\nsecond\n"
    assert len(attachments(project, event_id)) == 2


@pytest.mark.parametrize("sdk", SDKS)
async def test_feedback_without_a_file_has_no_attachments(
    project: Any, wait_until: Any, open_shop: Any, sdk: str
) -> None:
    page: Page = await open_shop(sdk, project.dsn)
    event_id = await page.evaluate("text => SDK.captureFeedback({message: text})", MESSAGE)
    the_issue(project, wait_until, has_attachments=False)
    assert attachments(project, event_id) == []


@pytest.mark.parametrize("sdk", SDKS)
async def test_the_widget_with_its_own_screenshot(
    project: Any, wait_until: Any, open_capturing_shop: Any, sdk: str
) -> None:
    page: Page = await open_capturing_shop(sdk, project.dsn)
    sent: list[bytes] = []
    page.on(
        "request", lambda request: "/envelope/" in request.url and sent.append(request.post_data_buffer or b"")
    )
    await page.evaluate("SDK.addIntegration(SDK.feedbackIntegration({autoInject: true, enableScreenshot: true}))")
    await page.get_by_role("button", name="Report a Bug").click()
    await page.get_by_label("Name").fill("Jane Doe")
    await page.get_by_label("Description").fill(MESSAGE)
    await page.get_by_role("button", name="Add a screenshot").click()
    await expect(page.get_by_role("button", name="Remove screenshot")).to_be_visible()
    await page.get_by_role("button", name="Send Bug Report").click()
    await expect(page.get_by_text("Thank you for your report!")).to_be_visible()
    issue = the_issue(project, wait_until)
    event = project.latest_event(issue["id"])
    assert event["contexts"]["feedback"]["source"] == "widget"
    event_id = event["eventID"]
    [envelope] = [body for body in sent if b'"type":"attachment"' in body]
    start = envelope.index(b"\x89PNG")
    png = envelope[start : envelope.rindex(b"IEND") + 8]
    assert_screenshot(project, wait_until, event_id, png, "application/png")


@pytest.mark.parametrize("sdk", ["sentry-browser-8", "sentry-browser-11"])
async def test_the_widget_sends_the_words_when_the_screen_may_not_be_captured(
    project: Any, wait_until: Any, open_shop: Any, sdk: str
) -> None:
    page: Page = await open_shop(sdk, project.dsn)
    await page.evaluate(  # what a browser answers when a person denies it
        """() => { navigator.mediaDevices.getDisplayMedia = () =>
          Promise.reject(new DOMException('Permission denied', 'NotAllowedError'));
        SDK.addIntegration(SDK.feedbackIntegration({autoInject: true, enableScreenshot: true})); }"""
    )
    await page.get_by_role("button", name="Report a Bug").click()
    await page.get_by_label("Name").fill("Jane Doe")
    await page.get_by_label("Description").fill(MESSAGE)
    await page.get_by_role("button", name="Add a screenshot").click()
    await expect(page.get_by_label("Description")).to_have_value(MESSAGE)
    await page.get_by_role("button", name="Send Bug Report").click()
    await expect(page.get_by_text("Thank you for your report!")).to_be_visible()
    the_issue(project, wait_until, has_attachments=False)


@pytest.mark.parametrize("sdk", ["sentry-browser-8", "sentry-browser-11"])
async def test_the_widget_keeps_the_words_while_the_server_cannot_be_reached(
    project: Any, wait_until: Any, open_shop: Any, gate: Any, sdk: str
) -> None:
    host = urlsplit(project.dsn).netloc.rpartition("@")[2]
    page: Page = await open_shop(sdk, project.dsn.replace(host, f"127.0.0.1:{gate.port}"))
    await page.evaluate("SDK.addIntegration(SDK.feedbackIntegration({autoInject: true}))")
    await page.get_by_role("button", name="Report a Bug").click()
    await page.get_by_label("Description").fill(MESSAGE)
    gate.fall()
    await page.get_by_role("button", name="Send Bug Report").click()
    await expect(page.get_by_text(re.compile("Unable to|could not|error", re.IGNORECASE)).first).to_be_visible()
    await expect(page.get_by_label("Description")).to_have_value(MESSAGE)
    gate.rise()
    await page.get_by_role("button", name="Send Bug Report").click()
    await expect(page.get_by_text("Thank you for your report!")).to_be_visible()
    the_issue(project, wait_until, has_attachments=False)


@pytest.mark.parametrize("sdk", ["sentry-browser-7", "sentry-browser-11"])
async def test_files_of_errors_are_found_by_the_error(
    project: Any, wait_until: Any, open_shop: Any, sdk: str
) -> None:
    page: Page = await open_shop(sdk, project.dsn)
    event_id = await page.evaluate(
        """SDK.captureException(
          new Error('Checkout failed'), {attachments: [{filename: 'cart.json', data: '[1, 2]'}]},
        )"""
    )
    [item] = wait_until(lambda: attachments(project, event_id))
    assert item["name"] == "cart.json"
    assert fetch(project, item).content == b"[1, 2]"
    assert project.issues() == []


def feedback_event(event_id: str) -> dict[str, Any]:
    """A feedback event as SDK 7 sends it."""
    return {
        "event_id": event_id,
        "type": "feedback",
        "timestamp": 1_790_000_000,
        "platform": "javascript",
        "contexts": {"feedback": {"message": MESSAGE, "contact_email": "jane@example.com", "source": "api"}},
    }


@pytest.mark.parametrize("order", ["feedback first", "attachment first"])
async def test_version_7_sends_the_screenshot_in_an_envelope_of_its_own(
    project: Any, wait_until: Any, open_shop: Any, order: str
) -> None:
    """The envelopes come from a page with SDK 7, through its own transport."""
    page: Page = await open_shop("sentry-browser-7", project.dsn)
    png, event_id = screenshot(), f"{random.getrandbits(128):032x}"
    send = """async ([event, png]) => {
      const bytes = png && Uint8Array.from(atob(png), c => c.charCodeAt(0));
      const head = {type: 'attachment', length: bytes && bytes.length, filename: 'screenshot.png',
                    content_type: 'image/png'};
      const item = bytes ? [head, bytes] : [{type: 'feedback'}, event];
      await SDK.getClient().getTransport().send([{event_id: event.event_id}, [item]]);
    }"""
    event = feedback_event(event_id)
    event["timestamp"] = await page.evaluate("Date.now() / 1000")
    alone, beside = [event, ""], [event, base64.b64encode(png).decode()]
    first, second = (alone, beside) if order == "feedback first" else (beside, alone)
    await page.evaluate(send, first)
    if order == "feedback first":
        the_issue(project, wait_until, has_attachments=False)
    else:
        wait_until(lambda: attachments(project, event_id))
        assert project.issues() == []
    await page.evaluate(send, second)
    issue = the_issue(project, wait_until)
    assert project.latest_event(issue["id"])["eventID"] == event_id
    assert_screenshot(project, wait_until, event_id, png, "image/png")


async def test_a_form_brings_files_to_a_feedback(project: Any, wait_until: Any, open_shop: Any) -> None:
    """The multipart endpoint, used by a page with `FormData`."""
    page: Page = await open_shop("sentry-browser-11", project.dsn)
    event_id = await page.evaluate("text => SDK.captureFeedback({message: text})", MESSAGE)
    png = screenshot()
    url = f"{project.url}/api/{project.project_id}/events/{event_id}/attachments/?sentry_key={project.public_key}"
    status = await page.evaluate(
        """async ([url, png]) => {
          const form = new FormData();
          const bytes = Uint8Array.from(atob(png), c => c.charCodeAt(0));
          form.append('file', new Blob([bytes], {type: 'image/png'}), 'screenshot.png');
          form.append('note', 'not a file');
          return (await fetch(url, {method: 'POST', body: form})).status;
        }""",
        [url, base64.b64encode(png).decode()],
    )
    assert status == 201
    the_issue(project, wait_until)
    assert_screenshot(project, wait_until, event_id, png, "image/png")
    assert len(attachments(project, event_id)) == 1
