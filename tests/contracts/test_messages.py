"""Messages: their schemas are committed as declared, and a version never changes under its readers."""

import copy
import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal

import orjson
import pytest
from hearback_contracts.catalog import MESSAGES
from hearback_contracts.events import FeedbackSubmitted, Message, Part
from hearback_contracts.streams import STREAMS
from hearback_local.generate.schema_changes import breaking_changes
from pydantic import Field

ROOT = Path(__file__).resolve().parents[2]


def committed_path(message: type[Message]) -> str:
    return f"shared/contracts/events/{message.TYPE}.v{message.model_fields['version'].default}.json"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_a_message_keeps_to_its_committed_schema(message):
    committed = orjson.loads((ROOT / committed_path(message)).read_bytes())
    assert breaking_changes(committed, message.model_json_schema()) == []


@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="an archive without its history"
)
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_a_message_keeps_to_its_schema_of_the_last_commit(message):
    name = committed_path(message)
    shown = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=ROOT, capture_output=True, check=False)
    if shown.returncode == 0:  # else the message is new
        assert breaking_changes(orjson.loads(shown.stdout), message.model_json_schema()) == []


def test_every_stream_has_its_message_and_every_message_its_stream():
    assert {stream.name for stream in STREAMS} == {message.TYPE for message in MESSAGES}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_messages_are_frozen_and_tolerate_what_they_do_not_know(message):
    assert message.model_config["frozen"]
    assert message.model_config["extra"] == "ignore"
    assert message.model_fields["type"].default == message.TYPE


class Inner(Part):
    """A piece."""

    colour: Literal["red", "blue"]
    note: str | None = None


class Sample(Part):
    """A message."""

    id: str
    count: int = 0
    inner: Inner
    pieces: tuple[Inner, ...] = ()
    tags: dict[str, str] = Field(default={})


def changed(change) -> list[str]:
    new: dict[str, Any] = copy.deepcopy(Sample.model_json_schema())
    change(new)
    return breaking_changes(Sample.model_json_schema(), new)


def test_an_unchanged_message_breaks_no_one():
    assert changed(lambda _: None) == []


def test_new_optional_fields_and_new_words_break_no_one():
    def change(new):
        new["properties"]["more"] = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
        new["$defs"]["Inner"]["properties"]["more"] = {"type": "integer", "default": 0}
        new["properties"]["id"]["description"] = "Another word for it."
        new["$defs"]["Renamed"] = new["$defs"].pop("Inner")
        new["properties"]["inner"]["$ref"] = new["properties"]["pieces"]["items"]["$ref"] = "#/$defs/Renamed"

    assert changed(change) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda new: new["properties"].pop("count"), ["count: removed"]),
        (
            lambda new: new["$defs"]["Inner"]["properties"].pop("note"),
            ["inner.note: removed", "pieces[].note: removed"],
        ),
        (
            lambda new: (new["properties"].update(more={"type": "string"}), new["required"].append("more")),
            ["more: new and required"],
        ),
        (lambda new: new["required"].append("count"), ["count: became required"]),
        (lambda new: new["required"].remove("id"), ["id: became optional"]),
        (
            lambda new: new["properties"]["id"].update(type="integer"),
            ["id: type changed from 'string' to 'integer'"],
        ),
        (lambda new: new["properties"]["id"].update(maxLength=9), ["id: maxLength changed from None to 9"]),
        (lambda new: new["properties"]["count"].update(default=1), ["count: default changed from 0 to 1"]),
        (
            lambda new: new["$defs"]["Inner"]["properties"]["note"]["anyOf"].pop(),
            [
                "inner.note: the alternatives of its type changed",
                "pieces[].note: the alternatives of its type changed",
            ],
        ),
        (
            lambda new: new["$defs"]["Inner"]["properties"]["colour"]["enum"].append("green"),
            [
                f"{place}.colour: enum changed from ['red', 'blue'] to ['red', 'blue', 'green']"
                for place in ("inner", "pieces[]")
            ],
        ),
        (
            lambda new: new["properties"]["tags"]["additionalProperties"].update(type="integer"),
            ["tags[]: type changed from 'string' to 'integer'"],
        ),
    ],
    ids=[
        "field removed", "nested field removed", "new required field", "became required", "became optional",
        "type", "narrowed", "default", "null refused", "enum", "values of a mapping",
    ],
)  # fmt: skip
def test_what_breaks_a_reader_is_named(change, named):
    assert changed(change) == named


def test_both_forms_of_optional_values_are_read():
    fields = {
        "id": "a" * 32, "occurred_at": "2026-01-01T00:00:00Z", "received_at": "2026-01-01T00:00:00Z",
        "project_id": 1, "organization_id": 1, "event_id": "b" * 32, "submission_id": "b" * 32,
        "source": "new_feedback_envelope",
    }  # fmt: skip
    assert FeedbackSubmitted.model_validate(fields) == FeedbackSubmitted.model_validate(
        {**fields, "sdk": None, "from_a_later_release": 1}
    )
