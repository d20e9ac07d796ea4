"""What a form changes, when others change the same meanwhile."""

import pytest
from hearback_web import Form, read_edit
from hearback_web.edits import SHOWN_FIELD, fingerprints

SHOWN = {"name": "Web", "hosts": "a\nb", "on": False}
MEANWHILE = {"name": "Shop", "hosts": "c", "on": True}


def form_of(shown: dict[str, object]) -> Form:
    return Form([(SHOWN_FIELD, fingerprints(shown))])


@pytest.mark.parametrize(
    ("own", "others", "saved", "changed", "conflicts"),
    [
        ({}, {}, {}, set(), set()),
        ({"name": "Shop"}, {}, {"name": "Shop"}, {"name"}, set()),
        ({}, {"name": "Shop"}, {"name": "Shop"}, set(), set()),
        ({"name": "Shop"}, {"hosts": "c"}, {"name": "Shop", "hosts": "c"}, {"name"}, set()),
        ({"name": "Shop"}, {"on": True}, {"name": "Shop", "on": True}, {"name"}, set()),
        ({"name": "Shop"}, {"name": "Shop"}, {"name": "Shop"}, {"name"}, set()),
        ({"name": "Shop"}, {"name": "Store"}, {"name": "Shop"}, {"name"}, {"name"}),
        ({"name": "", "hosts": "c"}, {"name": "Store"}, {"name": "", "hosts": "c"}, {"name", "hosts"}, {"name"}),
        ({"on": True}, {"on": True}, {"on": True}, {"on"}, set()),
        ({"hosts": " a \r\nb\r\n"}, {"hosts": "c"}, {"hosts": "c"}, set(), set()),
    ],
)
def test_a_save_applies_what_its_person_changed(
    own: dict[str, object],
    others: dict[str, object],
    saved: dict[str, object],
    changed: set[str],
    conflicts: set[str],
) -> None:
    edit = read_edit(form_of(SHOWN), SHOWN | own, SHOWN | others)
    assert edit.values == SHOWN | saved
    assert (edit.changed, edit.conflicts.keys()) == (changed, conflicts)


def test_a_form_without_what_it_showed_changes_every_field() -> None:
    for form in (Form([]), Form([(SHOWN_FIELD, "nonsense = ==")])):
        edit = read_edit(form, SHOWN, MEANWHILE)
        assert (edit.values, edit.changed, edit.conflicts) == (SHOWN, SHOWN.keys(), {})


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("py", "to “Python”."),
        ("other", "to “other”."),
        ("a\nb", "to “a, b”."),
        ("", "was emptied"),
        ("x" * 301, f"to “{'x' * 299}…”."),
    ],
)
def test_a_conflict_says_what_is_stored_now(now: str, words: str) -> None:
    labels = {"kind": {"py": "Python"}}
    edit = read_edit(form_of({"kind": "shown"}), {"kind": "own"}, {"kind": now}, labels)
    assert words in edit.conflicts["kind"]


def test_what_was_refused_replaces_the_other_when_it_is_saved_again() -> None:
    own, now = {"name": "Shop"}, {"name": "Store"}
    refused = read_edit(form_of({"name": "Web"}), own, now)
    again = read_edit(form_of(now), refused.values, now)
    assert (again.values, again.changed, again.conflicts) == (own, {"name"}, {})
