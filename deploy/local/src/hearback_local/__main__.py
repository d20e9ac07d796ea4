"""Entry point of the `hearback` command."""

import sys

from hearback_local.commands.cli import run


def main() -> int:
    """Run the command line and return its exit code: 0 for success, 2 for wrong arguments, else 1."""
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
