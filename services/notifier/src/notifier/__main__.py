"""The `notifier` program."""

import sys

from hearback_kit.program import Program

from notifier.app import create_app, create_worker
from notifier.settings import Settings

PROGRAM = Program("notifier", Settings, create_app, create_worker, "notifier.store.migrations")
main = PROGRAM.main

if __name__ == "__main__":
    sys.exit(main())
