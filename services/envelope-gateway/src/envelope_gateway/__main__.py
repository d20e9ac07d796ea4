"""The programs of this distribution: the ingest side, and the registry as `registry <command>`."""

import gc
import sys
from collections.abc import Sequence

from hearback_kit.program import Program

from envelope_gateway.app import GatewayApp, create_app
from envelope_gateway.registry.__main__ import REGISTRY
from envelope_gateway.settings import Settings

YOUNG_OBJECTS_MAX = 20_000


def _create_tuned_app(settings: Settings) -> GatewayApp:
    """The app in a process of its own, whose garbage collector comes seldom.

    Requests leave hardly any cycles behind; with Python's own threshold the collector costs as
    much as parsing does.
    """
    gc.set_threshold(YOUNG_OBJECTS_MAX, 20, 50)
    return create_app(settings)


PROGRAM = Program("envelope-gateway", Settings, _create_tuned_app)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; after `registry` it is the registry's."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["registry"]:
        return REGISTRY.main(given[1:])
    return PROGRAM.main(given)


if __name__ == "__main__":
    sys.exit(main())
