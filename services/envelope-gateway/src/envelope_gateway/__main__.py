"""The gateway's program: serve, run, check, openapi."""

import sys

from hearback_kit.program import Program

from envelope_gateway.app import create_app
from envelope_gateway.settings import Settings

PROGRAM = Program("envelope-gateway", Settings, create_app)
main = PROGRAM.main

if __name__ == "__main__":
    sys.exit(main())
