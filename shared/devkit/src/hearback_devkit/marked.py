"""Code with marks at its branches, kept beside the bytecode: to mark and compile it takes longer than all imports.

Workers share it, and each begins elsewhere.
"""

import ast
import marshal
import os
import sys
from importlib.util import cache_from_source
from pathlib import Path
from types import CodeType, ModuleType

from slipcover import __version__, branch, importer  # type: ignore[import-untyped]


class Loader(importer.SlipcoverLoader):  # type: ignore[misc]
    """Loads a module as SlipCover does where it measures branches."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code, instrumented."""
        code = marked(self.origin)
        self.sci.register_module(module)
        exec(self.sci.instrument(code), vars(module))


def marked(source: Path) -> CodeType:
    """Return the code of a source file, with marks that instrumentation turns into probes."""
    known = source.stat()
    key = (__version__, str(source), known.st_mtime_ns, known.st_size)
    file = Path(cache_from_source(str(source), optimization="slipcover"))
    try:
        found = marshal.loads(file.read_bytes())
    except (OSError, EOFError, ValueError, TypeError):
        found = None
    if found is None or found[0] != key:
        tree = branch.preinstrument(ast.parse(source.read_bytes()))
        found = (key, compile(tree, str(source), "exec"))
        if not sys.dont_write_bytecode:
            file.parent.mkdir(exist_ok=True)
            part = file.with_suffix(f".{os.getpid()}")
            part.write_bytes(marshal.dumps(found))
            part.replace(file)
    code: CodeType = found[1]
    return code
