"""Last step of an install: compile the bytecode of imported modules, so that the first start is fast.

Importing the services finds these modules; compiling all installed packages would take far longer.
"""

import compileall
import importlib
import sys
from pathlib import Path

from hearback_local.services import SERVICES, load_programs

OURS = ("hearback_contracts", "hearback_fleet", "hearback_kit", "hearback_local", "hearback_web")


def main() -> None:
    """Import all services, then compile the rest of our own packages."""
    sys.dont_write_bytecode = False  # whatever the environment says: this is the install, not a run
    importlib.import_module("hearback_local.launcher.launcher")
    load_programs()
    for name in (*OURS, *(service.package for service in SERVICES)):
        file = importlib.import_module(name).__file__
        if file is not None:
            compileall.compile_dir(Path(file).parent, quiet=1)


if __name__ == "__main__":
    main()
