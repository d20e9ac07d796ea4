"""`python -m hearback_web feedback` compiles all templates of a service, for images that are never written to."""

import sys
from collections.abc import Sequence

from hearback_web.pages import environment_of


def compile_all(packages: Sequence[str]) -> int:
    """Compile every template of services' packages; return how many there are."""
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
