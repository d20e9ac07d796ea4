"""The `hearback` command."""

import sys

from hearback_local.commands import run


def main() -> int:
    """Runs the command line; the exit code is 0 for success."""
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
