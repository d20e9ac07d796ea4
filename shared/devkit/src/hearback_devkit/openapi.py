"""Checks an app's responses against its OpenAPI document."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import schemathesis
from hearback_kit.http import SERVICE_HEADER, SIGNATURE_HEADER, sign
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS: Final = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
# Changes a generated case; the flag says whether it names existing objects.
Prepare = Callable[[Any, bool], None]


async def assert_conforms(
    document: Mapping[str, Any],
    url: str,
    *,
    known: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
    secret: str = "",
    prepare: Prepare | None = None,
    is_tried: Callable[[Any], bool] = lambda operation: operation.path.startswith(("/api/", "/internal/")),
    is_last: Callable[[Any], bool] = lambda operation: operation.method.upper() == "DELETE",
    examples: int = 10,
) -> int:
    """Send generated requests to every operation of an app at `url`, and return the number of operations.

    Half of the requests name existing objects (`known` path parameters), and half are authenticated: by `headers`,
    or on internal routes by a signature with `secret`. `is_last` selects operations that run last, since they
    remove what others need. Raises the errors of the checks.
    """
    schema = schemathesis.openapi.from_dict(dict(document))
    operations: list[Any] = [cast(Any, result).ok() for result in schema.get_all_operations()]
    tried = sorted(filter(is_tried, operations), key=is_last)
    for operation in tried:
        await asyncio.to_thread(_check, operation, url, known, dict(headers or {}), secret, prepare, examples)
    return len(tried)


def _check(
    operation: Any,
    url: str,
    known: Mapping[str, str],
    headers: dict[str, str],
    secret: str,
    prepare: Prepare | None,
    examples: int,
) -> None:
    def signed(request: Any) -> Any:
        body = (request.body or b"") if isinstance(request.body, bytes | None) else request.body.encode()
        signature = sign(secret, "test", request.method, request.path_url, body, int(time.time()))
        request.headers.update({SERVICE_HEADER: "test", SIGNATURE_HEADER: signature})
        return request

    is_internal = operation.path.startswith("/internal/")

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(), st.booleans(), st.booleans())
    def check(case: Any, is_known: bool, is_authenticated: bool) -> None:
        if is_known:
            given_path = case.path_parameters or {}
            case.path_parameters = {name: known.get(name, value) for name, value in given_path.items()}
        if prepare is not None:
            prepare(case, is_known)
        case.call_and_validate(
            base_url=url,
            headers=headers if is_authenticated and not is_internal else None,
            auth=signed if is_authenticated and is_internal else None,
            checks=list(CHECKS),
        )

    check()
