"""The words of the field, and no private ones (CONTRIBUTING, Language)."""

import re
from pathlib import Path

from test_rules import files, named

# Put together so that this file does not find itself.
PRIVATE = re.compile(
    r"\b("
    + "|".join(["to" + "ld", "tel" + "ling", "an" + "ew", "no" + "body", "kind" + "ly", "patient" + "ly"])
    + r")\b"
    r"|\bas " + r"ever\b|\bthe way of\b|\bwho " + r"asks\b|\ball of " + r"them\.\"\"\"",
    re.IGNORECASE,
)


def _is_ours(path: Path) -> bool:
    return path.suffix in {".py", ".md", ".js", ".sh", ".html", ".css"} and "corpus" not in path.parts


def test_no_word_of_a_private_dialect() -> None:
    found = []
    for path in files():
        if not _is_ours(path) or "versions" in path.parts or "spam" in path.name or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            # Names are words, too; what is quoted is not ours.
            if PRIVATE.search(re.sub(r"`[^`]*`|getpwnam\(.*\)", "", line).replace("_", " ")):
                found.append(f"{named(path)}:{number}: {line.strip()[:100]}")
    assert found == []
