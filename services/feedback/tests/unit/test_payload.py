"""Payloads that a strict decoder refuses."""

import orjson
import pytest
from feedback.domain.payload import read_leniently


@pytest.mark.parametrize(
    ("number", "read"),
    [
        ("7", 7), ("-7.5", -7.5), ("999999999999999999", 10**18 - 1), (str(2**63 - 1025), 2**63 - 1025),
        (str(2**64), float(2**64)), ("-" + "9" * 300, -1e300), ("9" * 400, None), ("9" * 5000, None),
        ("1e999", None), ("-Infinity", None), ("NaN", None),
    ],
)  # fmt: skip
def test_numbers_that_nobody_can_store_become_what_can_be(number: str, read: float | None) -> None:
    found = read_leniently(f'{{"half": "\\ud800", "number": {number}}}'.encode())
    assert found == {"half": "?", "number": read}
    orjson.dumps(found)
