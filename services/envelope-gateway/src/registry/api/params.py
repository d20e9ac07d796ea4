"""Path parameters, pages, and body fields."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal, TypeVar

from fastapi import Depends, Path, Response
from hearback_kit.api.paging import PageRequest, page_request, read_id
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from registry.domain.fields import (
    EMAIL_LENGTH_MAX,
    EMAIL_PATTERN,
    NAME_LENGTH_MAX,
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    PLATFORM_LENGTH_MAX,
    SLUG_LENGTH_MAX,
)

PAGE_ROWS_MAX = 100
OrganizationName = Annotated[str, Path(description="Slug or id of the organization.")]
ProjectName = Annotated[str, Path(description="Slug or id of the project.")]
KeyName = Annotated[str, Path(description="Id or public part of the key.")]
MemberName = Annotated[str, Path(description="Id of the member.")]
_LANGUAGE: Final = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$"


def _in_form(pattern: str, wanted: str) -> AfterValidator:
    """Refuse a text that does not match a pattern, in words: a pattern says nothing to people."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise PydanticCustomError("form", "Give {wanted}.", {"wanted": wanted})
        return text

    return AfterValidator(check)


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH_MAX)]
Slug = Annotated[str, StringConstraints(max_length=SLUG_LENGTH_MAX)]
Platform = Annotated[str, StringConstraints(max_length=PLATFORM_LENGTH_MAX)]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=EMAIL_LENGTH_MAX),
    _in_form(EMAIL_PATTERN, "an e-mail address, such as ada@example.com"),
    Field(json_schema_extra={"pattern": EMAIL_PATTERN}),
]
Language = Annotated[
    str,
    _in_form(_LANGUAGE, "a language, such as de or pt-BR"),
    Field(json_schema_extra={"pattern": _LANGUAGE}),
]
NewPassword = Annotated[str, StringConstraints(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)]
KnownPassword = Annotated[str, StringConstraints(max_length=PASSWORD_LENGTH_MAX)]
Role = Literal["viewer", "member", "admin", "manager", "owner"]


Body = TypeVar("Body")


class RequestBody(BaseModel):
    """A request body: strict types; read-only fields are ignored, so that responses can be sent back."""

    model_config = ConfigDict(strict=True, extra="ignore", alias_generator=to_camel)


class Paging:
    """Dependency: the requested page, and its `Link` header."""

    def __init__(
        self,
        response: Response,
        page: Annotated[PageRequest, page_request(read_id, rows=PAGE_ROWS_MAX, rows_max=PAGE_ROWS_MAX)],
    ) -> None:
        self._page = page
        self._headers = response.headers
        self.window = page.window

    def answer(self, found: Sequence[Any], serialize: Callable[[Any], Body]) -> list[Body]:
        """Return the serialized rows of a page, and set the `Link` header."""
        page = self._page.page(found, lambda row: (row.id,))
        self._headers.update(page.headers)
        return [serialize(row) for row in page.rows]


PagingDep = Annotated[Paging, Depends()]
