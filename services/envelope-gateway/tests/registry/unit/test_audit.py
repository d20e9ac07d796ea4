import pytest
from hearback_contracts.audit import AuditEvent
from hearback_fleet.audit import changes_between
from registry.domain.audit import note_of


def test_what_differs_has_both_values():
    found = changes_between({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 3, "d": None, "e": 5})
    assert found == {"b": {"old": 2, "new": 3}, "e": {"old": None, "new": 5}}


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (True, False, "x from true to false"),
        (None, 5, "x from none to 5"),
        (["*"], [], "x from [*] to []"),
        ("", "#fff", "x from  to #fff"),
        ("{slug}", "{0}", "x from {slug} to {0}"),
    ],
)
def test_notes_show_values_as_the_api_does(old, new, text):
    data = {"changes": {"x": {"old": old, "new": new}}}
    assert note_of(AuditEvent.ORGANIZATION_EDITED, data) == f"edited the organization: {text}"


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("org.future", {}),
        ("org.create", {}),
        ("org.create", {"other": 1}),
        ("org.edit", {"changes": {"name": {"to": "new"}}}),
        ("org.edit", {"changes": {"name": "new"}}),
        ("org.edit", {"changes": {"name": None}}),
    ],
)
def test_entries_of_other_releases_have_their_event_for_a_note(event, data):
    assert note_of(event, data) == event
