"""Every flag and project option: set through the API, audited, and in force in every service within two seconds.

What services read is what `Configuration` gives them; they have no other way to a setting.
"""

from typing import Any

import pytest
from hearback_contracts.flags import FEATURE_DEFAULTS, Feature
from hearback_contracts.options import OPTIONS, Option
from hearback_devkit.fleet import following
from hearback_devkit.testing import eventually
from registry.domain.options import NEWER_FEATURE_NAMES

SECONDS = 2.0
FLAGS = [*FEATURE_DEFAULTS, *NEWER_FEATURE_NAMES]
# Each option with a value that is not its default.
VALUES: dict[Option, Any] = {
    Option.ORIGINS: ["https://shop.example.com", "*.example.org"], Option.USER_REPORT_NOTIFICATIONS: False,
    Option.MAIL_REPLY_TO: False, Option.SPAM_DETECTION: False, Option.BRANDING: False,
    Option.FILTER_GARBAGE_MESSAGES: True, Option.DIALOG_NAME: "optional", Option.DIALOG_EMAIL: "hidden",
    Option.DIALOG_ACCENT: "#6c5fc7", Option.DIALOG_THEME: "dark", Option.RETENTION_DAYS: 30,
    Option.ATTACHMENT_BYTES_MAX: 1_000, Option.ATTACHMENTS_BYTES_MAX: 5_000, Option.ATTACHMENTS_COUNT_MAX: 2,
}  # fmt: skip
# The names by which the mission and the newest Sentry know them.
MISSION = {
    "organizations:user-feedback-ui", "organizations:feedback-visible", "organizations:user-feedback-ingest",
    "organizations:user-feedback-spam-filter-ingest", "organizations:user-feedback-spam-filter-actions",
    "sentry:feedback_user_report_notifications", "sentry:feedback_ai_spam_detection", "sentry:origins",
    "feedback:branding",
}  # fmt: skip
NEWER = {"organizations:user-feedback-spam-ingest"}


def test_every_name_of_the_mission_and_the_newer_ones_is_declared() -> None:
    assert {*FLAGS, *OPTIONS} >= MISSION | NEWER
    assert set(FEATURE_DEFAULTS) == {str(flag) for flag in Feature}
    assert {str(option) for option in VALUES} == set(OPTIONS)
    assert OPTIONS[Option.USER_REPORT_NOTIFICATIONS].default is True


async def last_change(registry: Any) -> tuple[str, Any, str]:
    """Event, changes and actor of the newest entry of the audit log."""
    entry = (await registry.get("/organizations/demo/audit-logs/"))["rows"][0]
    return entry["event"], entry["data"]["changes"], entry["actor"]["email"]


@pytest.mark.parametrize("flag", FLAGS)
async def test_a_flag(registry: Any, redis_url: str, flag: str) -> None:
    declared = NEWER_FEATURE_NAMES.get(flag, flag)
    default, owner = FEATURE_DEFAULTS[declared], registry.demo["admin_email"]
    async with following(redis_url) as configuration:

        async def read() -> bool | None:
            project = await configuration.project(1)
            return project.feature(Feature(declared)) if project else None

        await eventually(read if default else _not(read), SECONDS)
        for value in (not default, default):
            changed = await registry.put("/organizations/demo/", {"features": {flag: value}})
            assert changed["features"][flag] is changed["features"][declared] is value
            assert (await registry.get("/organizations/demo/"))["features"][flag] is value
            assert await last_change(registry) == ("org.edit", {declared: {"old": not value, "new": value}}, owner)
            await eventually(read if value else _not(read), SECONDS)


@pytest.mark.parametrize("option", VALUES, ids=str)
async def test_an_option(registry: Any, redis_url: str, option: Option) -> None:
    default, owner, path = OPTIONS[option].default, registry.demo["admin_email"], "/projects/demo/web/"
    async with following(redis_url) as configuration:
        for old, value in ((default, VALUES[option]), (VALUES[option], default)):
            changed = await registry.put(path, {"options": {option: value}})
            assert changed["options"][option] == value
            assert (await registry.get(path))["options"][option] == value
            assert await last_change(registry) == ("project.edit", {option: {"old": old, "new": value}}, owner)

            async def is_in_force(value: Any = value) -> bool:
                project = await configuration.project(1)
                return project is not None and bool(project.option(option) == value)

            await eventually(is_in_force, SECONDS)


def _not(read: Any) -> Any:
    async def look() -> bool:
        return await read() is False

    return look
