"""`python -m hearback_web feedback` compiles all templates of a service, for read-only images."""

import sys
from collections.abc import Sequence

from hearback_web.pages import environment_of


def compile_all(packages: Sequence[str]) -> int:
    """Compile all templates of the packages; return their number."""
    count = 0
    for package in packages:
        environment = environment_of(package)
        names = environment.list_templates(extensions=["html"])
        for name in names:
            environment.get_template(name)
        count += len(names)
    return count


if __name__ == "__main__":
    compile_all(sys.argv[1:])
