"""The services of the fleet, in their start order."""

import importlib
from dataclasses import dataclass
from typing import Any, Final

EDGE: Final = "edge"


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """A service process; its distribution is in `services/<folder>`."""

    name: str
    folder: str

    @property
    def package(self) -> str:
        """The name of its Python package."""
        return self.name.replace("-", "_")

    def load(self) -> Any:
        """Import the package and return the service's `Program`."""
        return importlib.import_module(f"{self.package}.__main__").PROGRAM


# What libraries import when they run. After the fork each process would have a copy of it.
LATE: Final = (
    "_strptime",
    "anyio._backends._asyncio",
    "asyncpg",
    "encodings.unicode_escape",
    "fastapi.telemetry._runtime",
    "h11",
    "httpcore",
    "uvicorn.lifespan.on",
    "uvloop",
)
SERVICES: Final = (
    ServiceProcess("registry", "envelope-gateway/registry"),
    ServiceProcess("envelope-gateway", "envelope-gateway"),
    ServiceProcess("feedback", "feedback"),
    ServiceProcess("user-reports", "user-reports"),
    ServiceProcess("crash-embed", "crash-embed"),
    ServiceProcess("client-reports", "client-reports"),
    ServiceProcess("notifier", "notifier"),
)


def load_programs() -> list[tuple[ServiceProcess, Any]]:
    """Import everything that the services run; return each with its `Program`."""
    for name in LATE:
        importlib.import_module(name)
    return [(service, service.load()) for service in SERVICES]
