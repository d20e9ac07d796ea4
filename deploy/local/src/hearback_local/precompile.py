"""The end of an install: keeps the bytecode of all that a fleet imports, so that a first start compiles nothing.

What the fleet imports is found by importing it; compiling everything that is installed would take far longer.
"""

import compileall
import importlib
import sys
from pathlib import Path

from hearback_local.fleet import SERVICES

# Imported late, by the services when they run.
LATE = ("anyio._backends._asyncio", "asyncpg", "h11", "httpcore", "hearback_local.launcher", "uvicorn.lifespan.on")
OURS = ("hearback_contracts", "hearback_fleet", "hearback_kit", "hearback_local")


def main() -> None:
    """Import, and compile the rest of our own packages."""
    sys.dont_write_bytecode = False  # whatever the environment says: this is the install, not a run
    for name in LATE:
        importlib.import_module(name)
    for service in SERVICES:
        service.load()
    for name in (*OURS, *(service.package for service in SERVICES)):
        file = importlib.import_module(name).__file__
        if file is not None:
            compileall.compile_dir(Path(file).parent, quiet=1)


if __name__ == "__main__":
    main()
