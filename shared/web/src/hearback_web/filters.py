"""Template filters: times, numbers and links."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from hearback_web.context import PageContext
from hearback_web.edits import fingerprints
from hearback_web.links import external_url
from hearback_web.texts import gettext as _

_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400
_RELATIVE_DAYS_MAX: Final = 7


def relative_time(when: datetime, now: datetime) -> str | None:
    """Return a time relative to now, or None if it is a week or more away."""
    seconds = (now - when) / timedelta(seconds=1)
    distance, whole = abs(seconds), round if seconds < 0 else int  # what expires in 7 days does so a moment later
    if distance < _MINUTE:
        return _("just now")
    if distance < _HOUR:
        unit, future, past = _MINUTE, _("in {} min"), _("{} min ago")
    elif distance < _DAY:
        unit, future, past = _HOUR, _("in {} h"), _("{} h ago")
    elif distance < _RELATIVE_DAYS_MAX * _DAY:
        unit, future, past = _DAY, _("in {} d"), _("{} d ago")
    else:
        return None
    return (future if seconds < 0 else past).format(whole(distance / unit))


def absolute_time(when: datetime, zone: str) -> str:
    """Return date, time and zone."""
    local = when.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y, %H:%M:%S} {local:%Z}"


@pass_context
def moment(context: Context, when: datetime | None) -> Markup:
    """Render a time: relative to now, or as a date, with the absolute time on hover, in the reader's zone."""
    if when is None:
        return Markup('<span class="soft">–</span>')
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    page: PageContext = context["page"]
    shown = relative_time(when, page.now)
    if shown is None:
        local = when.astimezone(ZoneInfo(page.zone))
        same_year = local.year == page.now.astimezone(local.tzinfo).year
        shown = f"{local.day} {local:%b}" if same_year else f"{local.day} {local:%b %Y}"
    stamp = when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(stamp, absolute_time(when, page.zone), shown)


def number(value: float | None) -> str:
    """Return a number with thousands separators; fractions have up to six digits."""
    if value is None:
        return "–"
    is_whole = isinstance(value, int) or abs(value) >= 100_000
    return f"{value:,.0f}" if is_whole else f"{value:,g}"


def compact(value: int) -> str:
    """Return a number of at most four characters, such as 1.2k."""
    for limit, unit in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")):
        if abs(value) >= limit:
            short = value / limit
            return f"{int(short * 10) / 10:g}{unit}" if abs(short) < 10 else f"{int(short)}{unit}"
    return str(value)


def file_size(value: int) -> str:
    """Return a number of bytes for people."""
    size = float(value)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1_000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1_000
    raise AssertionError


def initials(label: str) -> str:
    """Return a person's initials, at most two letters."""
    name = label.split("@", maxsplit=1)[0].replace(".", " ").replace("_", " ")
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


def hue(label: str) -> int:
    """Return a stable number from 0 to 7 for a text: the colour behind initials."""
    return sum(label.lower().encode()) % 8


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "moment": moment,
    "number": number,
    "compact": compact,
    "file_size": file_size,
    "initials": initials,
    "hue": hue,
    "external_url": external_url,
    "fingerprints": fingerprints,
}
