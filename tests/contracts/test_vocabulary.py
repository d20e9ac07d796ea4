"""What all services must agree on: ids, shards, routes, categories, reasons, flags."""

import re
from pathlib import Path

import orjson
import pytest
from hearback_contracts.categories import DataCategory
from hearback_contracts.flags import FEATURE_DEFAULTS
from hearback_contracts.identifiers import NO_EVENT_ID, Dsn, parse_event_id, report_event_id
from hearback_contracts.names import environment_name, release_name
from hearback_contracts.options import OPTIONS
from hearback_contracts.reasons import EXPLANATIONS, Reason
from hearback_contracts.routes import service_of
from hearback_contracts.streams import STREAMS, shard_of
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
HEX = "0123456789abcdef0123456789abcdef"
DASHED = "01234567-89ab-cdef-0123-456789abcdef"
OPENAPI = sorted(ROOT.glob("services/**/openapi.json"))


@pytest.mark.parametrize(
    "text", [HEX, HEX.upper(), DASHED, DASHED.upper(), "{" + DASHED + "}", f"urn:uuid:{DASHED}"]
)
def test_event_ids_are_read_in_every_spelling(text):
    assert parse_event_id(text) == HEX


@pytest.mark.parametrize(
    "text",
    [
        "", HEX[:-1], HEX + "0", HEX + "\n", DASHED + "\n", f"{{{HEX}}}", f"urn:uuid:{HEX}", "g" * 32, "٠" * 32,
        None, 7, HEX[:8] + "-" + HEX[8:],
    ],
)  # fmt: skip
def test_what_is_no_event_id_is_none(text):
    assert parse_event_id(text) is None


@pytest.mark.parametrize(
    ("payload", "header", "expected"),
    [
        (DASHED, None, HEX), (DASHED, "a" * 32, HEX), (None, "a" * 32, "a" * 32),
        ("nonsense", "a" * 32, "a" * 32), ("0" * 32, "a" * 32, "a" * 32), ("0" * 32, None, NO_EVENT_ID),
        (None, "0" * 32, NO_EVENT_ID), ("nonsense", None, None), (None, None, None),
    ],
)  # fmt: skip
def test_a_report_is_about_the_event_of_its_payload(payload, header, expected):
    assert report_event_id(payload, header) == expected


@given(st.text(max_size=80))
def test_reading_an_event_id_never_fails(text):
    found = parse_event_id(text)
    assert found is None or re.fullmatch("[0-9a-f]{32}", found)


@pytest.mark.parametrize(
    "text",
    [
        f"http://{HEX}@localhost:8000/1",
        f"https://{HEX}@feedback.example.com/prefix/9223372036854775807",
        f"http://{HEX}@[::1]:8000/1",
    ],
)
def test_a_dsn_is_spelled_as_it_was_read(text):
    assert str(Dsn.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "x", f"ftp://{HEX}@host/1", f"http://{HEX}@/1", "http://host/1", f"http://{HEX[:-1]}@host/1",
        f"http://{HEX}@host/", f"http://{HEX}@host/web", f"http://{HEX}@host/9223372036854775808",
        f"http://{HEX}@host:port/1", f"http://{HEX}@host/٣", f"http://{HEX}@[::1/1",
    ],
)  # fmt: skip
def test_what_is_no_dsn_is_a_value_error(text):
    with pytest.raises(ValueError, match="DSN"):
        Dsn.parse(text)


def test_shards_never_move():
    assert [shard_of(project, 4) for project in range(1, 9)] == [3, 1, 3, 0, 2, 0, 2, 3]
    assert [shard_of(project, 1024) for project in (1, 2, 12345, 2**62)] == [951, 525, 540, 200]


def test_streams_of_a_project_share_a_slot():
    tags = {re.search(r"\{(.+)\}", stream.key(7, 64)).group(1) for stream in STREAMS}
    assert tags == {str(shard_of(7, 64))}
    assert len({key for stream in STREAMS for key in stream.shard_keys(8)}) == 8 * len(STREAMS)


def paths() -> list[tuple[str, str]]:
    found = []
    for file in OPENAPI:
        service = file.parent.name
        known = orjson.loads(file.read_bytes())["paths"]
        found += [(service, path) for path in known if path.startswith("/api/")]
    return found


@pytest.mark.parametrize(("service", "path"), paths())
def test_every_public_path_leads_to_its_service(service, path):
    issue = "7" if service == "user-reports" else "8"  # groups are odd, feedback is even
    filled = path.replace("{issue}", issue).replace("{issue_id}", issue).replace("{group}", issue)
    filled = filled.replace("{short_id}", "WEB-ERR-7" if service == "user-reports" else "WEB-8")
    filled = re.sub(r"\{[^}]+\}", "1", filled)
    assert service_of(filled) == service
    assert service_of(filled.replace("/", "//")) == service


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/0/issues/web-err-7/", "user-reports"),
        ("/api/0/organizations/demo/issues/WEB-ERR-7/events/latest/", "user-reports"),
        ("/api/0/organizations/demo/issues/WEB-7/", "feedback"),
        ("/api/0/organizations/demo/issues/WEB-7/user-reports/", "user-reports"),
        ("/api/0/organizations/demo/issues/ERR-7/", "feedback"),
        ("/api/0/organizations/demo/shortids/WEB-ERR-7/", "user-reports"),
        ("/api/0/organizations/demo/shortids/WEB-7/", "feedback"),
        ("/api/0/organizations/demo/eventids/" + HEX + "/", "user-reports"),
    ],
)
def test_ids_that_people_see_lead_to_their_owner(path, service):
    assert service_of(path) == service


def test_what_no_one_serves_leads_nowhere():
    assert service_of("/robots.txt") is None
    assert service_of("/internal/introspect/token/x") is None


def test_internal_and_health_paths_are_not_public():
    for path in ("/metrics", "/readyz", "/healthz", "/internal/x"):
        assert service_of(path) is None


def test_categories_have_the_protocols_names_and_ids():
    assert (int(DataCategory.ERROR), int(DataCategory.FEEDBACK), int(DataCategory.ATTACHMENT)) == (1, 14, 4)
    for category in DataCategory:
        expected = DataCategory.UNKNOWN if category is DataCategory.UNKNOWN else category
        assert DataCategory.parse(str(category)) is expected
    assert DataCategory.parse("user_report_v2") is DataCategory.FEEDBACK
    assert DataCategory.parse("Error") is DataCategory.UNKNOWN
    assert DataCategory.parse("no_such") is DataCategory.UNKNOWN


def test_category_ids_are_the_protocols():
    assert sorted(map(int, DataCategory)) == list(range(-1, 39))


def test_units_follow_the_category():
    units = {str(category): category.unit for category in DataCategory if category.unit != "count"}
    assert units == {
        "attachment": "bytes",
        "log_byte": "bytes",
        "trace_metric_byte": "bytes",
        "profile_duration": "milliseconds",
        "profile_duration_ui": "milliseconds",
    }


def test_every_reason_is_explained_and_documented():
    assert set(EXPLANATIONS) == set(Reason)
    page = (ROOT / "deploy/docs/reasons.md").read_text()
    assert [reason for reason in Reason if f"`{reason}`" not in page] == []
    assert all(text.endswith(".") for text in EXPLANATIONS.values())


def test_flags_and_options_are_the_missions():
    assert FEATURE_DEFAULTS["organizations:user-feedback-ui"]
    assert FEATURE_DEFAULTS["organizations:user-feedback-ingest"]
    assert set(FEATURE_DEFAULTS) == {
        "organizations:user-feedback-ui",
        "organizations:feedback-visible",
        "organizations:user-feedback-ingest",
        "organizations:user-feedback-spam-filter-ingest",
        "organizations:user-feedback-spam-filter-actions",
    }
    assert OPTIONS["sentry:feedback_user_report_notifications"].default is True
    named = {
        "sentry:feedback_user_report_notifications",
        "sentry:feedback_ai_spam_detection",
        "sentry:origins",
        "feedback:branding",
    }
    assert named <= set(OPTIONS)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("production", "production"), (" qa ", "qa"), ("a" * 64, "a" * 64), ("a/b", None), ("a\\b", None),
        ("a\nb", None), ("a" * 65, None), ("none", None), ("NONE", None), (".", None), ("", None), (None, None),
        (7, None),
    ],
)  # fmt: skip
def test_names_of_environments(text, name):
    assert environment_name(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shop@1.0", "shop@1.0"),
        (7, "7"),
        ("latest", None),
        ("a/b", None),
        (None, None),
        ([], None),
        ("a" * 201, None),
    ],
)
def test_names_of_releases(text, name):
    assert release_name(text) == name


def test_the_documents_say_what_proves_who_a_caller_is() -> None:
    open_to_all = set()
    for file in OPENAPI:
        document = orjson.loads(file.read_bytes())
        known = document.get("components", {}).get("securitySchemes", {})
        for path, operations in document["paths"].items():
            for operation in operations.values():
                needed = operation.get("security", document.get("security", []))
                assert {name for one in needed for name in one} <= known.keys()
                if path.startswith("/internal/"):
                    assert needed == [{"signature": []}], path
                if path.startswith("/api/0/") and (not needed or {} in needed):
                    open_to_all.add(operation["operationId"])
    assert open_to_all == {"login", "logout", "getInvitation", "acceptInvitation", "getRelayLive"}
