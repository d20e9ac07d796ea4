"""The pages of the delivery log, as a browser without scripts uses them."""

from typing import Any

import pytest
from hearback_kit.values.ids import new_id
from pydantic import SecretStr

from ..conftest import ADA, BOB, Api, Mailbox, feedback
from ..consumers.test_feedback_created import take
from .conftest import Person

HOSTILE = "<img src=x onerror=alert(1)>"


async def test_the_log_says_what_was_sent_to_whom(api: Api, owner: Person, smtp: str, mailbox: Mailbox) -> None:
    assert "Nothing was sent yet" in await owner.get("deliveries/")
    mailbox.recipient_answers[BOB.email] = "550 5.1.1 no such user"
    content = feedback(title=HOSTILE, message=f"The export fails {HOSTILE}", name="Jane")
    await take(api.notifier, content)
    assert "Waiting" in await owner.get("deliveries/")
    await api.notifier.deliverer(smtp_url=SecretStr(smtp)).run_once()
    shown = await owner.get("deliveries/")
    for text in (
        ADA.email,
        BOB.email,
        "The export fails",
        "Member",
        "Sent",
        "Refused",
        "Queued",
        "550 5.1.1",
        "Switched off",
    ):
        assert text in shown
    assert HOSTILE not in shown
    to_ada, to_bob = await api.notifier.deliveries()
    page = await owner.get(f"deliveries/{to_ada.id}/")
    for text in ("The export fails", "Jane", "Queued", "a member's alerts", "Send again"):
        assert text in page
    assert HOSTILE not in page
    assert "switched off: 550" in (await owner.get(f"deliveries/{to_bob.id}/")).replace("&#39;", "'")


async def test_filters(api: Api, owner: Person, smtp: str) -> None:
    first, second = feedback(), feedback()
    await take(api.notifier, first)
    await api.notifier.deliverer(smtp_url=SecretStr(smtp)).run_once()
    await take(api.notifier, second)

    async def count(query: str) -> int:
        return (await owner.get(f"deliveries/{query}")).count('class="what"')

    assert await count("") == 4
    assert await count("?state=sent") == 2
    assert await count("?state=pending") == 2
    assert await count("?state=") == 4
    assert await count("?query=ADA%40") == 2
    assert await count("?query=%25") == 0
    assert await count(f"?query={second.event_id}") == 2
    assert await count(f"?query={first.event_id}&state=pending") == 0
    assert "Nothing matches" in await owner.get("deliveries/?query=unknown")


async def test_pages_lead_forth_and_back(api: Api, owner: Person) -> None:
    await take(api.notifier, *(feedback() for _ in range(60)))

    def link(text: str, rel: str) -> str | None:
        part = text.partition(f'rel="{rel}" href="')[2]
        return part.partition('"')[0].replace("&amp;", "&") or None

    first = await owner.get("deliveries/")
    following = link(first, "next")
    assert following is not None
    assert link(first, "prev") is None
    second = await owner.get(following)
    third = await owner.get(link(second, "next") or "")
    assert [text.count('class="what"') for text in (first, second, third)] == [50, 50, 20]
    assert link(third, "next") is None
    assert (await owner.get(link(third, "prev") or "")).count('class="what"') == 50


async def test_sending_again_and_switching_on(api: Api, owner: Person, smtp: str, mailbox: Mailbox) -> None:
    mailbox.recipient_answers[ADA.email] = "550 full"
    await take(api.notifier, feedback())
    deliverer = api.notifier.deliverer(smtp_url=SecretStr(smtp))
    await deliverer.run_once()
    mailbox.recipient_answers.clear()
    await owner.post("deliveries/resume/", page="deliveries/", destination=f"email:{ADA.email}")
    assert "Switched off" not in await owner.get("deliveries/")
    [to_ada, _] = await api.notifier.deliveries()
    path = f"deliveries/{to_ada.id}/"
    answer = await owner.post(f"{path}resend/", page=path)
    assert answer.headers["location"].endswith(path)
    assert "Waiting" in await owner.get(path)
    await owner.post(f"{path}resend/", page="alerts/new/")  # a second click, while it is on its way
    await deliverer.run_once()
    assert len(mailbox.to(ADA.email)) == 1
    assert "Queued" in await owner.get(path, headers={"HX-Request": "true"})


@pytest.mark.parametrize("key", ["email:eve@example.com", "", "nonsense"])
async def test_only_what_the_project_sends_to_is_switched_on(owner: Person, key: str) -> None:
    await owner.post("deliveries/resume/", 404, page="alerts/new/", destination=key)


async def test_a_viewer_reads_and_changes_nothing(api: Api, viewer: Person, owner: Person) -> None:
    await take(api.notifier, feedback())
    [first, _] = await api.notifier.deliveries()
    for path in ("deliveries/", f"deliveries/{first.id}/"):
        assert 'method="post"' not in (await viewer.get(path)).split("<main")[1]
    await viewer.post(f"deliveries/{first.id}/resend/", 403)
    await viewer.post("deliveries/resume/", 403, destination=first.destination)


@pytest.mark.parametrize("path", ["deliveries/", "alerts/"])
async def test_strangers_see_nothing(api: Api, owner: Person, path: str) -> None:
    stranger: Any = Person(api.client, api.app.state.callers.add("session", tenants={2: "owner"}))
    await stranger.get(path, 404)
    await Person(api.client, new_id()).get(path, 303)
    await owner.get(f"{path}9223372036854775807/", 404)
