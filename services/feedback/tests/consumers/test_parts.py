"""Batches of large submissions, which are stored in parts."""

import pytest
from feedback.consumers.feedback_submitted import in_parts
from hearback_kit.bus import Incoming


def _messages(sizes):
    return [
        Incoming(
            "feedback.submitted:{0}", f"{place}-0", "feedback.submitted", "1", b"", b"x" * size if size else None
        )
        for place, size in enumerate(sizes)
    ]


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ([], [[]]),
        ([0, 0, 0], [[0, 0, 0]]),
        ([4, 6], [[4, 6]]),
        ([4, 7], [[4], [7]]),
        ([11], [[11]]),
        ([1, 11, 1, 9, 1], [[1], [11], [1, 9], [1]]),
    ],
)
def test_a_part_has_at_most_so_many_bytes_or_one_message(sizes, parts):
    messages = _messages(sizes)
    found = list(in_parts(messages, 10))
    assert [[len(message.body or b"") for message in part] for part in found] == parts
    assert [message for part in found for message in part] == messages
