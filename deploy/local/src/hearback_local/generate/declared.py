"""Collects the metrics that services and shared packages declare."""

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from prometheus_client.metrics import MetricWrapperBase

from hearback_local.services import SERVICES

SHARED: Final = "hearback_kit"


@dataclass(frozen=True, slots=True)
class Metric:
    """A declared metric; `kind` is counter, gauge or histogram."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


def declared_metrics() -> dict[str, list[Metric]]:
    """Return the sorted metrics of each package that declares any; the shared package is last."""
    for service in SERVICES:
        service.load()
        importlib.import_module(f"{service.package}.metrics")
    packages = [*sorted(service.package for service in SERVICES), SHARED]
    found = {package: sorted(set(_of(package)), key=lambda metric: metric.name) for package in packages}
    return {package: metrics for package, metrics in found.items() if metrics}


def _of(package: str) -> Iterator[Metric]:
    for name, module in list(sys.modules.items()):
        if name == package or name.startswith(f"{package}."):
            for value in vars(module).values():
                if isinstance(value, MetricWrapperBase):
                    yield Metric(value._name, str(value._type), tuple(value._labelnames), value._documentation)
