"""The dialog's script: one part that never changes, and a few lines with the values of a request.

The first part is compressed once; a compressor that has already seen it is copied for every answer,
so that an answer costs the compression of its own lines only.
"""

import hashlib
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

import orjson
from jinja2 import DictLoader, Environment, StrictUndefined

from crash_embed.domain.appearance import Appearance, ink_on
from crash_embed.domain.languages import direction, texts
from crash_embed.domain.parameters import TEXT_PARAMETERS

_GZIP: Final = 31
_LEVEL: Final = 6
# What could end a script element, open a comment, or end a line for a reader of JavaScript.
_UNSAFE: Final = {
    b"<": b"\\u003c",
    b">": b"\\u003e",
    b"&": b"\\u0026",
    b"'": b"\\u0027",
    "\u2028".encode(): b"\\u2028",
    "\u2029".encode(): b"\\u2029",
}
_CSS_SPACE: Final = re.compile(r"\s*\n\s*")


def script_json(value: object) -> str:
    """JSON that is also a JavaScript literal and harmless wherever a script may stand."""
    raw = orjson.dumps(value)
    for found, escaped in _UNSAFE.items():
        raw = raw.replace(found, escaped)
    return raw.decode()


@dataclass(frozen=True, slots=True)
class Call:
    """What one answer depends on besides the code."""

    endpoint: str
    language: str
    appearance: Appearance
    parameters: tuple[tuple[str, str], ...]


class DialogScript:
    """Renders the script."""

    def __init__(self) -> None:
        package = files("crash_embed")
        sources = {name: (package / "templates" / name).read_text("utf-8") for name in ("dialog.js", "call.js")}
        environment = Environment(  # values are JSON made by `script_json`, not HTML
            loader=DictLoader(sources), autoescape=False, undefined=StrictUndefined, keep_trailing_newline=True
        )
        css = _CSS_SPACE.sub("", (package / "static" / "dialog.css").read_text("utf-8"))
        self._head = _without_comments(environment.get_template("dialog.js").render(css=script_json(css))).encode()
        self._call = environment.get_template("call.js")
        self._digest = hashlib.blake2b(self._head + sources["call.js"].encode(), digest_size=16).digest()
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._compressed_head = self._compressor.compress(self._head)
        self._compressed_head += self._compressor.flush(zlib.Z_SYNC_FLUSH)
        self._texts = lru_cache(maxsize=64)(lambda language: script_json(texts(language)))

    def etag(self, call: Call) -> str:
        """A weak ETag; two calls with the same one have the same script."""
        return f'W/"{hashlib.blake2b(repr(call).encode(), digest_size=16, key=self._digest).hexdigest()}"'

    def render(self, call: Call) -> bytes:
        """The script."""
        return self._head + self._tail(call)

    def render_gzip(self, call: Call) -> bytes:
        """The script, compressed."""
        compressor = self._compressor.copy()
        return self._compressed_head + compressor.compress(self._tail(call)) + compressor.flush()

    def _tail(self, call: Call) -> bytes:
        given = dict(call.parameters)
        own = {name: given[name] for name in TEXT_PARAMETERS if given.get(name)}
        strings = script_json(texts(call.language) | own) if own else self._texts(call.language)
        rendered = self._call.render(
            endpoint=script_json(call.endpoint), strings=strings, options=script_json(_options(call, given))
        )
        return rendered.encode()


def _options(call: Call, given: dict[str, str]) -> dict[str, object]:
    appearance = call.appearance
    options: dict[str, object] = {
        "lang": call.language,
        "dir": direction(call.language),
        "theme": appearance.theme,
        "branding": appearance.branding,
        "fields": {"name": appearance.name, "email": appearance.email, "comments": "required"},
    }
    if appearance.accent:
        options |= {"accent": appearance.accent, "ink": ink_on(appearance.accent)}
    options |= {name: given[name] for name in ("name", "email", "nonce") if given.get(name)}
    return options


def _without_comments(source: str) -> str:
    """Leave out indentation, blank lines and lines that are comments; there is no build step."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))
