"""Pass rows of many columns as one text, which the server splits.

The driver encodes one value for the whole batch, and the server builds no JSON of it.
"""

from collections.abc import Iterable, Sequence
from secrets import token_urlsafe

_MARK_BYTES = 9  # too many to guess, so that no value ends itself


class Lines:
    """Rows as the parameters of a statement that reads them by `from_lines`.

    Fields are texts, or None. A row has two or more.
    """

    def __init__(self) -> None:
        self._mark = token_urlsafe(_MARK_BYTES)
        self._lines: list[str] = []

    def add(self, fields: Sequence[str | None]) -> None:
        """Add a row."""
        mark = self._mark
        self._lines.append(f"{mark},".join([mark if field is None else field for field in fields]))

    def several(self, texts: Iterable[str]) -> str:
        """Return the field of a list, without an empty text alone."""
        return f"{self._mark}+".join(texts)

    def parameters(self) -> tuple[str, str]:
        """Return the two parameters of the statement."""
        return f"{self._mark};".join(self._lines), self._mark


def from_lines(first: int) -> str:
    """Return the rows, as an array `field` each, for a FROM clause; `first` is the number of their parameters."""
    lines, mark = f"${first}::text", f"${first + 1}::text"
    return (
        f"(SELECT string_to_array(line, {mark} || ',', {mark}) AS field"
        # Without OFFSET, a line would be split again for each field.
        f" FROM unnest(string_to_array({lines}, {mark} || ';')) AS line OFFSET 0) AS given"
    )


def several_of(field: str, first: int) -> str:
    """Return the texts of a list, as an expression on its field."""
    return f"string_to_array({field}, ${first + 1}::text || '+')"
