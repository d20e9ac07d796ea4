"""Identifiers: random ones are of version 4, and no two processes make the same."""

import subprocess
import sys
from uuid import RFC_4122, UUID

import pytest
from hearback_kit.values.ids import random_id, random_ids


@pytest.mark.parametrize("found", [[random_id() for _ in range(50)], random_ids(50)], ids=["one", "many"])
def test_random_ids_are_unique_and_of_version_4(found):
    ids = [UUID(text) for text in found]
    assert {(one.version, one.variant) for one in ids} == {(4, RFC_4122)}
    assert [one.hex for one in ids] == found
    assert len(set(found)) == 50


def test_forked_processes_make_different_ids():
    """`hearback up` forks its services from one process that may have made ids."""
    program = (
        "import os; from hearback_kit.values.ids import random_ids;"
        "random_ids(1); os.fork(); os.write(1, random_ids(1)[0].encode())"
    )
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    assert len({made[:32], made[32:]}) == 2
