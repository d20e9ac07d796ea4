"""How the dialog of a project looks."""

from typing import Any

from crash_embed.domain.appearance import Appearance, Requirement, ink_on
from hearback_contracts.config import ProjectConfig
from hearback_devkit.testing.browsers import contrast
from hypothesis import given
from hypothesis import strategies as st

ASKING = Appearance(Requirement.REQUIRED, Requirement.REQUIRED, True, "", "auto")


def project(**options: Any) -> ProjectConfig:
    names = {"name": "feedback:modal_name", "accent": "feedback:modal_accent", "theme": "feedback:modal_theme"}
    return ProjectConfig(
        id=1,
        slug="web",
        name="web",
        organization_id=1,
        organization_slug="demo",
        options={names.get(key, f"feedback:{key}"): value for key, value in options.items()},
    )


def test_appearance_takes_only_declared_values() -> None:
    assert Appearance.of(project()) == ASKING
    assert Appearance.of(project(name="sometimes", accent="red;}", theme="pink", branding="0")) == Appearance(
        Requirement.REQUIRED, Requirement.REQUIRED, False, "", "auto"
    )
    assert Appearance.of(project(name=["x"], accent=7, theme=None, branding="1")) == ASKING
    assert Appearance.of(project(accent="#ABCDEF", theme="dark")).accent == "#abcdef"


@given(st.integers(0, 0xFFFFFF))
def test_text_on_any_accent_can_be_read(number: int) -> None:
    accent = f"#{number:06x}"
    assert contrast(accent, ink_on(accent)) >= 4.3
