"""`user-reports serve|work|run|migrate|check|openapi`; `user-reports sweep` links waiting reports now."""

import sys
from collections.abc import Sequence
from typing import Final

from hearback_kit.program import Program

from user_reports.app import create_app, create_worker
from user_reports.settings import Settings

PROGRAM: Final = Program(
    "user-reports", Settings, create_app, create_worker, migrations="user_reports.store.migrations"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["sweep"]:
        from user_reports.sweep import main as sweep

        return sweep()
    return PROGRAM.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
