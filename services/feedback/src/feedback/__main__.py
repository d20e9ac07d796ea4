"""serve | work | run | migrate | check | openapi."""

import sys

from hearback_kit.program import Program

from feedback.app import create_app, create_worker
from feedback.settings import Settings

PROGRAM = Program("feedback", Settings, create_app, create_worker, migrations="feedback.store.migrations")
main = PROGRAM.main

if __name__ == "__main__":
    sys.exit(main())
