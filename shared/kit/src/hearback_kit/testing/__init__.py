"""What tests stand on: real engines, a clock to move, a proxy that breaks, waiting for a condition."""

from hearback_kit.testing.apps import running, served
from hearback_kit.testing.clocks import ManualClock
from hearback_kit.testing.faults import FaultProxy
from hearback_kit.testing.s3 import S3Server
from hearback_kit.testing.waiting import eventually, eventually_sync

__all__ = ["FaultProxy", "ManualClock", "S3Server", "eventually", "eventually_sync", "running", "served"]
