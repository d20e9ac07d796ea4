"""Render the dialog's script: a static part, and a few lines with the values of the request.

The static part is compressed once per language and appearance; its compressor state is copied for each response,
so that only the request's own lines are compressed.
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
from crash_embed.domain.texts import TEXTS

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
_TEMPLATES: Final = ("dialog.js", "look.js", "call.js")
_OWN_OPTIONS: Final = ("name", "email", "nonce")
_STARTS_MAX: Final = 64  # a compressor holds about 270 KB
_CSS_SPACE: Final = re.compile(r"\s*\n\s*")


def script_json(value: object) -> str:
    """Return JSON that is a JavaScript literal and safe inside a script element."""
    raw = orjson.dumps(value)
    for found, escaped in _UNSAFE.items():
        raw = raw.replace(found, escaped)
    return raw.decode()


@dataclass(frozen=True, slots=True)
class DialogCall:
    """The values that a script depends on."""

    endpoint: str
    language: str
    appearance: Appearance
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Start:
    """The static part for a language and appearance, and its compressor."""

    plain: bytes
    compressed: bytes
    compressor: "zlib._Compress"


class DialogScript:
    """Renders the script."""

    def __init__(self) -> None:
        package = files("crash_embed")
        sources = {name: (package / "templates" / name).read_text("utf-8") for name in _TEMPLATES}
        environment = Environment(  # values are JSON made by `script_json`, not HTML
            loader=DictLoader(sources), autoescape=False, undefined=StrictUndefined, keep_trailing_newline=True
        )
        css = _CSS_SPACE.sub("", (package / "static" / "dialog.css").read_text("utf-8"))
        self._dialog = _without_comments(environment.get_template("dialog.js").render(css=script_json(css)))
        self._look = environment.get_template("look.js")
        self._call = environment.get_template("call.js")
        code = self._dialog + sources["look.js"] + sources["call.js"] + repr(TEXTS)
        self._digest = hashlib.blake2b(code.encode(), digest_size=16).digest()
        self._start = lru_cache(maxsize=_STARTS_MAX)(self._make_start)

    def etag(self, call: DialogCall) -> str:
        """Return a weak ETag of the script."""
        return f'W/"{hashlib.blake2b(repr(call).encode(), digest_size=16, key=self._digest).hexdigest()}"'

    def render(self, call: DialogCall) -> bytes:
        return self._start(call.language, call.appearance).plain + self._end(call)

    def render_gzip(self, call: DialogCall) -> bytes:
        start = self._start(call.language, call.appearance)
        compressor = start.compressor.copy()
        return start.compressed + compressor.compress(self._end(call)) + compressor.flush()

    def _make_start(self, language: str, appearance: Appearance) -> _Start:
        options = script_json(_options(language, appearance))
        look = self._look.render(strings=script_json(texts(language)), options=options)
        plain = (self._dialog + look).encode()
        compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        compressed = compressor.compress(plain) + compressor.flush(zlib.Z_SYNC_FLUSH)
        return _Start(plain, compressed, compressor)

    def _end(self, call: DialogCall) -> bytes:
        given = {name: value for name, value in call.parameters if value}
        own = {
            "strings": {name: given[name] for name in TEXT_PARAMETERS if name in given},
            "options": {name: given[name] for name in _OWN_OPTIONS if name in given},
        }
        return self._call.render(endpoint=script_json(call.endpoint), given=script_json(own)).encode()


def _options(language: str, appearance: Appearance) -> dict[str, object]:
    options: dict[str, object] = {
        "lang": language,
        "dir": direction(language),
        "theme": appearance.theme,
        "branding": appearance.branding,
        "fields": {"name": appearance.name, "email": appearance.email, "comments": "required"},
    }
    if appearance.accent:
        options |= {"accent": appearance.accent, "ink": ink_on(appearance.accent)}
    return options


def _without_comments(source: str) -> str:
    """Strip indentation, blank lines and comment lines; there is no build step."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))
