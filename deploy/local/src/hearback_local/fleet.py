"""The processes of the fleet, in the order in which they start."""

import importlib
from dataclasses import dataclass
from typing import Any, Final

EDGE: Final = "edge"


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """One service process: `program` names the `Program` in the package's `__main__`."""

    name: str
    package: str
    program: str = "PROGRAM"

    def load(self) -> Any:
        """The service's `Program`; imports the package."""
        return getattr(importlib.import_module(f"{self.package}.__main__"), self.program)


SERVICES: Final = (
    ServiceProcess("registry", "envelope_gateway", "REGISTRY"),
    ServiceProcess("envelope-gateway", "envelope_gateway"),
    ServiceProcess("feedback", "feedback"),
    ServiceProcess("user-reports", "user_reports"),
    ServiceProcess("crash-embed", "crash_embed"),
    ServiceProcess("client-reports", "client_reports"),
)
