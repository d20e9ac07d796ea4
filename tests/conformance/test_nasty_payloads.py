"""Nothing that a stranger can send is poison: each payload is stored or refused with a reason, none is buried."""

import json
import uuid
from typing import Any

import httpx
import pytest

FEEDBACK = {"contexts": {"feedback": {"message": "It is slow"}}}
REPORT = {"comments": "It broke", "name": "Jane", "email": "jane@example.com"}
EVENT = {"message": "the cart broke", "level": "error"}
CLIENT_REPORT = {"discarded_events": [{"reason": "x", "category": "error", "quantity": 1}]}
ITEMS = {"feedback": FEEDBACK, "user_report": REPORT, "event": EVENT, "client_report": CLIENT_REPORT}
HUGE = "9" * 400


def deep(depth: int, inner: str, left: str, right: str) -> str:
    return left * depth + inner + right * depth


# Values that are put in the place of every field, as JSON text.
VALUES = {
    "nul": r'"a\u0000b"',
    "only nul": r'"\u0000"',
    "lone surrogate": r'"\ud800"',
    "half a pair before a nul": r'"\ud83d\u0000\ude00"',
    "half a character": '"a\udcf0\udc9f"',  # bytes, see `placed`
    "raw line break": '"a\n\tb"',
    "backslash before nul": r'"\\\u0000"',
    "null": "null",
    "true": "true",
    "huge integer": HUGE,
    "huge negative": "-" + HUGE,
    "huge exponent": "1e999",
    "tiny exponent": "1e-999",
    "64 bits": str(2**64 - 1),
    "a day in the year 10000": '"10000-01-01T00:00:00Z"',
    "not a number": "NaN",
    "list": "[]",
    "object": "{}",
    "list of nulls": "[null, null]",
    "object with a nul for a key": r'{"\u0000": {"\u0000": "\u0000"}}',
    "long": json.dumps("x" * 100_000),
    "emoji": json.dumps("👩‍👩‍👧" * 300),
    "controls": json.dumps("".join(map(chr, range(32)))),
    **{f"{depth} lists with a nul": deep(depth, r'"\u0000"', "[", "]") for depth in (260, 1010, 3000)},
    **{f"{depth} objects": deep(depth, "1", '{"a":', "}") for depth in (260, 1010, 3000)},
}
# No client means these, and what holds them is read: NaN becomes null, half a pair `?`, a byte that is no UTF-8
# U+FFFD; control characters stay.
READ_ALL_THE_SAME = ("lone surrogate", "half a character", "raw line break", "not a number", "huge exponent")
PATHS: dict[str, list[tuple[str, ...]]] = {
    "feedback": [
        ("contexts",),
        ("contexts", "feedback"),
        *(
            ("contexts", "feedback", name)
            for name in ("message", "name", "contact_email", "url", "associated_event_id", "replay_id", "source")
        ),
        *(
            (name,)
            for name in ("tags", "user", "timestamp", "environment", "release", "dist", "platform", "level")
        ),
        *(
            (name,)
            for name in ("sdk", "request", "extra", "event_id", "breadcrumbs", "modules", "unknown", "server_name")
        ),
        ("user", "email"),
        ("tags", "x"),
        ("request", "url"),
    ],
    "user_report": [(name,) for name in ("comments", "name", "email", "event_id", "unknown")],
    "event": [
        *((name,) for name in ("tags", "user", "timestamp", "environment", "release", "exception", "message")),
        *(
            (name,)
            for name in ("logentry", "fingerprint", "contexts", "level", "platform", "request", "transaction")
        ),
        ("exception", "values"),
        ("user", "id"),
        ("contexts", "trace"),
        ("tags", "x"),
    ],
    "client_report": [("timestamp",), ("discarded_events",), ("rate_limited_events",), ("unknown",)],
}

TEXTS = {
    "feedback": ("contexts.feedback.message", "contexts.feedback.name", "tags.x"),
    "user_report": ("comments", "name", "email"),
}


def placed(item_type: str, path: tuple[str, ...], value: str) -> bytes:
    """The item's payload with a value in one place."""
    payload = json.loads(json.dumps(ITEMS[item_type]))
    within = payload
    for name in path[:-1]:
        within = within.setdefault(name, {})
    within[path[-1]] = "PLACE"
    return json.dumps(payload).replace('"PLACE"', value).encode("utf-8", "surrogateescape")


def envelopes_of(project: Any) -> str:
    return f"{project.url}/api/{project.project_id}/envelope/?sentry_key={project.public_key}"


def buried(fleet: Any) -> dict[str, int]:
    fleet.settle()
    found = fleet.status()["services"]
    return {one["name"]: one["dead_letters"] for one in found if one["dead_letters"]}


def states(project: Any) -> dict[str, str]:
    """The state of every submission, page by page."""
    path = f"/api/0/projects/{project.organization}/{project.project}/submissions/"
    found: dict[str, str] = {}
    params = {"per_page": "100"}
    while True:
        answer = project.http.get(path, params=params)
        found |= {row["id"]: row["state"] for row in answer.json()}
        following = answer.links["next"]
        if following["results"] != "true":
            return found
        params["cursor"] = following["cursor"]


@pytest.mark.timeout(480)
@pytest.mark.parametrize("item_type", list(ITEMS))
def test_no_payload_is_poison(fleet: Any, project: Any, item_type: str) -> None:
    before = buried(fleet)
    sent: dict[str, str] = {}
    with httpx.Client() as client:
        for path in PATHS[item_type]:
            for name, value in VALUES.items():
                event_id = uuid.uuid4().hex
                payload = placed(item_type, path, value)
                heads = f'{{"event_id":"{event_id}"}}\n{{"type":"{item_type}","length":{len(payload)}}}\n'
                answer = client.post(envelopes_of(project), content=heads.encode() + payload)
                assert answer.status_code == 200, (path, name, answer.text)
                sent[event_id] = f"{'.'.join(path)} = {name}"
    assert buried(fleet) == before
    if item_type in {"feedback", "user_report"}:
        fates = states(project)
        assert set(fates) == set(sent)
        undecided = {sent[one]: state for one, state in fates.items() if state in {"accepted", "dropped"}}
        assert undecided == {}
        kept = [f"{name} = {value}" for name in ("unknown", *TEXTS[item_type]) for value in READ_ALL_THE_SAME]
        lost = {name: fates[one] for one, name in sent.items() if name in kept and fates[one] == "invalid"}
        assert lost == {}


HEADS = ("sdk", "sent_at", "trace", "event_id", "unknown")
ITEM_HEADS = ("filename", "content_type", "attachment_type", "item_count", "platform", "unknown")


@pytest.mark.timeout(480)
def test_no_header_is_poison(fleet: Any, project: Any) -> None:
    before = buried(fleet)
    url = envelopes_of(project)
    items = b'{"type":"feedback"}\n' + json.dumps(FEEDBACK).encode() + b'\n{"type":"attachment"PLACE}\nx'
    with httpx.Client() as client:
        for value in VALUES.values():
            for name in HEADS:
                head = f'{{"event_id":"{uuid.uuid4().hex}","{name}":{value}}}\n'
                content = head.encode("utf-8", "surrogateescape") + items.replace(b"PLACE", b"")
                assert client.post(url, content=content).status_code in {200, 400}
            for name in ITEM_HEADS:
                header = f',"{name}":{value}'.encode("utf-8", "surrogateescape")
                content = b"{}\n" + items.replace(b"PLACE", header)
                assert client.post(url, content=content).status_code in {200, 400}
    assert buried(fleet) == before


@pytest.mark.timeout(480)
def test_no_report_of_an_older_sdk_is_an_error(fleet: Any, project: Any) -> None:
    before = buried(fleet)
    path = f"/api/0/projects/{project.organization}/{project.project}/user-feedback/"
    for place in PATHS["user_report"]:
        for name, value in VALUES.items():
            body = placed("user_report", place, value).replace(
                b"{", b'{"event_id":"%s",' % uuid.uuid4().hex.encode(), 1
            )
            answer = project.http.post(path, content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code in {200, 400, 413}, (place, name, answer.text)
    assert buried(fleet) == before
