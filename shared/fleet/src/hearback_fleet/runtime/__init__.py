"""What a service runs on: every connection and background task of an app or a worker, opened and closed here.

An `app.py` says what is particular to its service in a `build` function. It gets a `ServiceRuntime`, whose
parts are opened when `build` first uses them; whatever was opened is run, checked and closed:

1. Background tasks stop, stage by stage: consumers and jobs finish what is in hand, the relay publishes what
   that committed, then what keeps copies current ends (`hearback_kit.background`).
2. Connections close, the last opened first.

The same happens when `build` raises half way.
"""

from hearback_fleet.runtime.programs import service_app, service_worker
from hearback_fleet.runtime.service_runtime import ServiceRuntime
