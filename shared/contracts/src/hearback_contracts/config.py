"""The configuration of projects and organizations that the registry publishes to every service.

Each is one JSON snapshot under a key below, which services cache.
"""

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, ConfigDict

from hearback_contracts.flags import FEATURE_DEFAULTS, Feature
from hearback_contracts.options import OPTIONS, Option


class _Snapshot(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Flagged(_Snapshot):
    features: dict[str, bool] = {}

    def feature(self, name: Feature) -> bool:
        """Return whether the organization has a flag."""
        default = FEATURE_DEFAULTS[name]
        return self.features.get(name, default)


class KeyConfig(_Snapshot):
    """A client key of a project: `public` is the user part of the DSN."""

    id: int
    public: str
    is_active: bool = True


class QuotaConfig(_Snapshot):
    """A quota (protocol: limits#quotas).

    `limit` None only counts, 0 rejects all; `window` is in seconds; empty `categories` means all;
    `sources`, ours, narrows a quota on feedback to certain creation sources (empty: all).
    """

    id: str
    categories: tuple[str, ...] = ()
    scope: str = "organization"
    limit: int | None = None
    window: int | None = None
    reason_code: str | None = None
    sources: tuple[str, ...] = ()


class ProjectConfig(_Flagged):
    """The configuration of a project."""

    id: int
    slug: str
    name: str
    platform: str | None = None
    organization_id: int
    organization_slug: str
    organization_former_slugs: tuple[str, ...] = ()
    keys: tuple[KeyConfig, ...] = ()
    options: dict[str, Any] = {}
    quotas: tuple[QuotaConfig, ...] = ()

    def option(self, name: Option) -> Any:
        """Return the value of an option, or its default."""
        declared = OPTIONS[name]
        return self.options.get(name, declared.default)

    def is_of_any(self, organizations: Collection[str]) -> bool:
        """Return whether the project's organization is among some, named by id, slug or former slug."""
        if not organizations:
            return False
        names = {str(self.organization_id), self.organization_slug, *self.organization_former_slugs}
        return not names.isdisjoint(organizations)

    @property
    def origins(self) -> tuple[str, ...]:
        """Patterns of origins that may send from a browser; if empty, none may."""
        found = self.option(Option.ORIGINS)
        return tuple(entry for entry in found if isinstance(entry, str)) if isinstance(found, list) else ()

    def key(self, public: str) -> KeyConfig | None:
        """Return the key with a public part, or None."""
        return next((key for key in self.keys if key.public == public), None)


class ProjectRef(_Snapshot):
    """A reference to a project; `former_slugs` lead to it, too."""

    id: int
    slug: str
    former_slugs: tuple[str, ...] = ()


class MemberRef(_Snapshot):
    """A member of an organization; `role` is owner, manager, admin, member or viewer."""

    id: int
    email: str
    name: str | None = None
    role: str = "member"


class OrganizationConfig(_Flagged):
    """An organization, its flags, its projects and its members."""

    id: int
    slug: str
    name: str
    former_slugs: tuple[str, ...] = ()
    projects: tuple[ProjectRef, ...] = ()
    members: tuple[MemberRef, ...] = ()

    def find_project(self, id_or_slug: str) -> ProjectRef | None:
        """Return the project with a slug, numeric id or former slug, or None."""
        named = (p for p in self.projects if id_or_slug in {p.slug, str(p.id)})
        had_it = (p for p in self.projects if id_or_slug in p.former_slugs)
        return next(named, None) or next(had_it, None)

    def project_slug(self, project_id: int) -> str:
        """Return the slug of a project; its id if it was deleted."""
        return next((project.slug for project in self.projects if project.id == project_id), str(project_id))

    def member(self, member_id: int | None) -> MemberRef | None:
        """Return the member with an id, or None."""
        return next((member for member in self.members if member.id == member_id), None)


def project_snapshot(project_id: int) -> str:
    """Return the snapshot key of a `ProjectConfig`."""
    return f"project:{project_id}"


def key_snapshot(public_key: str) -> str:
    """Return the snapshot key of a public key's project id (a JSON integer)."""
    return f"key:{public_key}"


def organization_snapshot(id_or_slug: int | str) -> str:
    """Return the snapshot key of an `OrganizationConfig`, which is stored by id and by slug."""
    return f"organization:{id_or_slug}"
