"""Find an e-mail address in columns."""

import json
import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, func, or_

from hearback_kit.values.emails import address_pattern


def has_address(
    address: str, texts: Iterable[ColumnElement[Any]], objects: Iterable[ColumnElement[Any]] = ()
) -> ColumnElement[bool]:
    """Return the condition that a text, or one within a JSON value, is an address (in small letters).

    It may also be `Name <address>`. All of them together are searched first, which takes a third of the time.
    """
    texts, objects, pattern = tuple(texts), tuple(objects), address_pattern(address)
    whole = func.lower(func.concat_ws(" ", *texts, *(cast(one, Text) for one in objects)))
    unescaped = max(re.split(r'["\\]', address), key=len)  # the part that is the same in JSON
    path = f'$.** ? (@ like_regex {json.dumps(pattern)} flag "i")'
    exactly = (*(one.regexp_match(pattern, "i") for one in texts), *(one.path_exists(path) for one in objects))
    return and_(func.strpos(whole, unescaped) > 0, or_(*exactly))
