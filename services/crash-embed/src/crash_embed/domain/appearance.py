"""The appearance and fields of a project's dialog: its options, sanitized."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hearback_contracts.config import ProjectConfig
from hearback_contracts.options import Option

_ACCENT = re.compile(r"#[0-9a-f]{6}\Z", re.IGNORECASE)
_DARK_INK = "#111318"
_LIGHT_INK = "#ffffff"
THEMES = ("auto", "light", "dark")


class Requirement(StrEnum):
    """Whether a field is required, optional or hidden."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Appearance:
    """The dialog options of a project. `accent` is "" or `#rrggbb`."""

    name: Requirement
    email: Requirement
    branding: bool
    accent: str
    theme: str

    @classmethod
    def of(cls, project: ProjectConfig) -> "Appearance":
        """Read the options; invalid values count as the default."""
        accent = project.option(Option.DIALOG_ACCENT)
        theme = project.option(Option.DIALOG_THEME)
        return cls(
            name=_requirement(project.option(Option.DIALOG_NAME)),
            email=_requirement(project.option(Option.DIALOG_EMAIL)),
            branding=is_on(project.option(Option.BRANDING)),
            accent=accent.lower() if isinstance(accent, str) and _ACCENT.match(accent) else "",
            theme=theme if theme in THEMES else "auto",
        )


def _requirement(value: Any) -> Requirement:
    try:
        return Requirement(value)
    except ValueError:
        return Requirement.REQUIRED


def is_on(value: Any) -> bool:
    """Return whether a boolean option is on; older clients store "0" or "1"."""
    return value not in (False, 0, "0", "false", "", None)


def ink_on(accent: str) -> str:
    """Return black or white, whichever has the better contrast on `#rrggbb` (at least 4.5 to 1)."""
    light = _luminance(accent)
    on_light = (light + 0.05) / (_luminance(_DARK_INK) + 0.05)
    on_dark = 1.05 / (light + 0.05)
    return _DARK_INK if on_light >= on_dark else _LIGHT_INK


def _luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
