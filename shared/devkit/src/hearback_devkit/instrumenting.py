"""Instrumented code of modules, kept beside their bytecode: to instrument them takes longer than to import all.

Workers share it, and each begins elsewhere. What measures cannot be written to a file: names stand for it there.
"""

import marshal
import os
from importlib.util import cache_from_source
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any, Final
from unittest import mock

from slipcover import __version__, importer, probe, slipcover  # type: ignore[import-untyped]

_SIGNAL: Final = "slipcover signal"
_PROBE: Final = "slipcover probe"


class Loader(importer.SlipcoverLoader):  # type: ignore[misc]
    """Loads a module as SlipCover does."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's instrumented code."""
        code, lines, branches = self._kept()
        self.sci.code_lines[code.co_filename].update(lines)
        self.sci.code_branches[code.co_filename].update(branches)
        exec(self._linked(code), vars(module))

    def _kept(self) -> tuple[CodeType, set[int], set[tuple[int, int]]]:
        source = self.origin.stat()
        key = (__version__, str(self.origin), source.st_mtime_ns, source.st_size)
        file = Path(cache_from_source(str(self.origin), optimization="slipcover"))
        try:
            found = marshal.loads(file.read_bytes())
        except (OSError, EOFError, ValueError, TypeError):
            found = None
        if found is None or found[0] != key:
            found = (key, *self._instrument())
            file.parent.mkdir(exist_ok=True)
            part = file.with_suffix(f".{os.getpid()}")
            part.write_bytes(marshal.dumps(found))
            part.replace(file)
        return found[1:]  # type: ignore[no-any-return]

    def _instrument(self) -> tuple[CodeType, set[int], set[tuple[int, int]]]:
        import ast

        tree = importer.br.preinstrument(ast.parse(self.origin.read_bytes()))
        names = SimpleNamespace(signal=_SIGNAL, new=lambda _sci, _file, place, _misses: (_PROBE, place))
        with mock.patch.object(slipcover, "probe", names):
            code = self.sci.instrument(compile(tree, str(self.origin), "exec"))
        return code, self.sci.code_lines[code.co_filename], self.sci.code_branches[code.co_filename]

    def _linked(self, code: CodeType) -> CodeType:
        return code.replace(co_consts=tuple(self._const(code, value) for value in code.co_consts))

    def _const(self, code: CodeType, value: Any) -> Any:
        if isinstance(value, CodeType):
            return self._linked(value)
        if isinstance(value, tuple) and value[:1] == (_PROBE,):
            return probe.new(self.sci, code.co_filename, value[1], self.sci.d_miss_threshold)
        return probe.signal if value == _SIGNAL else value
