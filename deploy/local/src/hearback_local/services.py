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


SERVICES: Final = (
    ServiceProcess("registry", "envelope-gateway/registry"),
    ServiceProcess("envelope-gateway", "envelope-gateway"),
    ServiceProcess("feedback", "feedback"),
    ServiceProcess("user-reports", "user-reports"),
    ServiceProcess("crash-embed", "crash-embed"),
    ServiceProcess("client-reports", "client-reports"),
    ServiceProcess("notifier", "notifier"),
)
