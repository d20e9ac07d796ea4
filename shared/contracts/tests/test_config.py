"""What names lead to a project."""

import pytest
from hearback_contracts.config import OrganizationConfig, ProjectRef

WEB = ProjectRef(id=1, slug="web", former_slugs=("site", "app"))
APP = ProjectRef(id=2, slug="app")
DEMO = OrganizationConfig(id=1, slug="demo", name="Demo", projects=(WEB, APP))


@pytest.mark.parametrize(
    ("name", "project"),
    [("web", WEB), ("1", WEB), ("site", WEB), ("app", APP), ("2", APP), ("Site", None), ("3", None), ("", None)],
)
def test_a_slug_goes_before_a_former_one(name: str, project: ProjectRef | None) -> None:
    assert DEMO.find_project(name) == project
