"""Run Python functions in processes forked from one that has imported their modules, which takes the longest."""

import atexit
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

# Each request is a line of JSON: to start a function of a module, or to wait for a process. The reply is a number.
# What was imported is no garbage: forks that looked for some in it would each get a copy of all its memory.
_SERVER: Final = """
import gc
gc.disable()
import importlib, json, os, signal, sys
from hearback_devkit.engines.process import die_with_parent

def found(name):
    module, _, name = name.partition(":")
    return getattr(importlib.import_module(module), name)

prepared = set()
for line in sys.stdin:
    order = json.loads(line)
    if "wait" in order:
        print(os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1]), flush=True)
        continue
    for module in order["imports"]:
        importlib.import_module(module)
    for name in order["prepares"]:
        if name not in prepared:
            found(name)()
            prepared.add(name)
    target = found(order["target"])
    arm = die_with_parent(signal.SIGKILL)
    gc.freeze()
    pid = os.fork()
    if not pid:
        arm()
        gc.enable()
        os.environ.clear()
        os.environ.update(order["environment"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, path in enumerate(order["outputs"], 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        sys.exit(target(order["arguments"]))
    print(pid, flush=True)
"""


class Forks:
    """Starts functions that take a list of arguments, named `module:function`, each in its own process."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._server = self._begin()

    def _begin(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", _SERVER]
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1, **self._options)

    def start(
        self,
        target: str,
        *arguments: str,
        environment: Mapping[str, str],
        output: Path | str = os.devnull,
        errors: Path | str | None = None,
        imports: Sequence[str] = (),
        prepares: Sequence[str] = (),
    ) -> int:
        """Start a function and return its process id; stdout goes to `output`, stderr to `errors` or there, too.

        `imports` are further modules to import before forking, `prepares` functions to call once after that.
        """
        outputs = [str(output), str(output if errors is None else errors)]
        known = {**os.environ, **environment}
        return self._do(
            target=target,
            arguments=arguments,
            environment=known,
            outputs=outputs,
            imports=imports,
            prepares=prepares,
        )

    def wait(self, pid: int) -> int:
        """Wait until a process has ended and return its exit code, negative for a signal."""
        return self._do(wait=pid)

    def run(self, target: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a function to its end; `options` are those of `start`."""
        with tempfile.TemporaryDirectory() as folder:
            output, errors = Path(folder) / "output", Path(folder) / "errors"
            pid = self.start(target, *arguments, output=output, errors=errors, **options)
            status = self.wait(pid)
            return subprocess.CompletedProcess(arguments, status, output.read_text(), errors.read_text())

    def close(self) -> None:
        """End the processes that still run."""
        self._server.communicate()

    def _do(self, **order: Any) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        try:
            print(json.dumps(order), file=self._server.stdin)
            return int(self._server.stdout.readline())
        except BaseException:  # such as a test's timeout: the next reply would be that of this request
            self._server.kill()
            self._server.communicate()
            self._server = self._begin()
            raise


@cache
def shared_forks() -> Forks:
    """Return the `Forks` of this process, for modules of this release."""
    forks = Forks()
    atexit.register(forks.close)
    return forks
