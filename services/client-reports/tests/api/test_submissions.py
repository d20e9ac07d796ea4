"""The API of fates."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from client_reports.domain.counting import Effects
from client_reports.domain.journal import RecordedStep, SubmissionKey
from client_reports.domain.submission_status import Step
from hearback_contracts.outcomes import SubmissionState as State
from hearback_kit.api.paging import encode_cursor
from hearback_kit.bus.read_barrier import ReadBarrier

PATH = "/api/0/projects/demo/web/submissions/"


async def record(
    store: Any,
    seconds: float,
    state: State,
    *,
    submission_id: str | None = None,
    project_id: int = 1,
    organization_id: int = 1,
    step: str | None = None,
    **more: Any,
) -> str:
    submission_id = submission_id or uuid4().hex
    now = store.clock.now()
    taken = Step(now + timedelta(seconds=seconds), "feedback", step or f"was_{state}", state, **more)
    recorded = RecordedStep(organization_id, SubmissionKey(project_id, submission_id), taken)
    await store.recorder().record([Effects(uuid4(), now, (), (recorded,))])
    return submission_id


async def test_a_fate_by_any_spelling_of_its_id(api: Any) -> None:
    known = await record(api.store, 0, State.FILTERED, reason="empty", source="user_report_envelope")
    dashed, at = str(UUID(known)), "2026-11-24T12:34:56.000000Z"
    step = {"at": at, "service": "feedback", "step": "was_filtered", "reason": "empty"}
    for spelling in (known, known.upper(), dashed, dashed.upper()):
        found = await api.get(f"{PATH}{spelling}/")
        assert found == {
            "id": known,
            "source": "user_report_envelope",
            "state": "filtered",
            "reason": "empty",
            "receivedAt": at,
            "feedbackId": None,
            "payload": None,
            "steps": [step],
        }


async def test_what_waits_to_be_recorded_is_recorded_before_an_undecided_fate_is_shown(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = await record(api.store, 0, State.ACCEPTED)
    asked = []

    async def catch_up(_: ReadBarrier) -> None:
        asked.append(known)
        await record(api.store, 1, State.STORED, submission_id=known)

    monkeypatch.setattr(ReadBarrier, "catch_up", catch_up)
    for _ in range(2):  # what is decided is answered at once
        assert (await api.get(f"{PATH}{known}/"))["state"] == "stored"
    assert asked == [known]


async def test_a_step_says_what_led_to_it(api: Any) -> None:
    details = ("link_density", "word:backlinks")
    known = await record(api.store, 0, State.SPAM, reason="spam", details=details)
    await record(api.store, 1, State.STORED, submission_id=known)
    steps = (await api.get(f"{PATH}{known}/"))["steps"]
    assert steps[0]["details"] == ["link_density", "word:backlinks"]
    assert "details" not in steps[1]


@pytest.mark.parametrize("unknown", ["0123456789abcdef0123456789abcdef", "nonsense", "0", "%27", "é"])
async def test_what_never_came_is_404(api: Any, unknown: str) -> None:
    await record(api.store, 0, State.STORED)
    await api.get(f"{PATH}{unknown}/", 404)


async def test_the_all_zero_id_stands_for_the_newest_report_on_no_event(api: Any) -> None:
    await api.get(f"{PATH}{'0' * 32}/", 404)
    await record(api.store, 0, State.STORED, step="no_event")
    newest = await record(api.store, 1, State.STORED, step="no_event")
    await record(api.store, 2, State.STORED)
    await record(api.store, 3, State.STORED, step="no_event", project_id=2)
    assert (await api.get(f"{PATH}{'0' * 32}/"))["id"] == newest


async def test_filters(api: Any) -> None:
    first = await record(api.store, 0, State.STORED, source="new_feedback_envelope", submission_id="ab" * 16)
    second = await record(
        api.store, 1, State.FILTERED, source="user_report_envelope", reason="empty", submission_id="ac" * 16
    )
    third = await record(
        api.store,
        2,
        State.INVALID,
        source="user_report_envelope",
        reason="Missing comments",
        submission_id="b" * 32,
    )

    async def ids(**filters: Any) -> list[str]:
        return [row["id"] for row in await api.get(PATH, **filters)]

    assert await ids() == [third, second, first]
    assert await ids(state="stored") == [first]
    assert await ids(state=["stored", "invalid"]) == [third, first]
    assert await ids(source="user_report_envelope") == [third, second]
    assert await ids(reason="Missing comments") == [third]
    assert await ids(reason="%") == []
    assert await ids(query="A") == [second, first]
    assert await ids(query="ab") == [first]
    assert await ids(id=str(UUID(first))) == [first]
    assert await ids(query=str(UUID(first))[:12].upper()) == [first]
    assert await ids(query="a_") == []
    assert await ids(query="CA") == [second]
    assert await ids(query="bab", state="stored") == [first]
    assert await ids(query="bab", state="invalid") == []
    assert await ids(query="ba", per_page="1") == [first]
    assert await ids(state="invalid", source="user_report_envelope", reason="empty") == []


WRONG: list[dict[str, Any]] = [
    {"state": "nonsense"}, {"state": ["stored", ""]}, {"source": "x"}, {"per_page": 0}, {"per_page": 101},
    {"limit": 0}, {"limit": 101}, {"cursor": "!"}, {"cursor": encode_cursor(["1", "a"], backward=False)},
    {"cursor": encode_cursor([1.5, "a"], backward=False)}, {"cursor": encode_cursor([1, 2], backward=False)},
    {"cursor": encode_cursor([1, "a\x00"], backward=True)},
    {"cursor": encode_cursor(["9999-12-31T23:59:59-10:00", "a"], backward=False)},
    {"cursor": encode_cursor([1], backward=False)}, {"reason": "a\x00"}, {"query": "\x00"}, {"id": "\x00"},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
async def test_wrong_questions_are_400(api: Any, wrong: dict[str, Any]) -> None:
    await record(api.store, 0, State.STORED)
    assert set(await api.get(PATH, 400, **wrong)) == {"detail", "code"}


async def test_an_id_with_a_null_character_is_400(api: Any) -> None:
    await api.get(f"{PATH}a%00/", 400)


async def test_limit_is_another_name_of_per_page(api: Any) -> None:
    for number in range(3):
        await record(api.store, number, State.STORED)
    assert len(await api.get(PATH, limit=2)) == 2
    assert len(await api.get(PATH, limit=2, per_page=1)) == 1


async def test_pages_lead_there_and_back(api: Any) -> None:
    wanted = [await record(api.store, number // 2, State.STORED) for number in range(7)]
    everything = [row["id"] for row in await api.get(PATH)]
    assert set(everything) == set(wanted)
    pages, parameters = [], {"per_page": "3", "state": "stored"}
    response = await api.client.get(PATH, params=parameters)
    assert 'rel="previous"; results="false"' in response.headers["link"]
    while True:
        pages.append([row["id"] for row in response.json()])
        if response.links["next"]["results"] == "false":
            break
        response = await api.client.get(response.links["next"]["url"])
        assert response.links["previous"]["results"] == "true"
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [one for page in pages for one in page] == everything
    back = await api.client.get(response.links["previous"]["url"])
    assert [row["id"] for row in back.json()] == pages[1]
    first = await api.client.get(back.links["previous"]["url"])
    assert [row["id"] for row in first.json()] == pages[0]
    assert first.links["previous"]["results"] == "false"


async def test_tenants_see_only_their_own(api: Any) -> None:
    theirs = await record(api.store, 0, State.STORED, project_id=3, organization_id=2)
    path = "/api/0/projects/organization-2/project-3/submissions/"
    await api.get(f"{PATH}{theirs}/", 404)
    assert await api.get(PATH) == []
    for hidden in (path, f"{path}{theirs}/", "/api/0/projects/demo/project-3/submissions/"):
        await api.get(hidden, 404)
    owner = api.caller(tenants={2: "owner"})
    found = await api.client.get(f"{path}{theirs}/", headers=owner)
    assert found.json()["id"] == theirs
    assert (await api.client.get(PATH, headers=owner)).status_code == 404
    powerless = api.caller(scopes=("member:read",))
    assert (await api.client.get(PATH, headers=powerless)).status_code == 403
    assert (await api.client.get(PATH, headers={"Authorization": "Bearer x"})).status_code == 401
