"""Short ids of error groups: found by each slug that their project has or had, and by none of another one."""

from typing import Any

import pytest
from hearback_contracts.config import OrganizationConfig, ProjectRef
from user_reports.service.find_groups import find_group_by_short_id


def organization(*slugs: str, organization_id: int = 1) -> OrganizationConfig:
    """An organization whose projects, from 1 on, have these slugs now."""
    projects = tuple(ProjectRef(id=number, slug=slug) for number, slug in enumerate(slugs, 1))
    return OrganizationConfig(id=organization_id, slug="demo", name="Demo", projects=projects)


@pytest.mark.parametrize(
    ("text", "now", "is_found"),
    [
        ("WEB-ERR-1", organization("web", "app"), True),
        ("web-err-1", organization("web", "app"), True),
        ("WEB-ERR-1", organization("shop", "app"), True),
        ("SHOP-ERR-1", organization("shop", "app"), True),
        ("WEB-ERR-1", organization("shop", "web"), False),
        ("APP-ERR-1", organization("web", "app"), False),
        ("SHOP-ERR-1", organization("web", "shop-err"), False),
        ("WEB-ERR-3", organization("web", "app"), False),
        ("WEB-1", organization("web", "app"), False),
        ("WEB-ERR-1", organization("web", organization_id=2), False),
    ],
    ids=[
        "its slug", "in small letters", "a former slug", "its slug after a change",
        "a former slug that another has", "another project's slug", "a feedback's id", "no group",
        "a feedback's form", "another organization",
    ],
)  # fmt: skip
async def test_a_short_id_is_found_by_the_slugs_of_its_project(
    harness: Any, text: str, now: OrganizationConfig, is_found: bool
) -> None:
    await harness.deliver(harness.event())
    group = await find_group_by_short_id(harness.database, text, [now])
    assert (group is not None) is is_found
