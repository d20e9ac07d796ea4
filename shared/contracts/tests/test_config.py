"""What names lead to a project, and to its organization."""

import pytest
from hearback_contracts.config import OrganizationConfig, ProjectConfig, ProjectRef

WEB = ProjectRef(id=1, slug="web", former_slugs=("site", "app"))
APP = ProjectRef(id=2, slug="app")
DEMO = OrganizationConfig(id=1, slug="demo", name="Demo", projects=(WEB, APP))


@pytest.mark.parametrize(
    ("name", "project"),
    [("web", WEB), ("1", WEB), ("site", WEB), ("app", APP), ("2", APP), ("Site", None), ("3", None), ("", None)],
)
def test_a_slug_goes_before_a_former_one(name: str, project: ProjectRef | None) -> None:
    assert DEMO.find_project(name) == project


@pytest.mark.parametrize(
    ("denied", "is_denied"),
    [
        (["other", "new"], True),
        (["old"], True),
        (["older"], True),
        (["7"], True),
        (["web", "1", "New"], False),
        ([], False),
    ],
)
def test_an_organization_is_denied_by_its_id_and_each_of_its_slugs(denied: list[str], is_denied: bool) -> None:
    project = ProjectConfig(
        id=1,
        slug="web",
        name="Web",
        organization_id=7,
        organization_slug="new",
        organization_former_slugs=("older", "old"),
    )
    assert project.is_of_any(denied) == is_denied
