"""Helpers for tests: running apps, a manual clock, a fault-injecting proxy, metrics, waiting for conditions."""

from hearback_devkit.engines.process import free_port
from hearback_devkit.testing.apps import beside, running, served
from hearback_devkit.testing.clocks import ManualClock
from hearback_devkit.testing.faults import FaultProxy
from hearback_devkit.testing.loops import run_on_loop
from hearback_devkit.testing.metrics import recorded
from hearback_devkit.testing.s3 import S3Server
from hearback_devkit.testing.waiting import eventually, eventually_sync
