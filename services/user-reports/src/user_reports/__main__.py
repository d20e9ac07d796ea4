"""`user-reports serve|work|run|migrate|check|openapi`; `user-reports sweep` links waiting reports now."""

import sys
from typing import Final

from hearback_kit.program import Program

from user_reports.app import create_app, create_worker, sweep_now
from user_reports.settings import Settings

PROGRAM: Final = Program(
    "user-reports",
    Settings,
    create_app,
    create_worker,
    migrations="user_reports.store.migrations",
    commands={"sweep": sweep_now},
)
main: Final = PROGRAM.main

if __name__ == "__main__":
    sys.exit(main())
