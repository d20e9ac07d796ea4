"""Cache what FastAPI derives from a route, for all apps of the tests.

Each test of an API creates an app, and deriving its routes takes longer than most of these tests.
"""

import sys
from typing import Any, Final

from fastapi import routing

_NAME: Final = "_EffectiveRouteContext"


def share_routes() -> None:
    """Share derived routes of modules between all apps of the process, but not those defined in functions."""
    contexts = getattr(routing, _NAME)
    derive = contexts.from_api_route
    derived: dict[Any, Any] = {}

    def from_api_route(*, original_route: Any, include_context: Any) -> Any:
        if not _is_of_module(original_route.endpoint) or not _all_of_modules(include_context.dependencies):
            return derive(original_route=original_route, include_context=include_context)
        key = (id(original_route), *_included(include_context))  # which the derived route keeps alive
        if key not in derived:
            derived[key] = derive(original_route=original_route, include_context=include_context)
        return derived[key]

    contexts.from_api_route = from_api_route


def derive_routes() -> None:
    """Share derived routes, and derive those of all imported programs for the processes forked from this one."""
    share_routes()
    for name, module in tuple(sys.modules.items()):
        program = getattr(module, "PROGRAM", None)
        if name.endswith(".__main__") and program is not None:
            app = program.create_app(program.settings.model_construct())
            list(routing.iter_route_contexts(app.routes))


def _is_of_module(function: Any) -> bool:
    return "<locals>" not in getattr(function, "__qualname__", "<locals>")


def _all_of_modules(dependencies: Any) -> bool:
    return all(_is_of_module(one.dependency) for one in dependencies)


def _included(context: Any) -> tuple[Any, ...]:
    """Return the arguments of an inclusion as a key, without the app, since our apps override nothing."""
    values = {name: value for name, value in vars(context).items() if name != "dependency_overrides_provider"}
    dependencies = values.pop("dependencies")
    router = values.pop("included_router")
    functions = ("default_response_class", "generate_unique_id_function", "strict_content_type")
    defaults = [values.pop(name) for name in functions]
    return (
        id(router),
        tuple(id(one.dependency) for one in dependencies),
        tuple(getattr(one, "value", one) for one in defaults),
        repr(sorted(values.items())),
    )
