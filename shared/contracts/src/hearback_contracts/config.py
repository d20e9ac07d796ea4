"""A project's and an organization's configuration, as the registry publishes it to every service.

The registry writes each as one JSON snapshot; services read it by the keys below and keep a copy.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict

from hearback_contracts.flags import FEATURE_DEFAULTS, Feature
from hearback_contracts.options import OPTIONS, Option


class _Snapshot(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Flagged(_Snapshot):
    features: dict[str, bool] = {}

    def feature(self, name: Feature) -> bool:
        """Whether the organization has a flag on."""
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
    """Everything a service needs to know of a project to serve it."""

    id: int
    slug: str
    name: str
    platform: str | None = None
    organization_id: int
    organization_slug: str
    keys: tuple[KeyConfig, ...] = ()
    options: dict[str, Any] = {}
    quotas: tuple[QuotaConfig, ...] = ()

    def option(self, name: Option) -> Any:
        """Return the value of an option, or its default."""
        declared = OPTIONS[name]
        return self.options.get(name, declared.default)

    @property
    def origins(self) -> tuple[str, ...]:
        """The pages that may send from a browser, as patterns; without any, none may."""
        found = self.option(Option.ORIGINS)
        return tuple(entry for entry in found if isinstance(entry, str)) if isinstance(found, list) else ()

    def key(self, public: str) -> KeyConfig | None:
        """The key with this public part, or None."""
        return next((key for key in self.keys if key.public == public), None)


class ProjectRef(_Snapshot):
    """A project as its organization lists it."""

    id: int
    slug: str


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
    projects: tuple[ProjectRef, ...] = ()
    members: tuple[MemberRef, ...] = ()

    def find_project(self, id_or_slug: str) -> ProjectRef | None:
        """The project with this slug or numeric id, or None."""
        return next((p for p in self.projects if id_or_slug in {p.slug, str(p.id)}), None)

    def project_slug(self, project_id: int) -> str:
        """The slug of a project; its id when the organization does not list it any more."""
        return next((project.slug for project in self.projects if project.id == project_id), str(project_id))

    def member(self, member_id: int | None) -> MemberRef | None:
        """The member with this id; None for one who left."""
        return next((member for member in self.members if member.id == member_id), None)


def project_snapshot(project_id: int) -> str:
    """Snapshot key of a `ProjectConfig`."""
    return f"project:{project_id}"


def key_snapshot(public_key: str) -> str:
    """Snapshot key that holds the id of the project a public key belongs to (a JSON integer)."""
    return f"key:{public_key}"


def organization_snapshot(id_or_slug: int | str) -> str:
    """Snapshot key of an `OrganizationConfig`; written under the id and under the slug."""
    return f"organization:{id_or_slug}"
