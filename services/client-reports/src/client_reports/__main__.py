"""The `client-reports` program."""

import sys

from hearback_kit.program import Program

from client_reports.app import create_app, create_worker
from client_reports.settings import Settings

PROGRAM = Program("client-reports", Settings, create_app, create_worker, "client_reports.store.migrations")
main = PROGRAM.main

if __name__ == "__main__":
    sys.exit(main())
