"""What items count as, and which make an event (protocol: envelope#event-ids, items#item-types)."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from envelope_gateway.domain.admission import Admission, decide, event_id_of
from envelope_gateway.domain.envelope import Envelope, Item
from envelope_gateway.domain.headers import EnvelopeHeaders
from envelope_gateway.domain.items import ATTACHMENT_TYPES, KNOWN_TYPES, creates_event, quantities
from envelope_gateway.domain.project import IngestContext, Project
from envelope_gateway.domain.quotas import QuotaVerdict, reveal_feedback
from envelope_gateway.domain.sizes import Limits, find_too_large
from hearback_contracts.categories import DataCategory
from hypothesis import given, settings
from hypothesis import strategies as st

from ..conftest import project_config
from ..data.envelopes import EVENT_ID as ID


def item(kind: str, payload: bytes = b"12345", **headers: object) -> Item:
    return Item(kind, {"type": kind, **headers}, payload, 0, len(payload))


TRANSACTION = {"transaction": 1, "transaction_indexed": 1}
PROFILE = {"profile": 1, "profile_indexed": 1}
REFERENCE = "application/vnd.sentry.attachment-ref+json"
TRACE = "application/vnd.sentry.trace-attachment"


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        (item("event"), {"error": 1}),
        (item("event", item_count=5), {"error": 1}),
        (item("unreal_report"), {"error": 1}),
        (item("transaction", b"{}"), TRANSACTION | {"span": 1, "span_indexed": 1}),
        (item("transaction", b'{"spans":[{},{},{}]}'), TRANSACTION | {"span": 4, "span_indexed": 4}),
        (item("transaction", b"broken"), TRANSACTION | {"span": 1, "span_indexed": 1}),
        (item("security"), {"security": 1}),
        (item("raw_security"), {"security": 1}),
        (item("attachment"), {"attachment": 5, "attachment_item": 1}),
        (item("attachment", b""), {"attachment": 1, "attachment_item": 1}),
        (item("attachment", content_type=TRACE, meta_length=3), {"attachment": 2, "attachment_item": 1}),
        (item("attachment", content_type=REFERENCE, attachment_length=9), {"attachment": 9, "attachment_item": 1}),
        (
            item("attachment", content_type=REFERENCE, attachment_length="9"),
            {"attachment": 5, "attachment_item": 1},
        ),
        (item("user_report"), {"feedback": 1}),
        (item("feedback"), {"feedback": 1}),
        (item("session"), {"session": 1}),
        (item("sessions", item_count=4), {"session": 4}),
        (item("sessions", item_count=-4), {"session": 1}),
        (item("log", item_count=2), {"log_item": 2, "log_byte": 5}),
        (item("log", b""), {"log_item": 1, "log_byte": 1}),
        (item("trace_metric", item_count=2), {"trace_metric": 2, "trace_metric_byte": 5}),
        (item("profile"), PROFILE),
        (item("profile", platform="python"), PROFILE | {"profile_backend": 1}),
        (item("profile", platform="cocoa"), PROFILE | {"profile_ui": 1}),
        (item("profile_chunk"), {}),
        (item("profile_chunk", platform="python"), {"profile_chunk": 1}),
        (item("profile_chunk", platform="javascript"), {"profile_chunk_ui": 1}),
        (item("profile_chunk_ui"), {"profile_chunk_ui": 1}),
        (item("replay_event"), {"replay": 1}),
        (item("replay_recording"), {"replay": 1}),
        (item("replay_video"), {"replay": 1}),
        (item("check_in"), {"monitor": 1}),
        (item("span", item_count=7), {"span": 7, "span_indexed": 7}),
        (item("client_report"), {}),
        (item("form_data"), {}),
        (item("metric_buckets"), {}),
        (item("wombat"), {}),
        (item("attachment", attachment_type="wombat"), {}),
    ],
)
def test_quantities(found, counts):
    assert {str(category): quantity for category, quantity in quantities(found)} == counts


EVENTS = {"event", "transaction", "security", "raw_security", "unreal_report", "feedback"}
EVENT_ATTACHMENTS = {
    "event.minidump", "event.applecrashreport", "event.payload", "event.breadcrumbs", "playstation.prosperodump",
    "nswitch.dying_message", "event.nv_gpudmp",
}  # fmt: skip


def test_what_makes_an_event_gets_an_id_and_nothing_else_does():
    for kind in sorted(KNOWN_TYPES | {"wombat"}):
        assert creates_event(item(kind)) is (kind in EVENTS), kind
    for kind in sorted(ATTACHMENT_TYPES | {"wombat"}):
        found = item("attachment", attachment_type=kind)
        assert creates_event(found) is (kind in EVENT_ATTACHMENTS), kind
        given = event_id_of(Envelope(EnvelopeHeaders(), [found]), lambda: ID)
        assert given == (ID if kind in EVENT_ATTACHMENTS else None)
    assert event_id_of(Envelope(EnvelopeHeaders(event_id="a"), [item("event")]), lambda: ID) == "a"


KINDS = st.sampled_from([*sorted(KNOWN_TYPES), "wombat", ""])
IS_FEEDBACK = b'{"type":"feedback","contexts":{"feedback":{}}}'
PAYLOADS = st.sampled_from([b"", b"{}", b"[]", b"broken", b'{"message":"x"}', IS_FEEDBACK, b"\0\xff"])
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "item_count": st.integers(0, 5),
        "platform": st.sampled_from(["python", "cocoa"]),
        "attachment_type": st.sampled_from(["event.minidump", "event.view_hierarchy", "wombat"]),
    },
)
ITEMS = st.lists(
    st.builds(lambda kind, payload, head: item(kind, payload, **head), KINDS, PAYLOADS, HEADERS), max_size=8
)
MESSAGES_OF = {
    "feedback.submitted": "feedback",
    "user-report.submitted": "feedback",
    "error-event.received": "error",
    "client-report.received": None,
}


@settings(max_examples=400)
@given(ITEMS, st.none() | st.just(ID), st.booleans())
def test_every_item_ends_in_exactly_one_place(items, header_id, takes_feedback):
    config = project_config(features={"organizations:user-feedback-ingest": takes_feedback})
    context = IngestContext(Project(config, Limits()), 11, datetime(2026, 11, 24, tzinfo=UTC), lambda: "f" * 32)
    envelope = Envelope(EnvelopeHeaders(event_id=header_id), items)
    admission = Admission(context, event_id_of(envelope, lambda: ID), envelope, None)
    decision = decide(admission, QuotaVerdict(items))
    plan = decision.plan
    revealed = [reveal_feedback(one) for one in items] if len(items) > 1 else items
    if find_too_large(items, Limits()) is None or find_too_large(revealed, Limits()) is None:
        assert bool(decision.answer) is (plan.feedback_refused and not plan.keeps_something)
        assert plan.feedback_refused <= (not takes_feedback)
    else:
        assert decision.answer.status == 413
        assert not plan.keeps_something
    ends: Counter[str] = Counter()
    for message in plan.messages:
        ends[MESSAGES_OF[message.stream.name] or "unknown"] += 1
    for draft in plan.attachments:
        ends.update({str(category): quantity for category, quantity in quantities(draft.item)})
    for note in plan.notes:
        if hasattr(note, "quantity"):
            ends[str(DataCategory(note.category))] += note.quantity
            assert note.reason
    sent: Counter[str] = Counter()
    for one in items:
        sent.update({str(category): quantity for category, quantity in quantities(one)} or {"unknown": 1})
    assert ends.total() == sent.total()
    moved = ends - sent
    assert set(moved) <= {"feedback"}, "only an event that carries a feedback counts as another thing"
    assert sent - ends == Counter({"error": moved["feedback"]}) + Counter()
    with_fate = {"feedback", "user_report", "client_report"}
    submissions = sum(one.type in with_fate for one in items) + moved["feedback"]
    assert sum(hasattr(note, "submission_id") for note in plan.notes) <= submissions
