"""`python -m tests.bench [topic …] [--rounds N] [--seconds S]`: run topics and print one table."""

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path

from tests.bench.model import Options, Row, machine, table

NOT_TOPICS = frozenset(
    "bare load many_rows model open_loop processes programs services sustained writing".split()  # noqa: SIM905
)


def topics() -> list[str]:
    """The modules that have something to measure."""
    found = {module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])}
    return sorted(found - NOT_TOPICS - {"__main__"})


def main() -> int:
    """Run the topics named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("topics", nargs="*", choices=[*topics(), []], help="all without any")
    parser.add_argument("--rounds", type=int, default=Options.rounds)
    parser.add_argument("--seconds", type=float, default=Options.seconds)
    parser.add_argument("--connections", type=int, default=Options.connections)
    given = parser.parse_args()
    options = Options(given.rounds, given.seconds, given.connections)
    rows: list[Row] = []
    for topic in given.topics or topics():
        print(f"running {topic} …", file=sys.stderr)
        rows += importlib.import_module(f"tests.bench.{topic}").run(options)
    print(f"Machine: {machine()}; {options.rounds} rounds of {options.seconds:g} s, ", end="")
    print(f"{options.connections} connections, one worker process.\n\n{table(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
