"""The programs of this distribution: the ingest side and, as `serve-registry` and the like, the registry."""

import sys
from collections.abc import Sequence

from hearback_kit.program import Program

from envelope_gateway.app import create_app
from envelope_gateway.settings import Settings

PROGRAM = Program("envelope-gateway", Settings, create_app)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; `<command>-registry` runs the registry's command instead."""
    return PROGRAM.main(argv)


if __name__ == "__main__":
    sys.exit(main())
