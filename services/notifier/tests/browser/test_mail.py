"""The HTML part of mails in Chromium, light and dark, narrow and wide: it fits, can be read, and is harmless."""

from email.message import EmailMessage
from typing import Any

import pytest
from hearback_contracts.config import ProjectConfig
from notifier.domain.mail import Envelope, compose
from notifier.domain.notice import Notice, Sender, of_feedback, of_test
from notifier.domain.texts import LANGUAGES
from notifier.service.render_mail import mail_renderer

from ..conftest import NOW, read
from .conftest import Window

PROJECT = ProjectConfig(id=1, slug="web", name="Web", organization_id=1, organization_slug="demo")
PUBLIC = "https://feedback.example.com"
RENDER = mail_renderer()
SCHEMES = ("light", "dark")
WIDTHS = (320, 800)
LONG = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft" * 6
HOSTILE = (
    "</p></td></table><script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)>"
    "<style>@import 'https://evil.example/y';*{display:none}</style>"
    "<meta http-equiv=refresh content='0;url=https://evil.example/z'>"
    "<a href='javascript:alert(3)'>x</a><iframe src=https://evil.example/i></iframe>"
    "{{ 7*7 }}\u202e\u2066right to left"
)


def html_of(*notices: Notice, language: str | None = None, more: int = 0) -> str:
    envelope = Envelope(
        7, "Hearback <h@example.com>", "ada@example.com", "feedback.example.com", language,
        unsubscribe_url=f"{PUBLIC}/unsubscribe/{'t' * 60}/",
    )  # fmt: skip
    message: EmailMessage = compose(envelope, notices, RENDER, NOW, more=more)
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def notice(**values: Any) -> Notice:
    return of_feedback(read(**values), Sender(PROJECT, PUBLIC))


FULL = {
    "name": "Ada Lovelace", "contact_email": "ada@shop.example", "environment": "production",
    "release": "shop@1.2.3", "url": "https://shop.example/checkout?step=3",
    "tags": {"plan": "free", "browser": "Firefox 140"},
    "associated_event_id": "a" * 32, "attachments": 1,
    "message": "The export fails.\n\nEvery time.", "is_spam": True,
}  # fmt: skip
CONTENTS = {
    "plain": [notice()],
    "full": [notice(**FULL)],
    "long": [notice(title=LONG, message=LONG, name=LONG, contact_email=f"{LONG[:60]}@{LONG[:60]}.example",
                    environment=LONG[:60], release=LONG[:200], url=f"https://shop.example/{LONG}",
                    tags={LONG[:60]: LONG[:190]})],
    "hostile": [notice(title=HOSTILE, message=HOSTILE, name=HOSTILE, environment=HOSTILE, release=HOSTILE,
                       url=HOSTILE, tags={HOSTILE[:60]: HOSTILE})],
    "right to left": [notice(title="تعطل التصدير", message="لا يعمل زر الدفع 123 OK", name="علي")],
    "digest": [notice(**FULL), notice(title=LONG), notice(title=HOSTILE, message=HOSTILE)],
    "test": [of_test("t", Sender(PROJECT, PUBLIC), NOW)],
}  # fmt: skip


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_mail_fits_is_legible_and_loads_nothing(
    window: Window, content: str, width: int, scheme: str
) -> None:
    shown = await window.open(width, scheme)
    more = 3 if content == "digest" else 0
    await shown.page.set_content(html_of(*CONTENTS[content], more=more))
    assert await shown.flaws(of_colours=scheme == "dark") == []
    assert (shown.requests, shown.dialogs) == ([], [])
    background = await shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(244, 244, 247)", "dark": "rgb(23, 23, 29)"}[scheme]


async def test_hostile_content_is_text(window: Window) -> None:
    shown = await window.open(800, "light")
    await shown.page.set_content(html_of(*CONTENTS["hostile"]))
    found = await shown.page.evaluate(
        """() => [document.querySelectorAll('script, img, iframe, meta[http-equiv], link, form, object').length,
                  [...document.querySelectorAll('a')].filter(a => !/^https?:$/.test(a.protocol)).length]"""
    )
    assert found == [0, 0]
    text = await shown.page.inner_text("body")
    assert "<script>alert(1)</script>" in text
    assert "{{ 7*7 }}" in text
    assert await shown.page.get_by_text("Unsubscribe").is_visible()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_mail_fits_in_every_language(window: Window, language: str) -> None:
    shown = await window.open(320, "dark")
    await shown.page.set_content(html_of(*CONTENTS["full"], language=language))
    assert await shown.flaws() == []
    assert await shown.page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
