"""The command `crash-embed`."""

import sys

from hearback_kit.program import Program

from crash_embed.app import create_app
from crash_embed.settings import Settings

PROGRAM = Program(name="crash-embed", settings=Settings, create_app=create_app)
main = PROGRAM.main

if __name__ == "__main__":
    sys.exit(main())
