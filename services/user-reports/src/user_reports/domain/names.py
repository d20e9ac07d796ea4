"""Normalize names of stack frames and messages: strip what varies between builds and calls.

The input is untrusted and long, so every repetition and lookahead is bounded.
"""

import re
from typing import Final

_PARAMETERS: Final = re.compile(
    r"""
    (?P<url>\b[a-z][a-z0-9+.-]{1,15}://[^\s"'<>()\[\]{}]+)
  | (?P<email>\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+\b)
  | (?P<uuid>\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b)
  | (?P<date>\b\d{4}-[01]\d-[0-3]\d(?:[T\ ][0-2]\d:[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b)
  | (?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}\b)
  | (?P<hex>\b0[xX][0-9a-fA-F]+\b|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,128}\b
      |\b(?=[0-9A-F]*\d)(?=[0-9A-F]*[A-F])[0-9A-F]{8,128}\b)
  | (?P<number>(?<![\w.])[+-]?\d+(?:[.,]\d+)*(?![\w]))
    """,
    re.VERBOSE,
)
_LENGTH_MAX: Final = 2_000

_ANONYMOUS: Final = frozenset({"", "?", "<anonymous>", "anonymous", "<unknown>", "<lambda>", "<module>", "<main>"})
_ANONYMOUS_PART: Final = re.compile(r"(?<=\.)(?:\?|<anonymous>|anonymous|<computed>)$")
_GENERATED: Final = re.compile(
    r"(?<=\$\$Lambda)\$\d+(?:/(?:0x)?[0-9a-fA-F]+)?|(?<=[Ll]ambda\$)\d+|(?<=\$Proxy)\d+"
    r"|0x[0-9a-fA-F]+"  # addresses
    r"|(?<=\$\$)[0-9a-fA-F]{6,16}(?=\b|_|\$)"  # proxies of the JVM
    r"|(?<=[$._-])(?=[0-9a-f]{0,63}\d)[0-9a-f]{7,64}(?=$|[$._-])"
)
_FILE_HASH: Final = re.compile(
    r"(?:(?<=^)|[.\-_~])(?=[0-9A-Za-z]{0,63}\d)(?:[0-9a-f]{7,64}|[0-9A-Za-z]{20,64})(?=$|[.\-_~])"
    r"|-(?=[A-Za-z0-9_-]{0,7}[0-9])(?=[A-Za-z0-9_-]{0,7}[A-Z])[A-Za-z0-9_-]{8}(?=$|\.)"
)
_EXTENSION: Final = re.compile(
    r"(?:\.(?:min|bundle|chunk|prod|esm)){0,5}\.(?:[cm]?[jt]sx?|vue|svelte|py|rb|go|php|java|kt)$"
)


def parametrized(message: str) -> str:
    """Return a message with numbers, ids, addresses and dates replaced by placeholders."""
    text = _PARAMETERS.sub(lambda match: f"<{match.lastgroup}>", message[:_LENGTH_MAX])
    return " ".join(text.split())


def function_name(name: str | None) -> str:
    """Return a function's name without parts that vary between builds and SDK versions; "" if anonymous."""
    text = _without_alias((name or "").strip())
    if text in _ANONYMOUS:
        return ""
    text = _ANONYMOUS_PART.sub("", text)
    for prefix in ("async ", "new "):
        text = text.removeprefix(prefix)
    return _GENERATED.sub("", text)


def _without_alias(text: str) -> str:
    """Return a name without the `[as other]` that JavaScript engines put after it."""
    start = text.find("[as ", text.rfind("]", 0, -1) + 1) if text.endswith("]") else -1
    return text if start < 0 else text[:start].rstrip()


def module_name(module: str | None, filename: str | None) -> str:
    """Return a frame's module, else its file name without folders, hash and extension."""
    text = (module or "").strip()
    if text and text not in _ANONYMOUS:
        return _GENERATED.sub("", _FILE_HASH.sub("", text.split("?", 1)[0]))
    path = re.split(r"[?#]", (filename or "").strip(), maxsplit=1)[0]
    base = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    if base in _ANONYMOUS or base.startswith("<"):
        return ""
    return _FILE_HASH.sub("", _EXTENSION.sub("", base))
