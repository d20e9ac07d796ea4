"""A fault of the gateway's own, on each path: a 500, and a bounded number of lines in the log."""

from datetime import datetime
from typing import Any

import pytest
from hearback_devkit.testing import ManualClock
from hearback_kit.logs import configure_logs

FEEDBACK = b'{}\n{"type":"feedback"}\n{"contexts":{"feedback":{"message":"x"}}}'
LINES_MAX = 3


class FailingClock(ManualClock):
    """Fails when it shall."""

    fails = False

    def now(self) -> datetime:
        if self.fails:
            raise ZeroDivisionError
        return super().now()


async def test_what_fails_again_and_again_fills_no_disk(
    start_gateway: Any, logging_as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("envelope-gateway", lines_per_minute_max=LINES_MAX)
    clock = FailingClock()
    async with start_gateway(clock=clock) as gateway:
        assert (await gateway.send(FEEDBACK)).status_code == 200
        clock.fails = True
        for _ in range(3 * LINES_MAX):
            assert (await gateway.send(FEEDBACK)).status_code == 500
        clock.fails = False
        assert (await gateway.send(FEEDBACK)).status_code == 200
    written = capsys.readouterr().err
    for event in ("fast_path_failed", "ingest_failed"):
        assert written.count(f'"event": "{event}"') == LINES_MAX, event
