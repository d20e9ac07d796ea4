"""Wall clocks of a fleet that a test moves: each process of it reads how far off it is from a file.

Python imports this at its start where `PYTHONPATH` names the folder. The product's code knows nothing of it: all
its wall times come from `time.time` and `SystemClock`, which are replaced here. Clocks of the stores are right.
"""

import mmap
import os
import struct
import time
from datetime import UTC, datetime
from pathlib import Path

FILE = os.environ.get("HEARBACK_TEST_CLOCK_FILE")

if FILE:
    with Path(FILE).open("rb") as file:  # eight bytes: seconds as a double
        OFFSET = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
    right = time.time

    def moved() -> float:
        """Return the time of a clock that is off."""
        return right() + float(struct.unpack("d", OFFSET[:8])[0])

    from hearback_kit.clock import SystemClock

    SystemClock.now = lambda _self: datetime.fromtimestamp(moved(), UTC)  # type: ignore[method-assign]
    time.time = moved
