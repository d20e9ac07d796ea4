"""`python -m user_reports.sweep`: link waiting reports now instead of at the next quarter of an hour."""

import asyncio
import sys

from user_reports.app import sweep_now
from user_reports.settings import Settings


def main() -> int:
    """Sweep once and say what was done."""
    sys.stdout.write(asyncio.run(sweep_now(Settings())) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
