"""The gateway's program: serve, run, check, openapi."""

import gc
import sys

from hearback_kit.program import Program

from envelope_gateway.api.application import GatewayApp
from envelope_gateway.app import create_app
from envelope_gateway.settings import Settings

YOUNG_OBJECTS_MAX = 20_000


def _create_tuned_app(settings: Settings) -> GatewayApp:
    """Return the app for a process of its own, whose garbage collector runs rarely.

    Requests leave hardly any cycles; with the default threshold the collector costs as much as parsing.
    """
    gc.set_threshold(YOUNG_OBJECTS_MAX, 20, 50)
    return create_app(settings)


PROGRAM = Program("envelope-gateway", Settings, _create_tuned_app)
main = PROGRAM.main

if __name__ == "__main__":
    sys.exit(main())
