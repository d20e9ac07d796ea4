"""Each flag is turned off and on under traffic, and every service obeys within moments, without a restart."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

WaitUntil = Callable[..., Any]
SPAM = "CHEAP PILLS! Buy viagra online, online casino bonus http://pills.top http://casino.bet earn money"


@pytest.fixture
def busy(fleet: Any) -> Iterator[Any]:
    """A project of an organization of its own, which receives feedback all the time."""
    project = fleet.new_project(organization=f"o{uuid.uuid4().hex[:10]}")
    stop = threading.Event()

    def traffic() -> None:
        while not stop.wait(0.02):
            send(project, f"Traffic {uuid.uuid4().hex}")

    thread = threading.Thread(target=traffic)
    thread.start()
    yield project
    stop.set()
    thread.join()


def send(project: Any, message: str) -> str:
    event_id = uuid.uuid4().hex
    payload = {"platform": "javascript", "contexts": {"feedback": {"message": message}}}
    answer = project.send(({"type": "feedback"}, json.dumps(payload).encode()), header={"event_id": event_id})
    assert answer.status_code in {200, 403, 429}, answer.text
    return event_id


def set_flag(project: Any, name: str, value: bool) -> None:
    path = f"/api/0/organizations/{project.organization}/"
    answer = project.http.put(path, json={"features": {f"organizations:{name}": value}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["features"][f"organizations:{name}"] is value


def state_of(project: Any, wait_until: WaitUntil, message: str = "The words") -> tuple[str, str | None]:
    """State and reason of a feedback that is sent now, once it is settled."""
    event_id = send(project, message)
    settled = {"stored", "spam", "filtered", "invalid", "dropped", "rate_limited"}
    fate = wait_until(lambda: (found := project.submission(event_id)) and found["state"] in settled and found)
    return fate["state"], fate["reason"]


def test_ingestion(busy: Any, wait_until: WaitUntil) -> None:
    for value in (False, True, False, True):
        set_flag(busy, "user-feedback-ingest", value)

        def obeys(value: bool = value) -> bool:
            state, reason = state_of(busy, wait_until)
            if not value:
                return state != "stored" and reason == "feature_disabled"
            return state == "stored"

        wait_until(obeys)


def test_visibility(busy: Any, wait_until: WaitUntil) -> None:
    wait_until(busy.issues)
    for value in (False, True, False, True):
        set_flag(busy, "feedback-visible", value)
        wait_until(lambda value=value: bool(busy.issues()) is value)


def test_spam_filter(busy: Any, wait_until: WaitUntil) -> None:
    for value in (True, False, True):
        set_flag(busy, "user-feedback-spam-filter-ingest", value)
        set_flag(busy, "user-feedback-spam-filter-actions", True)
        wanted = "spam" if value else "stored"
        wait_until(lambda wanted=wanted: state_of(busy, wait_until, f"{SPAM} {uuid.uuid4().hex}")[0] == wanted)


def test_the_pages_flag_is_shown_by_the_api(busy: Any) -> None:
    for value in (False, True):
        set_flag(busy, "user-feedback-ui", value)
