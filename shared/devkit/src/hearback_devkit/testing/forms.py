"""The forms of a page, as a browser without scripts sends them."""

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Final

Fields = dict[str, list[str]]
_SWITCHES: Final = frozenset({"checkbox", "radio"})


def form_with(page: str, *names: str, action: str | None = None) -> Fields:
    """Return the fields of the first form that has controls with `names`, and the `action` if given.

    A control that is off, such as an unchecked checkbox, is not among the fields. Raises LookupError without one.
    """
    reader = _Reader()
    reader.feed(page)
    for form_action, controls, fields in reader.forms:
        if controls.issuperset(names) and action in {None, form_action}:
            return fields
    raise LookupError(names)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str | None, set[str], Fields]] = []
        self._is_inside = False
        self._select = self._textarea = ""
        self._first: str | None = None

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Read a control."""
        values = dict(attrs)
        name = values.get("name") or ""
        if tag == "form":
            self.forms.append((values.get("action"), set(), {}))
            self._is_inside = True
        elif not self._is_inside:
            return
        elif tag == "input" and name:
            is_on = values.get("type") not in _SWITCHES or "checked" in values
            self._add(name, (values.get("value") or "") if is_on else None)
        elif tag == "select":
            self._select, self._first = name, None
            self._add(name, None)
        elif tag == "option" and self._select:
            if self._first is None or "selected" in values:
                self._first = values.get("value") or ""
        elif tag == "textarea":
            self._textarea = name
            self._add(name, "")

    def handle_data(self, data: str) -> None:
        """Read the text of a textarea."""
        if self._textarea:
            fields = self.forms[-1][2]
            fields[self._textarea][-1] += data

    def handle_endtag(self, tag: str) -> None:
        """End a form, or a control."""
        if tag == "form":
            self._is_inside = False
        elif tag == "textarea":
            self._textarea = ""
        elif tag == "select" and self._select:
            self._add(self._select, self._first)
            self._select = ""

    def _add(self, name: str, value: str | None) -> None:
        _, controls, fields = self.forms[-1]
        controls.add(name)
        if value is not None:
            fields.setdefault(name, []).append(value)
