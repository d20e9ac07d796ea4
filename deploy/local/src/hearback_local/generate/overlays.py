"""Generates the parts of the kustomize overlay `ha` that depend on the list of services."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from hearback_contracts.streams import STREAMS

if TYPE_CHECKING:
    from hearback_local.generate.deployments import Deployed

OVERLAY: Final = "deploy/kustomize/overlays/ha"
WORKERS_MAX: Final = 4  # as many as a stream has shards by default; more would have none to read
WAITING_PER_WORKER: Final = 5_000


def overlays(services: Sequence["Deployed"]) -> dict[str, str]:
    """Return the generated files by path."""
    deployments = [
        name for one in services for name in ([one.name, f"{one.name}-worker"] if one.has_worker else [one.name])
    ]
    budgets = [BUDGET.format(name=name) for name in ["edge", *deployments]]
    scaling = [
        AUTOSCALER.format(name=name, most=10 if name == "envelope-gateway" else 6) + CPU
        for name in ["edge", *(one.name for one in services)]
    ]
    scaling += [_worker(one.name) for one in services if one.has_worker]
    return {
        f"{OVERLAY}/budgets.yaml": "---\n".join(budgets),
        f"{OVERLAY}/scaling.yaml": "---\n".join(scaling),
    }


def _worker(service: str) -> str:
    metrics = "".join(
        WAITING.format(stream=stream.name, waiting=WAITING_PER_WORKER)
        for stream in STREAMS
        if stream.consumer == service
    )
    return AUTOSCALER.format(name=f"{service}-worker", most=WORKERS_MAX) + (metrics or CPU)


BUDGET: Final = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {name}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{app: {name}}}
"""
CPU: Final = """\
    - type: Resource
      resource:
        name: cpu
        target: {type: AverageValue, averageValue: 600m}
"""
AUTOSCALER: Final = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {name}
spec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}
  minReplicas: 2
  maxReplicas: {most}
  metrics:
"""
WAITING: Final = """\
    - type: External
      external:
        metric:
          name: hearback_stream_waiting
          selector:
            matchLabels: {{stream: {stream}}}
        target: {{type: AverageValue, averageValue: "{waiting}"}}
"""
