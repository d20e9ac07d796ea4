"""Every function over input is total: whatever bytes come, it returns, or raises what its callers expect.

What the gateway publishes is decoded as its consumers decode it, and its times can be computed with.
"""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from envelope_gateway.api.params import RequestReader
from envelope_gateway.api.security_reports import count_reports
from envelope_gateway.domain.admission import Submission, admit, check_envelope, decide, event_id_of
from envelope_gateway.domain.auto_address import resolve_in_payload
from envelope_gateway.domain.crash_upload import minidump_envelope, read_form_event
from envelope_gateway.domain.envelope import Envelope, Item, first_line_headers, parse_envelope
from envelope_gateway.domain.headers import EnvelopeHeaders, parse_headers
from envelope_gateway.domain.items import ATTACHMENT_TYPES, KNOWN_TYPES
from envelope_gateway.domain.json_values import DEPTH_MAX, is_too_deep
from envelope_gateway.domain.multipart import Part, boundary_of, find_parts
from envelope_gateway.domain.project import Project
from envelope_gateway.domain.quotas import QuotaVerdict, apply_limits, group_items
from envelope_gateway.domain.refusals import Refused
from envelope_gateway.domain.sizes import Limits
from envelope_gateway.domain.store_body import read_pixel_data, read_store_body, unpack
from envelope_gateway.domain.unreal_crash import UnrealCrash, read_context, read_unreal_crash, unreal_envelope
from envelope_gateway.service.batch_outcomes import OutcomeBatcher, StreamKeys
from hearback_contracts.catalog import MESSAGES
from hearback_devkit.testing import ManualClock
from hearback_kit.values.addresses import parse_address
from hearback_kit.values.nul import has_nul
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..conftest import project_config
from ..data.envelopes import EVENT_ID as ID
from ..data.envelopes import KEY

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MODELS = {model.TYPE: model for model in MESSAGES}
MANY = settings(max_examples=120, suppress_health_check=list(HealthCheck))
PROJECT = Project(project_config(), Limits())
READER = RequestReader("127.0.0.0/8")

NAMES = st.sampled_from(
    ["event_id", "type", "timestamp", "environment", "release", "dist", "platform", "level", "logger",
     "transaction", "culprit", "message", "logentry", "request", "user", "tags", "contexts", "fingerprint",
     "exception", "values", "value", "module", "stacktrace", "frames", "function", "filename", "in_app",
     "url", "id", "email", "username", "name", "ip_address", "formatted", "feedback", "replay", "trace",
     "replay_id", "trace_id", "span_id", "status", "op", "sampled", "comments", "discarded_events",
     "quantity", "reason", "category", "length", "sent_at", "dsn", "sdk", "version", "extra"]
)  # fmt: skip
TEXTS = st.text() | st.sampled_from(
    [ID, "0" * 32, "feedback", "{{auto}}", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999+14:00",
     "2026-11-24", "1e400", "\0", "\ud800", "x" * 9000, "a/b", "production", "error", "1" * 5000]
)  # fmt: skip
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, -(10**30), 1e308, 253402300799, 2**63, -1])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXTS, inner, max_size=5),
    max_leaves=25,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=8)
PAYLOADS = (
    OBJECTS.map(lambda value: json.dumps(value).encode())
    | VALUES.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=200)
    | st.integers(0, 2000).map(lambda depth: b"[" * depth + b'"\\u0000"' + b"]" * depth)
    | st.integers(0, 2000).map(lambda depth: b'{"user":' * depth + b"1" + b"}" * depth)
)
TYPES = st.sampled_from(
    [*sorted(KNOWN_TYPES - {"transaction"}), "event", "event", "feedback", "user_report", "wombat"]
)
HEADERS = st.dictionaries(NAMES, VALUES, max_size=3) | st.fixed_dictionaries(
    {}, optional={"attachment_type": st.sampled_from(sorted(ATTACHMENT_TYPES)), "item_count": NUMBERS,
                  "filename": TEXTS, "content_type": TEXTS, "meta_length": NUMBERS}
)  # fmt: skip
ITEMS = st.builds(
    lambda kind, headers, payload: Item(kind, headers, payload, 0, len(payload)), TYPES, HEADERS, PAYLOADS
)
ENVELOPE_HEADERS = st.builds(
    EnvelopeHeaders,
    event_id=st.sampled_from([None, ID, "0" * 32]),
    sent_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    trace=st.none() | OBJECTS,
    sdk=st.none() | st.just("sdk/1"),
)
SCOPE = {"method": "POST", "headers": [], "query_string": f"sentry_key={KEY}".encode(), "client": ("127.0.0.1", 1)}


def result_of(call: Any, *expected: type[Exception]) -> Any:
    """What a call returns, or the error that it raises, which must be an expected one."""
    try:
        return call()
    except expected as error:
        return error


def is_refused(result: Any, *statuses: int) -> bool:
    return isinstance(result, Refused) and result.status in statuses


def published(envelope: Envelope) -> list[Any]:
    """Everything that an envelope leaves behind, decoded by its contract."""
    head = READER.read(SCOPE, "1")
    assert head.authentication is not None
    submission = Submission(head, head.authentication, 1, envelope)
    check_envelope(submission)
    numbers = iter(range(1_000_000))
    admission = admit(submission, PROJECT, event_id_of(envelope, lambda: ID), NOW, lambda: f"{next(numbers):032x}")
    groups = group_items(envelope.items)
    verdict = apply_limits(envelope.items, groups, [()] * len(groups))
    assert verdict.kept == envelope.items
    plan = decide(admission, QuotaVerdict(envelope.items)).plan
    found: list[Any] = [MODELS[message.stream.name].model_validate_json(message.data) for message in plan.messages]
    batches = OutcomeBatcher(StreamKeys(2), ManualClock(), "gateway")(plan.notes) if plan.notes else ()
    found += [MODELS[batch.type].model_validate_json(batch.data) for batch in batches]
    for message in plan.messages:
        assert not has_nul(msgspec.json.decode(message.data))
        assert message.body is None or not is_too_deep(message.body)
    return found


@MANY
@given(ENVELOPE_HEADERS, st.lists(ITEMS, max_size=3))
def test_any_items_are_published_so_that_consumers_can_decode_and_compute(headers, items):
    items = [msgspec.structs.replace(item, start=0) for item in items if item.type != "integration"]
    for message in published(Envelope(headers, items)):
        timestamp = getattr(message, "timestamp", NOW)
        sent_at = getattr(message, "sent_at", None) or NOW
        assert (timestamp + (NOW - sent_at)).isoformat()


@MANY
@given(
    st.binary(max_size=300)
    | st.tuples(OBJECTS, OBJECTS, PAYLOADS).map(
        lambda parts: b"\n".join(
            [*(json.dumps({"type": "event", **part}).encode() for part in parts[:2]), parts[2]]
        )
    )
)
def test_any_bytes_parse_or_are_refused(body):
    result = result_of(lambda: parse_envelope(body), Refused)
    assert is_refused(result, 400) or all(0 <= item.start <= item.end <= len(body) for item in result.items)


@MANY
@given(PAYLOADS)
def test_any_first_line_authenticates_or_raises_value_error(line):
    assert result_of(lambda: first_line_headers(line), ValueError) is not None


@MANY
@given(OBJECTS)
def test_any_header_is_read_or_raises_value_error(values):
    assert result_of(lambda: parse_headers(values), ValueError) is not None


@MANY
@given(PAYLOADS, st.none() | st.just("raven-python/1") | TEXTS)
def test_any_store_body_is_read_or_refused(body, client):
    result = result_of(lambda: read_store_body(unpack(body, 1_000), client), Refused)
    if not is_refused(result, 400, 413):
        item_type, _, payload = result
        item = Item(item_type, {}, payload, 0, len(payload))
        assert published(Envelope(EnvelopeHeaders(event_id=ID), [item]))


@MANY
@given(st.binary(max_size=100) | st.binary(max_size=100).map(lambda raw: b"sentry_data=" + raw))
def test_any_query_is_read(query):
    assert isinstance(read_pixel_data(query), bytes)


FIELDS = st.sampled_from(
    ["sentry", "sentry__1", "sentry__2", "sentry[user][id]", "sentry[user]", "sentry[a][b][c][d][e][f][g][h][i]",
     "__sentry-event", "upload_file_minidump", "x"]
) | st.text(max_size=20)  # fmt: skip


@MANY
@given(st.lists(st.tuples(FIELDS, st.none() | st.text(max_size=5), PAYLOADS), max_size=6))
def test_any_form_is_a_crash(fields):
    body, parts = b"", []
    for name, filename, value in fields:
        parts.append(Part(name, filename, None, len(body), len(body) + len(value)))
        body += value
    assert isinstance(read_form_event(body, parts), dict)
    assert published(minidump_envelope(body, parts, lambda: ID))


@MANY
@given(OBJECTS)
def test_any_message_pack_is_a_crash(event):
    raw = result_of(lambda: msgspec.msgpack.encode(event), OverflowError, UnicodeError)
    if isinstance(raw, bytes):
        parts = [Part("__sentry-event", "e", None, 0, len(raw))]
        assert published(minidump_envelope(raw, parts, lambda: ID))


@MANY
@given(st.binary(max_size=400), st.binary(max_size=70).filter(bool))
def test_any_multipart_body_is_read_or_refused(body, boundary):
    for content in (body, b"--" + boundary + b"\r\n" + body + b"\r\n--" + boundary + b"--"):
        result = result_of(lambda content=content: find_parts(content, boundary), Refused)
        assert is_refused(result, 400) or all(0 <= part.start <= part.end <= len(content) for part in result)


@MANY
@given(st.none() | st.binary(max_size=60) | st.binary(max_size=60).map(lambda raw: b"multipart/form-data;" + raw))
def test_any_content_type_has_a_boundary_or_is_refused(content_type):
    result = result_of(lambda: boundary_of(content_type), Refused)
    assert is_refused(result, 400) or isinstance(result, bytes)


@MANY
@given(st.binary(max_size=400) | st.binary(max_size=400).map(lambda raw: b"CR1" + raw))
def test_any_unreal_report_is_read_or_raises_value_error(body):
    assert result_of(lambda: read_unreal_crash(body), ValueError) is not None


ELEMENTS = st.sampled_from(["CrashGUID", "UserDescription", "ErrorMessage", "CrashType", "UserName", "__sentry"])


@MANY
@given(
    st.dictionaries(ELEMENTS, TEXTS | PAYLOADS.map(lambda raw: raw.decode("utf-8", "replace"))),
    st.integers(0, 3),
)
def test_any_context_is_a_crash(elements, files):
    xml = "".join(f"<{name}>{text}</{name}>" for name, text in elements.items())
    plain = xml.encode("utf-8", "replace")
    for raw in (plain, xml.encode("utf-16", "replace"), plain[1:]):
        assert published(unreal_envelope(UnrealCrash(read_context(raw), files), lambda: ID))


@MANY
@given(
    st.lists(st.tuples(st.sampled_from([b"x-sentry-auth", b"authorization", b"x-forwarded-for", b"forwarded",
        b"cf-connecting-ip", b"origin", b"referer", b"traceparent"]), st.binary(max_size=60)), max_size=5),
    st.binary(max_size=60),
    st.text(max_size=25),
)  # fmt: skip
def test_any_head_is_read_or_refused(headers, query, project):
    scope = {**SCOPE, "headers": headers, "query_string": query}
    result = result_of(lambda: READER.read(scope, project), Refused)
    if not is_refused(result, 400, 401):
        assert parse_address(result.remote_addr) == result.remote_addr
        assert parse_address(result.limit_addr) == result.limit_addr
        assert result.origin is None or result.origin.lower().startswith("http")
        assert result.traceparent is None or len(result.traceparent) == 55


@MANY
@given(PAYLOADS)
def test_any_browser_report_is_counted_or_refused(raw):
    result = result_of(lambda: count_reports(raw), Refused)
    assert is_refused(result, 400, 413) or 0 <= result <= 500


@MANY
@given(PAYLOADS, st.none() | st.just("198.51.100.9") | TEXTS)
def test_resolving_addresses_keeps_json_valid(payload, address):
    resolved = resolve_in_payload(payload, address)
    before = result_of(lambda: json.loads(payload), ValueError, RecursionError)
    if not isinstance(before, Exception):
        assert type(json.loads(resolved)) is type(before)


@pytest.mark.parametrize("depth", [1, DEPTH_MAX, DEPTH_MAX + 1, 500, 100_000])
@pytest.mark.parametrize(
    ("opened", "inner", "closed"),
    [("[", "1", "]"), ('{"a":', "null", "}"), ('["[{\\"", {"]}\\\\":', '"[[["', "}]"), ("[[],{},", "[]", "]")],
)
def test_depth_is_found_whatever_strings_hold(depth, opened, inner, closed):
    raw = (opened * depth + inner + closed * depth).encode()
    levels = depth * (2 if "," in opened and "\\" in opened else 1) + (inner == "[]")
    assert is_too_deep(raw) is (levels > DEPTH_MAX)
    if depth >= 500:
        assert is_too_deep(raw[: len(raw) // 2]), "also when it breaks off"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", [b'"', b"[", b"\\", b'"["[', b"[]", b'{"a":[]},', b'"\\""'])
def test_depth_is_found_in_bounded_time(unit):
    is_too_deep(b"[" * 200 + unit * (1024 * 1024 // len(unit)))
