"""Steps of a fate: each that a service records has words on the pages."""

import re
from pathlib import Path
from typing import Final

from hearback_web.words import step_words

ROOT: Final = Path(__file__).resolve().parents[2]
NAMED: Final = re.compile(r'^[A-Z_]*_STEP(?:: Final)? = "([a-z_]+)"', re.MULTILINE)
WRITTEN: Final = re.compile(r'step\([^"()]*(?:\([^"()]*\)[^"()]*)*"([a-z_]+)"')


def recorded_steps() -> set[str]:
    """Return the names of steps in the sources of services and contracts."""
    found: set[str] = set()
    for folder in ("services", "shared/contracts/src"):
        for path in (ROOT / folder).rglob("*.py"):
            if {"tests", "pages"}.isdisjoint(path.parts):
                text = path.read_text()
                found |= {*NAMED.findall(text), *WRITTEN.findall(text)}
    return found


def test_every_step_has_words() -> None:
    steps = recorded_steps()
    assert {"form_accepted", "form_refused", "report_received", "judged_spam", "dead_letter"} <= steps
    assert sorted(step for step in steps if step_words(step) == step.replace("_", " ")) == []
