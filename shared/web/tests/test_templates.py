"""Rules for the templates of every service: nothing inline, nothing foreign, no text past the escaping."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = [ROOT / "shared/web/src/hearback_web/templates", *ROOT.glob("services/*/src/*/templates")]
TEMPLATES = sorted(path for folder in FOLDERS for path in folder.rglob("*.html") if "mail" not in path.name)
# Icons are constants of the components.
SAFE = {"components.html": 1}
FORBIDDEN = {
    "an inline script": r"<script(?![^>]*\bsrc=)",
    "an inline style": r"<style|\sstyle=",
    "an inline handler": r"\son[a-z]+=|hx-on|hx-vals=[\"']js:|javascript:",
    "another origin": r"(?:src|href|action)=[\"'](?:https?:)?//",
    "escaping switched off": r"autoescape\s+false|\{%-?\s*raw",
}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_a_template_keeps_the_rules(path: Path) -> None:
    text = path.read_text()
    assert {what: hits for what, rule in FORBIDDEN.items() if (hits := re.findall(rule, text))} == {}
    assert len(re.findall(r"\|\s*safe\b", text)) == SAFE.get(path.name, 0)


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_every_form_that_changes_something_has_a_token(path: Path) -> None:
    for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", path.read_text(), re.DOTALL):
        if "unsubscribe" in path.name or "invitation" in path.name:
            continue  # their addresses are secrets of a mail
        assert "ui.csrf(page)" in form or "csrf(page)" in form, form[:200]


def test_the_rules_look_at_every_service() -> None:
    assert len(TEMPLATES) > 30


def test_every_tone_of_a_component_has_its_style() -> None:
    text = "".join(path.read_text() for path in TEMPLATES)
    style = (FOLDERS[0].parent / "static/app.css").read_text()
    tones = {f".button-{tone}" for tone in re.findall(r'tone="([a-z]+)"', text)}
    tones |= {f".{kind}-{tone}" for kind in ("badge", "notice", "toast") for tone in ("warn", "bad")}
    tones |= {".badge-good", ".badge-accent", ".notice-good", ".state-bad"}
    assert ".button-danger" in tones
    assert [tone for tone in sorted(tones) if not re.search(rf"{re.escape(tone)}\b[^{{}}]*\{{", style)] == []
