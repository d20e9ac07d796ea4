"""Mails: headers, parts, languages, and hostile content."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hearback_contracts.config import ProjectConfig
from hearback_contracts.notices import AlertChanged
from hearback_contracts.sources import FeedbackSource
from hypothesis import given
from hypothesis import strategies as st
from notifier.domain.mail import Envelope, compose, header_text, is_address
from notifier.domain.notice import Notice, Sender, of_alert, of_feedback, of_test, webhook_notice
from notifier.domain.texts import KEYS, LANGUAGES, words
from notifier.service.render_mail import mail_renderer

from ..conftest import NOW, read

PROJECT = ProjectConfig(id=1, slug="web", name="web", organization_id=1, organization_slug="demo")
SENDER = Sender(PROJECT, "https://feedback.example.com/")
RENDER = mail_renderer()
HOSTILE = "<script>alert(1)</script><img src=http://evil.example/x.png onerror=x>\r\nBcc: all@example.com"


def notice(**values: Any) -> Notice:
    return of_feedback(read(**values), SENDER)


def envelope(**values: Any) -> Envelope:
    options: dict[str, Any] = {
        "delivery_id": 7, "sender": "Hearback <hearback@example.com>", "recipient": "ada@example.com",
        "host": "feedback.example.com",
    }  # fmt: skip
    return Envelope(**{**options, **values})


def mail(*notices: Notice, **values: Any) -> EmailMessage:
    more = values.pop("more", 0)
    composed = compose(envelope(**values), notices, RENDER, NOW, more=more)
    read = message_from_bytes(bytes(composed), policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def test_a_mail_says_what_matters_in_both_parts() -> None:
    message = mail(
        notice(name="Ada", contact_email="ada@shop.example", environment="prod", release="1.2", url="https://shop/x",
               tags={"plan": "free"}, associated_event_id="a" * 32, attachments=1),
        reply_to="ada@shop.example",
        unsubscribe_url="https://feedback.example.com/api/0/unsubscribe/t/",
    )  # fmt: skip
    assert message["Subject"] == "[web] WEB-1: User Feedback: The export fails"
    assert message["Reply-To"] == "ada@shop.example"
    assert message["Message-ID"] == "<delivery-7@feedback.example.com>"
    assert message["References"] == "<feedback-2@feedback.example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] == "<https://feedback.example.com/api/0/unsubscribe/t/>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = "https://feedback.example.com/organizations/demo/feedback/?feedbackSlug=web%3A2"
    for kind in ("plain", "html"):
        text = part(message, kind).replace("&#43;", "+")
        for shown in ("The export fails", "Ada", "ada@shop.example", "prod", "1.2", "https://shop/x", "free", link,
                      "a" * 32, "/api/0/unsubscribe/t/"):  # fmt: skip
            assert shown in text, (kind, shown)


@pytest.mark.parametrize("message", ["The export fails", "The export fails\n\nSince Monday.", "fails"])
def test_a_text_says_a_message_once(message: str) -> None:
    title = f"User Feedback: {message.partition(chr(10))[0]}"
    for notices in ([notice(message=message, title=title)], [notice(message=message, title=title), notice()]):
        text = part(mail(*notices), "plain").partition("From:")
        is_short = "\n" not in message
        assert (message in text[0]) is is_short
        assert (message in text[2].partition("Open")[0]) is not is_short


def test_mails_about_one_issue_share_a_thread_and_no_message_id() -> None:
    first, second = mail(notice(), delivery_id=1), mail(notice(), delivery_id=2)
    assert first["References"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]


def test_hostile_content_is_harmless() -> None:
    message = mail(
        notice(title=HOSTILE, message=HOSTILE, name=HOSTILE, url="javascript:alert(1)", environment=HOSTILE,
               contact_email="a@b.c\nBcc: all@example.com", tags={HOSTILE: HOSTILE}),
        reply_to="a@b.c\nBcc: all@example.com",
    )  # fmt: skip
    assert message["Bcc"] is None
    assert message["Reply-To"] is None
    assert "\n" not in message["Subject"]
    html = part(message, "html")
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript:' not in html
    assert 'src="http' not in html


def test_no_mail_loads_anything_from_elsewhere() -> None:
    html = part(mail(notice(message="see https://a.example/x.png")), "html")
    assert "src=" not in html
    assert "url(" not in html
    assert "@import" not in html
    assert "prefers-color-scheme: dark" in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text(language: str) -> None:
    phrases = words(language)
    assert set(phrases) == set(KEYS)
    assert "{project}" in phrases["why"]
    assert "{count}" in phrases["digest"]
    message = mail(notice(name="Ada"), language=language)
    assert phrases["new_feedback"] in part(message, "plain")
    assert f'lang="{language}"' in part(message, "html")
    assert ('dir="rtl"' in part(message, "html")) is (language == "ar")


@pytest.mark.parametrize(
    ("wanted", "key"), [("de-AT", "Neues Feedback"), ("xx", "New feedback"), (None, "New feedback")]
)
def test_a_language_without_texts_is_english(wanted: str | None, key: str) -> None:
    assert words(wanted)["new_feedback"] == key


def test_several_notices_are_a_digest() -> None:
    message = mail(notice(title="First"), notice(title="Second"), more=3)
    assert message["Subject"] == "[web] 5 notices"
    assert message["References"] is None
    for kind in ("plain", "html"):
        text = part(message, kind)
        assert "First" in text
        assert "Second" in text
        assert "3 more are in the inbox." in text


@given(st.text(max_size=400), st.text(max_size=400), st.text(max_size=80), st.text(max_size=80))
def test_every_text_can_be_mailed(title: str, message: str, name: str, contact: str) -> None:
    composed = mail(notice(title=title, message=message, name=name, contact_email=contact), reply_to=contact)
    assert len(composed["Subject"]) < 250
    assert composed.get_body(("plain",)) is not None


def test_no_text_ends_its_part() -> None:
    boundary = str(mail(notice()).get_boundary())
    said = f"Before\n--{boundary}\nContent-Type: text/html\n\n<b>x</b>\n--{boundary}--\nafter"
    message = mail(notice(message=said))
    assert [one.get_content_type() for one in message.iter_parts()] == ["text/plain", "text/html"]
    assert said in part(message, "plain")


LINKED: dict[str, Any] = {
    "reply_to": "ada@shop.example",
    "unsubscribe_url": f"https://feedback.example.com/api/0/unsubscribe/{'t' * 120}/",
}


@pytest.mark.parametrize(
    "title",
    ["Fails", "word " * 31, "Bücher fehlen", "=?utf-8?q?x?=", "x" * 300, "ä " * 80, "a  b", "", " ", "ends "],
)
@pytest.mark.parametrize("more", [0, 3])
def test_headers_are_folded_at_spaces_and_read_as_they_were_set(title: str, more: int) -> None:
    subject = header_text(f"[web] WEB-1: {title}") if not more else "[web] 4 notices"
    composed = compose(envelope(**LINKED), [notice(title=title)], RENDER, NOW, more=more)
    for policy_used in (policy.default, policy.SMTP):
        written = composed.as_bytes(policy=policy_used)
        read = message_from_bytes(written, policy=policy.default)
        assert [*map(str, read.values())] == [*map(str, composed.values())]
        assert read["Subject"] == subject
        head = written.partition(policy_used.linesep.encode() * 2)[0].decode("ascii").split(policy_used.linesep)
        assert [line for line in head if len(line) > 78 and "://" not in line] == []
        assert f"List-Unsubscribe: <{LINKED['unsubscribe_url']}>" in head, "an encoded one is no link"


@pytest.mark.parametrize("language", LANGUAGES)
def test_bodies_are_ascii_lines_that_any_server_takes(language: str) -> None:
    phrases = " ".join(words(language).values())
    written = bytes(compose(envelope(language=language), [notice(message=phrases * 3)], RENDER, NOW))
    assert written.isascii()
    assert max(map(len, written.partition(b"\n\n")[2].splitlines())) <= 76


@given(st.text(max_size=500))
def test_header_texts_are_one_printable_line(text: str) -> None:
    assert header_text(text).isprintable()


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("ada@example.com", True), ("ada+x@mail.example.com", True), ("ada@localhost", False), ("ada", False),
        ("a@b@c.d", False), ("a b@example.com", False), ("ada@example.com\nBcc: x@example.com", False),
        ("Ada <ada@example.com>", False), ("ada@example.com, bob@example.com", False), ("ädä@example.com", False),
        ("@example.com", False), ("", False),
    ],
)  # fmt: skip
def test_addresses(text: str, valid: bool) -> None:
    assert is_address(text) is valid


@pytest.mark.parametrize("language", LANGUAGES)
def test_codes_are_words_of_the_recipients_language(language: str) -> None:
    phrases = words(language)
    for source, key in {
        FeedbackSource.NEW_FEEDBACK_ENVELOPE: "by_widget",
        FeedbackSource.USER_REPORT_ENVELOPE: "by_sdk",
        FeedbackSource.USER_REPORT_DJANGO_ENDPOINT: "by_api",
        FeedbackSource.CRASH_REPORT_EMBED_FORM: "by_dialog",
        FeedbackSource.UPDATE_USER_REPORTS_TASK: "by_late_error",
    }.items():
        message = mail(notice(source=source, is_spam=True), language=language)
        for kind in ("plain", "html"):
            text = part(message, kind).replace("&#39;", "'")
            assert phrases[key] in text
            assert str(source) not in text
        assert f"{phrases['spam']}: {phrases['yes']}" in part(message, "plain")


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("kind", ["discards", "discard_share", "silence"])
@pytest.mark.parametrize("is_firing", [True, False])
def test_an_alert_is_in_words(kind: str, is_firing: bool, language: str) -> None:
    alert = AlertChanged(
        id="a" * 32, occurred_at=NOW, organization_id=1, project_id=1, rule_id=3, name="Losses", kind=kind,
        is_firing=is_firing, value=7, threshold=5, measured_at=NOW,
    )  # fmt: skip
    phrases = words(language)
    state = phrases["firing" if is_firing else "resolved"]
    message = mail(of_alert(alert, SENDER), language=language)
    assert message["Subject"] == f"[web] Losses: {state}"
    assert f"{phrases['watches']}: {phrases[kind]}" in part(message, "plain")


def test_a_test_speaks_the_recipients_language() -> None:
    message = mail(of_test("t", SENDER, NOW), language="de")
    assert message["Subject"] == "[web] Test"
    assert words("de")["test_text"] in part(message, "plain")


def test_a_webhooks_text_is_in_words() -> None:
    spoken = webhook_notice(notice(source=FeedbackSource.CRASH_REPORT_EMBED_FORM, is_spam=True))["text"]
    assert spoken.splitlines()[-2:] == ["Source: Crash-report dialog", "Marked as spam: yes"]
