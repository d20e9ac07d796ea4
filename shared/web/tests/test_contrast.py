"""Contrast of the colours, measured as WCAG 2.2 does, in both themes, and the table of it in the design page."""

import re
from pathlib import Path

import hearback_web
import pytest
from hearback_devkit.testing.browsers import contrast

ROOT = Path(__file__).resolve().parents[3]
CSS = (Path(hearback_web.__file__).parent / "static/app.css").read_text()
DESIGN = (ROOT / "deploy/docs/design.md").read_text()
TEXT, CONTROL = 4.5, 3.0
PAIRS = [
    ("ink", "page", TEXT), ("ink", "card", TEXT), ("ink", "accent-soft", TEXT), ("ink-soft", "page", TEXT),
    ("ink-soft", "card", TEXT), ("ink-soft", "sunken", TEXT), ("ink-soft", "hover", TEXT),
    ("ink-soft", "accent-soft", TEXT), ("accent", "page", TEXT), ("accent", "card", TEXT),
    ("accent", "accent-soft", TEXT), ("on-accent", "accent", TEXT), ("on-accent", "accent-hover", TEXT),
    ("good", "good-soft", TEXT), ("warn", "warn-soft", TEXT), ("bad", "bad-soft", TEXT), ("bad", "card", TEXT),
    ("control", "page", CONTROL), ("control", "card", CONTROL), ("control", "sunken", CONTROL),
]  # fmt: skip


TOKENS = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS)
LIGHT = {name: light for name, light, _ in TOKENS}
DARK = {name: dark for name, _, dark in TOKENS}


def test_every_colour_that_is_measured_is_of_both_themes() -> None:
    assert len(TOKENS) >= 18
    assert {name for pair in PAIRS for name in pair[:2]} <= set(LIGHT)


@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_contrast(front: str, ground: str, least: float) -> None:
    light = contrast(LIGHT[front], LIGHT[ground])
    dark = contrast(DARK[front], DARK[ground])
    assert min(light, dark) >= least
    assert f"| `{front}` on `{ground}` | {light:.1f} | {dark:.1f} |" in DESIGN


def test_initials_are_readable() -> None:
    grounds = re.findall(r"\.hue-\d \{ background: (#[0-9a-f]{6})", CSS)
    assert len(grounds) == 8
    assert min(contrast("#ffffff", ground) for ground in grounds) >= TEXT
