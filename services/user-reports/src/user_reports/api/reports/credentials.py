"""Who may post a report: a DSN of the project, or a token or session of its organization."""

from dataclasses import dataclass

from fastapi import Request
from hearback_contracts.config import ProjectConfig
from hearback_contracts.identifiers import Dsn
from hearback_fleet.access import PROJECT_WRITE, access_of, find_organization, find_project, principal_of, require
from hearback_kit.errors import NotFound, Unauthorized

from user_reports.errors import InvalidDsn


class EmptyUnauthorized(Unauthorized):
    """A DSN where it gives no right: 401 without a body (reference: feedback-backend 4.4, 4.6)."""


@dataclass(frozen=True, slots=True)
class Poster:
    """Who posts into which project; `key_id` is set when a DSN said so."""

    project: ProjectConfig
    key_id: int | None = None


def dsn_of(request: Request) -> str | None:
    """The DSN of an `Authorization: DSN …` header, or None without one."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "dsn" else None


async def poster_of(request: Request, organization: str, project: str) -> Poster:
    """The caller as one who may post to the project of the path.

    Raises Unauthorized, Forbidden or NotFound; `InvalidDsn` for a DSN that is unknown or switched off.
    """
    dsn = dsn_of(request)
    if dsn is not None:
        return await _by_dsn(request, dsn, organization, project)
    principal = await principal_of(request)
    access = access_of(request)
    config = await find_organization(access, organization)
    require(principal, config.id, PROJECT_WRITE)
    return Poster(await find_project(access, config, project))


async def _by_dsn(request: Request, text: str, organization: str, project: str) -> Poster:
    try:
        dsn = Dsn.parse(text)
    except ValueError as error:
        raise InvalidDsn from error
    access = access_of(request)
    config = await access.configuration.project_by_key(dsn.public_key)
    key = config.key(dsn.public_key) if config else None
    if config is None or key is None or not key.is_active:
        raise InvalidDsn
    try:
        named = await find_project(access, await find_organization(access, organization), project)
    except NotFound as error:
        raise EmptyUnauthorized from error
    if named.id != config.id or dsn.project_id != config.id:
        raise EmptyUnauthorized
    return Poster(config, key.id)
