"""The same error falls into one group, whatever changed around it; different errors do not."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hearback_contracts.events import ErrorEventReceived
from user_reports.domain.grouping import group_hash
from user_reports.domain.names import function_name, module_name, parametrized
from user_reports.domain.titles import culprit_of, metadata_of, title_of

NOW = datetime(2026, 11, 24, tzinfo=UTC)
RECORDED = json.loads((Path(__file__).parent.parent / "data" / "events.json").read_text())


def event(**fields: Any) -> ErrorEventReceived:
    values = {
        "id": "0" * 32,
        "occurred_at": NOW,
        "project_id": 1,
        "organization_id": 1,
        "received_at": NOW,
        "event_id": "1" * 32,
        "timestamp": NOW,
    }
    return ErrorEventReceived.model_validate(values | fields)


def frame(function: str | None, module: str | None = "app", **more: Any) -> dict[str, Any]:
    return {"function": function, "module": module, "in_app": True, **more}


def error(*frames: dict[str, Any], kind: str = "ValueError", value: str = "bad") -> ErrorEventReceived:
    return event(exceptions=[{"type": kind, "value": value, "frames": frames}])


def recorded(client: str) -> list[ErrorEventReceived]:
    names = ("platform", "message", "message_template", "fingerprint", "exceptions", "transaction", "level")
    return [event(**{n: e[n] for n in names if e[n] is not None}) for e in RECORDED if e["client"] == client]


def recorded_error(client: str) -> ErrorEventReceived:
    (found,) = [e for e in recorded(client) if e.exceptions]
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("node-sdk-7", "node-sdk-10"),
        ("browser-sdk-7-feedback", "browser-sdk-10-feedback"),
        ("browser-sdk-7-report-dialog", "browser-sdk-10-report-dialog"),
    ],
)
def test_recorded_error_of_two_sdk_versions_is_one_group(one: str, other: str) -> None:
    assert group_hash(recorded_error(one)) == group_hash(recorded_error(other))


def test_recorded_errors_of_different_programs_are_different_groups() -> None:
    clients = ("node-sdk-10", "browser-sdk-10-feedback", "go-sdk-0.11", "ruby-sdk-5.3", "python-raven-6.10")
    hashes = {group_hash(recorded_error(client)) for client in clients}
    assert len(hashes) == len(clients)


def test_every_recorded_event_has_a_group_that_a_copy_shares() -> None:
    for one in RECORDED:
        names = ("message", "message_template", "fingerprint", "exceptions")
        first = event(**{n: one[n] for n in names if one[n] is not None})
        again = first.model_copy(
            update={
                "event_id": "2" * 32,
                "platform": "other",
                "sdk": "some.sdk/9",
                "release": "app@2",
                "environment": "elsewhere",
                "tags": {"a": "b"},
            }
        )
        assert group_hash(first) == group_hash(again)


def test_lines_and_folders_do_not_count() -> None:
    one = error(frame("run", None, filename="/srv/releases/41/app/main.js"))
    other = error(frame("run", None, filename="/srv/releases/42/app/main.js"))
    assert group_hash(one) == group_hash(other)


def test_value_of_an_exception_with_frames_does_not_count() -> None:
    assert group_hash(error(frame("run"), value="user 1")) == group_hash(error(frame("run"), value="other"))


def test_frames_outside_the_app_do_not_count() -> None:
    library = {"function": "dispatch", "module": "framework", "in_app": False}
    newer = {"function": "dispatch_request", "module": "framework.core", "in_app": False}
    assert group_hash(error(library, frame("run"))) == group_hash(error(newer, frame("run")))


def test_all_frames_count_when_none_is_in_app() -> None:
    one = error({"function": "a", "module": "m", "in_app": False})
    other = error({"function": "b", "module": "m", "in_app": False})
    assert group_hash(one) != group_hash(other)


@pytest.mark.parametrize(
    "other",
    [
        error(frame("run"), kind="KeyError"),
        error(frame("walk")),
        error(frame("run", "lib")),
        error(frame("main"), frame("run")),
        error(),
        event(message="bad"),
        event(),
    ],
)
def test_different_errors_are_different_groups(other: ErrorEventReceived) -> None:
    assert group_hash(error(frame("run"))) != group_hash(other)


def test_recursion_counts_once() -> None:
    assert group_hash(error(*[frame("walk")] * 3)) == group_hash(error(*[frame("walk")] * 40))


def test_chain_counts_every_type() -> None:
    inner = {"type": "KeyError", "value": "x", "frames": [frame("get")]}
    outer = {"type": "ValueError", "value": "y", "frames": [frame("run")]}
    assert group_hash(event(exceptions=[inner, outer])) != group_hash(event(exceptions=[outer]))


def test_exception_without_frames_groups_by_its_parametrized_value() -> None:
    assert group_hash(error(value="order 17 failed")) == group_hash(error(value="order 99 failed"))
    assert group_hash(error(value="order 17 failed")) != group_hash(error(value="payment 17 failed"))


def test_template_counts_before_the_message() -> None:
    one = event(message="hello Ada", message_template="hello %s")
    other = event(message="hello Grace", message_template="hello %s")
    assert group_hash(one) == group_hash(other)


def test_explicit_fingerprint_decides() -> None:
    mine = {"fingerprint": ["mine"]}
    assert group_hash(event(message="a", **mine)) == group_hash(event(message="b", **mine))
    assert group_hash(event(message="a", **mine)) != group_hash(event(message="a", fingerprint=["mine", "2"]))
    assert group_hash(event(message="a", **mine)) != group_hash(event(message="a"))


@pytest.mark.parametrize("default", ["{{ default }}", "{{default}}", "{{  default  }}"])
def test_default_fingerprint_stands_for_the_error_itself(default: str) -> None:
    assert group_hash(event(message="a", fingerprint=[default])) == group_hash(event(message="a"))
    one = event(message="a", fingerprint=[default, "x"])
    other = event(message="b", fingerprint=[default, "x"])
    assert group_hash(one) != group_hash(other)
    assert group_hash(one) == group_hash(event(message="a", fingerprint=["{{ default }}", "x"]))


def test_parts_cannot_be_confused() -> None:
    assert group_hash(event(fingerprint=["ab", "c"])) != group_hash(event(fingerprint=["a", "bc"]))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("took 12.5 s", "took <number> s"),
        ("took 12,5 s and -3", "took <number> s and <number>"),
        ("user 3f2504e0-4f89-11d3-9a0c-0305e82c3301 gone", "user <uuid> gone"),
        ("at 0x7ffee4 in main", "at <hex> in main"),
        ("commit 9fceb02d0ae598e95dc970b74767f19372d61af8", "commit <hex>"),
        ("GET https://example.com/a?b=1 failed", "GET <url> failed"),
        ("mail to ada@example.com bounced", "mail to <email> bounced"),
        ("connect 10.0.0.12:5432 refused", "connect <ip>:<number> refused"),
        ("since 2026-11-24T10:00:00Z", "since <date>"),
        ("utf8 and py3 and x86_64 stay", "utf8 and py3 and x86_64 stay"),
        ("words  only\nhere", "words only here"),
        ("deadbeef facade", "deadbeef facade"),
    ],
)
def test_parametrized_message(message: str, expected: str) -> None:
    assert parametrized(message) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Object.?", "Object.<anonymous>"),
        ("?", "<anonymous>"),
        (None, "anonymous"),
        ("Foo.bar [as baz]", "Foo.bar"),
        ("async load", "load"),
        ("Svc$$EnhancerBySpringCGLIB$$3a1b2c4d.run", "Svc$$EnhancerBySpringCGLIB$$99887766.run"),
        ("Main$$Lambda$14/0x0001.call", "Main$$Lambda$99/0xffee.call"),
        ("lambda$12", "lambda$13"),
        ("sub_0x4012ab", "sub_0x99aa00"),
        ("handler_4f3a9b21c", "handler_0a1b2c3d4"),
    ],
)
def test_generated_function_names_are_one(one: str | None, other: str | None) -> None:
    assert function_name(one) == function_name(other)


def test_different_function_names_stay_different() -> None:
    assert len({function_name(name) for name in ("run", "run2", "walk", "Object.run", "decode")}) == 5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.example/static/main.3f2a1b9c.js", "https://b.example/static/main.99ee11aa.js"),
        ("/assets/index-BxY3kP0q.js", "/assets/index-Cz91LmQ2.js"),
        ("app:///main.js?v=12", "app:///main.js"),
        ("webpack:///./src/app.ts", "./src/app.ts"),
        ("/srv/app/main.min.js", "/srv/app/main.js"),
        ("<anonymous>", ""),
        ("chunk-7f3a9b2c1d.js", "chunk-1234567ab.js"),
    ],
)
def test_built_file_names_are_one(one: str, other: str) -> None:
    assert module_name(None, one) == module_name(None, other)


def test_different_files_stay_different() -> None:
    names = ("main.js", "index.js", "user-settings.js", "page2.js", "base64.js", "sha256.js")
    assert len({module_name(None, name) for name in names}) == len(names)


def test_module_holds_over_the_file() -> None:
    assert module_name("shop.cart", "a.py") == module_name("shop.cart", "b.py") == "shop.cart"


HOSTILE = ("-", "a", "1.", "$$", "a@", "0x", " ", "[as ", "[as x]", ".min", "-aA1", "_f0", "?")


@pytest.mark.timeout(60)  # quadratic, it takes minutes
@pytest.mark.parametrize("part", HOSTILE)
@pytest.mark.parametrize("end", ["!", "]", ".js"])
def test_hostile_names_are_read_in_linear_time(part: str, end: str) -> None:
    text = "a" + part * (400_000 // len(part)) + end
    assert group_hash(event(message=text)) != ""
    assert group_hash(error(frame(text, text))) != ""
    assert group_hash(error({"function": text, "filename": text})) != ""


def test_what_a_group_is_called_has_a_bound_however_long_the_names_of_its_event() -> None:
    long = "x" * 100_000
    frame = {"filename": long, "function": long, "module": long, "in_app": True}
    occurred = event(exceptions=[{"type": long, "value": long, "frames": [frame]}])
    called = [title_of(occurred), culprit_of(occurred), *metadata_of(occurred).values()]
    assert len(called) == 6
    assert max(map(len, called)) <= 1_024
