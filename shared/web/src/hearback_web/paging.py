"""The neighbours of a keyset page, as links of a page for people."""

import re
from dataclasses import dataclass
from typing import Any, Final

from hearback_kit.api.paging import KeysetPage
from starlette.requests import Request

from hearback_web.links import url_with

_RELATION: Final = re.compile(r'rel="(previous|next)"; results="true"; cursor="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Addresses of the pages before and after; None where there is none."""

    previous_url: str | None
    next_url: str | None


def neighbours(request: Request, page: KeysetPage[Any]) -> Neighbours:
    """Return where a page's neighbours are: the address asked for, with another cursor."""
    cursors = dict(_RELATION.findall(page.link))
    urls = {relation: url_with(request, cursor=cursor) for relation, cursor in cursors.items()}
    return Neighbours(urls.get("previous"), urls.get("next"))
