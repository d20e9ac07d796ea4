"""The runtime of a service: opens and closes connections and background tasks of an app or a worker.

A service's `app.py` has a `build` function. It gets a `ServiceRuntime`, which opens each resource on first use,
adds its readiness check, and shuts down in this order, also if `build` raises:

1. Background tasks stop by stage: consumers and jobs finish their current work, the relay publishes what that
   committed, then followers end (`hearback_kit.background`).
2. Connections close in reverse order.
"""

from hearback_fleet.runtime.programs import service_app, service_worker
from hearback_fleet.runtime.service_runtime import ServiceRuntime
