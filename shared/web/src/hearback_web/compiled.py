"""A cache of compiled templates next to their sources, like Python's `__pycache__`.

Without it the first page of a process waits for its templates to be compiled.
"""

import contextlib
import os
import pickle
import secrets
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

_FOLDER: Final = "__pycache__"
_BROKEN: Final = (EOFError, ValueError, TypeError, pickle.UnpicklingError)


class CompiledTemplates(BytecodeCache):
    """Reads and writes compiled templates; unwritable folders are ignored.

    Jinja compares them with their sources. `syntax` is everything else that compiled code depends on.
    """

    def __init__(self, syntax: Mapping[str, Any]) -> None:
        digest = sha256(repr(sorted(syntax.items())).encode()).hexdigest()[:12]
        self._tag = f"{sys.implementation.cache_tag}-jinja-{jinja2.__version__}-{digest}"

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Return the path of a template's compiled code."""
        source = Path(filename or name)
        return str(source.parent / _FOLDER / f"{source.name}.{self._tag}")

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a template's compiled code, if it exists."""
        try:
            bucket.bytecode_from_string(Path(bucket.key).read_bytes())
        except OSError:
            return
        except _BROKEN:
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write a template's compiled code atomically."""
        file = Path(bucket.key)
        part = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with contextlib.suppress(OSError):
            file.parent.mkdir(exist_ok=True)
            part.write_bytes(bucket.bytecode_to_string())
            part.replace(file)
