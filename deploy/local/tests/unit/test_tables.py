"""Answers as text for people."""

from hearback_local.commands.tables import as_text, printable


def test_list_is_a_table_of_the_wanted_columns() -> None:
    rows = [
        {"id": "1", "isActive": True, "dsn": {"public": "http://a"}, "name": None},
        {"id": "10", "isActive": False, "dsn": {}, "scopes": ["b", "c"], "name": "n"},
    ]
    assert as_text(rows, ("id", "isActive", "dsn.public", "scopes")).splitlines() == [
        "ID  ISACTIVE  DSN.PUBLIC  SCOPES",
        "1   yes       http://a    -",
        "10  no        -           b, c",
    ]
    assert as_text([], ("id",)) == "none"


def test_object_is_one_field_a_line_with_what_it_holds_below() -> None:
    answer = {"id": "1", "features": [], "options": {"a": 1, "longer": None}, "name": "x"}
    assert as_text(answer).splitlines() == [
        "id        1",
        "features  -",
        "options",
        "  a       1",
        "  longer  -",
        "name      x",
    ]
    assert as_text(None) == "done"


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    assert as_text([{"a": "red\x1b[31m\n\u202e\x9b!"}], ("a",)) == "A\nred\ufffd[31m\ufffd\ufffd\ufffd!"
    assert printable("a\tb\nc\r\u200d", keep="\n\t") == "a\tb\nc\ufffd\u200d"
