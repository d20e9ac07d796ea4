"""The registry's program: serve, work, run, migrate, check, openapi."""

import sys

from hearback_kit.program import Program

from envelope_gateway.registry.app import create_app, create_worker
from envelope_gateway.registry.settings import Settings

REGISTRY = Program(
    name="registry",
    settings=Settings,
    create_app=create_app,
    create_worker=create_worker,
    migrations="envelope_gateway.registry.store.migrations",
)
main = REGISTRY.main

if __name__ == "__main__":
    sys.exit(main())
