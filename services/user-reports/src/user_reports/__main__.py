"""`user-reports serve|work|run|migrate|check|openapi`; `user-reports sweep` links waiting reports now."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Final

from hearback_kit.program import Program, freeze_gc

from user_reports.app import create_app, create_worker, sweep_now
from user_reports.settings import Settings

PROGRAM: Final = Program(
    "user-reports", Settings, create_app, create_worker, migrations="user_reports.store.migrations"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    return sweep() if arguments == ["sweep"] else PROGRAM.main(arguments)


def sweep() -> int:
    """Link waiting reports now instead of at the next quarter of an hour, and print what was done."""
    freeze_gc()
    result = asyncio.run(sweep_now(Settings()))
    rest = "" if result.complete else " (the deadline came first: call again)"
    sys.stdout.write(f"looked at {result.looked_at} waiting reports, linked {result.linked}{rest}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
