"""What requests carry: names in paths, pages, and the fields of bodies."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Depends, Path, Query, Request, Response
from hearback_kit.errors import BadRequest, NotFound
from hearback_kit.pages import decode_cursor, encode_cursor, link_header
from hearback_kit.values.ids import is_id, parse_id
from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

from registry.store.pages import Identified, Page, Position

PAGE_ROWS_MAX = 100
OrganizationName = Annotated[str, Path(description="Slug or id of the organization.")]
ProjectName = Annotated[str, Path(description="Slug or id of the project.")]
KeyName = Annotated[str, Path(description="Id or public part of the key.")]
MemberName = Annotated[str, Path(description="Id of the member.")]

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Slug = Annotated[str, StringConstraints(max_length=50)]
Platform = Annotated[str, StringConstraints(max_length=64)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[!-?A-~]+@[!-?A-~]+$")]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$")]
NewPassword = Annotated[str, StringConstraints(min_length=8, max_length=1_000)]
KnownPassword = Annotated[str, StringConstraints(max_length=1_000)]
Role = Literal["member", "admin", "manager", "owner"]

Row = TypeVar("Row", bound=Identified)
Body = TypeVar("Body")


class RequestBody(BaseModel):
    """What a client sends: exact types; fields that cannot be changed are ignored, so answers can be sent back."""

    model_config = ConfigDict(strict=True, extra="ignore", alias_generator=to_camel)


def path_id(text: str) -> int:
    """Return a numeric id from a path; raise NotFound for anything else."""
    found = parse_id(text)
    if found is None:
        raise NotFound
    return found


class Paging:
    """Dependency: which page is wanted, and the `Link` header to its neighbours."""

    def __init__(
        self,
        request: Request,
        response: Response,
        cursor: Annotated[str | None, Query(description="From a Link header.", max_length=200)] = None,
        per_page: Annotated[int, Query(description="Rows of a page.", ge=1, le=PAGE_ROWS_MAX)] = PAGE_ROWS_MAX,
    ) -> None:
        self._url = request.app.state.state.settings.public_url.rstrip("/") + request.url.path
        self._query = request.url.query
        self._headers = response.headers
        self.limit = per_page
        self.position = _position(cursor)

    def answer(self, page: Page[Row], serialize: Callable[[Row], Body]) -> list[Body]:
        """Return the serialized rows of a page, and set the header."""
        rows = page.rows
        self._headers["Link"] = link_header(
            self._url,
            self._query,
            previous=encode_cursor([rows[0].id], backward=True) if rows else None,
            has_previous=page.has_previous and bool(rows),
            following=encode_cursor([rows[-1].id]) if rows else None,
            has_next=page.has_next and bool(rows),
        )
        return [serialize(row) for row in rows]


def _position(cursor: str | None) -> Position | None:
    decoded = decode_cursor(cursor, 1)
    if decoded is None:
        return None
    (row_id,), backward = decoded
    if not is_id(row_id):
        raise BadRequest("Invalid cursor parameter.", code="invalid_cursor")
    return Position(int(row_id), backward)


PagingDep = Annotated[Paging, Depends()]
Json = Any
