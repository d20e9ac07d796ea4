"""Generates kustomize overlays: `small` for one node, `ha` to survive the loss of a node."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from hearback_contracts.streams import STREAMS

if TYPE_CHECKING:
    from hearback_local.generate.deployments import Deployed

OVERLAYS: Final = "deploy/kustomize/overlays"
WORKERS_MAX: Final = 4  # as many as a stream has shards by default; more would have none to read
WAITING_PER_WORKER: Final = 5_000


def overlays(services: Sequence["Deployed"]) -> dict[str, str]:
    """Return the generated files by path."""
    deployments = [
        name for one in services for name in ([one.name, f"{one.name}-worker"] if one.has_worker else [one.name])
    ]
    budgets = [BUDGET.format(name=name) for name in ["edge", *deployments]]
    scaling = [_server(name) for name in ["edge", *(one.name for one in services)]]
    scaling += [_worker(one.name) for one in services if one.has_worker]
    return {
        f"{OVERLAYS}/small/kustomization.yaml": SMALL,
        f"{OVERLAYS}/small/files.yaml": FILES,
        f"{OVERLAYS}/ha/kustomization.yaml": HA,
        f"{OVERLAYS}/ha/budgets.yaml": "---\n".join(budgets),
        f"{OVERLAYS}/ha/scaling.yaml": "---\n".join(scaling),
    }


def _server(name: str) -> str:
    return AUTOSCALER.format(name=name, most=10 if name == "envelope-gateway" else 6) + CPU


def _worker(service: str) -> str:
    metrics = "".join(
        WAITING.format(stream=stream.name, waiting=WAITING_PER_WORKER)
        for stream in STREAMS
        if stream.consumer == service
    )
    return AUTOSCALER.format(name=f"{service}-worker", most=WORKERS_MAX) + (metrics or CPU)


SMALL: Final = """\
# One node: a process of each, small requests, files on a volume claim instead of an S3 store.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: hearback
resources:
  - ../../base
  - files.yaml
configMapGenerator:
  - name: hearback
    behavior: merge
    literals:
      - HEARBACK_BLOB_URL=file:///var/lib/hearback/blobs
      - ENVELOPE_GATEWAY_OUTAGE_SPOOL_DIR=/var/lib/hearback/outage-spool
patches:
  - target: {kind: Deployment, labelSelector: part-of=hearback}
    patch: |
      - op: replace
        path: /spec/template/spec/containers/0/resources/requests
        value: {cpu: 10m, memory: 96Mi}
      - op: replace
        path: /spec/template/spec/volumes/1
        value: {name: files, persistentVolumeClaim: {claimName: files}}
"""
FILES: Final = """\
# Every pod mounts it: on more than one node take a class that can ReadWriteMany, or an S3 store.
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: files
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests: {storage: 20Gi}
"""
HA: Final = """\
# Two of each at least, on different nodes, replaced one by one, scaled by load. See the README of this folder.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: hearback
resources:
  - ../../base
  - budgets.yaml
  - scaling.yaml
patches:
  - target: {kind: Deployment}
    patch: |
      - op: add
        path: /spec/strategy
        value: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
      - op: add
        path: /spec/template/spec/topologySpreadConstraints
        value:
          - maxSkew: 1
            topologyKey: kubernetes.io/hostname
            whenUnsatisfiable: ScheduleAnyway
            labelSelector: {matchLabels: {part-of: hearback}}
            matchLabelKeys: [app]
"""
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
