"""The registry's program: serve, work, run, migrate, check, openapi."""

import sys

from hearback_kit.program import Program

from registry.app import create_app, create_worker
from registry.settings import Settings

PROGRAM = Program(
    name="registry",
    settings=Settings,
    create_app=create_app,
    create_worker=create_worker,
    migrations="registry.store.migrations",
)
main = PROGRAM.main

if __name__ == "__main__":
    sys.exit(main())
