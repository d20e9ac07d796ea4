"""The overlays as Kubernetes reads them: valid by its schemas, and each name in them leads to something."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hearback_contracts.streams import STREAMS
from hearback_kit.settings import ServiceSettings
from hearback_local.generate.declared import declared_metrics
from hearback_local.generate.network import CALLS
from hearback_local.services import SERVICES
from pydantic import AliasChoices

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kustomize"
OVERLAYS = ("base", "overlays/small", "overlays/ha")
# Any version that the library knows; a cluster of today has it or a newer one.
KUBERNETES = "1.34"
Manifest = dict[str, Any]

pytestmark = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl, which renders them, is not installed"
)


@cache
def rendered(overlay: str) -> tuple[Manifest, ...]:
    done = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER / overlay)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(overlay: str, kind: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in rendered(overlay) if one["kind"] == kind}


def labels_of_pods(overlay: str) -> dict[str, dict[str, str]]:
    """Return the labels of each deployment's and job's pods."""
    return {
        name: one["spec"]["template"]["metadata"]["labels"]
        for kind in ("Deployment", "Job")
        for name, one in of_kind(overlay, kind).items()
    }


def selected(overlay: str, selector: dict[str, str]) -> list[str]:
    return [name for name, labels in labels_of_pods(overlay).items() if selector.items() <= labels.items()]


def containers(overlay: str) -> Iterator[tuple[str, Manifest, Manifest]]:
    for kind in ("Deployment", "Job"):
        for name, one in of_kind(overlay, kind).items():
            pod = one["spec"]["template"]["spec"]
            for container in [*pod["containers"], *pod.get("initContainers", [])]:
                yield name, pod, container


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_it_is_valid_by_the_schemas(overlay: str) -> None:
    assert len(rendered(overlay)) > len(SERVICES)
    for manifest in rendered(overlay):
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_bounded_watched_and_unprivileged(overlay: str) -> None:
    for name, pod, container in containers(overlay):
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
        mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
        assert mounted <= {volume["name"] for volume in pod["volumes"]}
    for name, deployment in of_kind(overlay, "Deployment").items():
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        (port,) = (one["containerPort"] for one in container["ports"])
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            check = container[probe].get("httpGet") or container[probe]["tcpSocket"]
            assert check["port"] == port, name
        assert container["readinessProbe"]["httpGet"]["path"] in {"/readyz", "/healthz"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_service_and_ingress_leads_to_pods_that_listen(overlay: str) -> None:
    services = of_kind(overlay, "Service")
    deployments = of_kind(overlay, "Deployment")
    for name, service in services.items():
        (target,) = selected(overlay, service["spec"]["selector"])
        (container,) = deployments[target]["spec"]["template"]["spec"]["containers"]
        assert [port["port"] for port in service["spec"]["ports"]] == [
            port["containerPort"] for port in container["ports"]
        ], name
    (ingress,) = of_kind(overlay, "Ingress").values()
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    backend = path["backend"]["service"]
    assert backend["port"]["number"] == services[backend["name"]]["spec"]["ports"][0]["port"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_settings_and_secrets_are_those_that_exist(overlay: str) -> None:
    maps = {re.sub(r"-\w{10}$", "", name): one["data"] for name, one in of_kind(overlay, "ConfigMap").items()}
    known = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "deploy/docs/settings.md").read_text(), re.MULTILINE))
    assert set(maps["hearback"]) <= known
    addresses = re.findall(r"http://([a-z-]+):(\d+)", "\n".join(maps["hearback"].values()))
    services = of_kind(overlay, "Service")
    assert all(services[name]["spec"]["ports"][0]["port"] == int(port) for name, port in addresses)
    names = set(of_kind(overlay, "ConfigMap"))
    for _, _, container in containers(overlay):
        for source in container.get("envFrom", []):
            assert source.get("secretRef", {"name": "hearback"})["name"] == "hearback"
            assert "configMapRef" not in source or source["configMapRef"]["name"] in names


def test_services_may_call_those_whose_address_is_a_setting_of_theirs() -> None:
    for service in SERVICES:
        settings = service.load().settings
        own = settings.model_fields.keys() - ServiceSettings.model_fields.keys()
        aliases = (settings.model_fields[name].validation_alias for name in own)
        named = {alias.choices[0] for alias in aliases if isinstance(alias, AliasChoices)}
        called = {f"HEARBACK_{name.upper().replace('-', '_')}_URL" for name in CALLS[service.name]}
        assert called - {"HEARBACK_REGISTRY_URL"} == {name for name in named if name.endswith("_URL")}
        stands_alone = service.name in {"registry", "envelope-gateway", "crash-embed"}
        assert ("registry" in CALLS[service.name]) is not stands_alone


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_network_policies_select_pods_and_agree_on_both_ends(overlay: str) -> None:
    policies = of_kind(overlay, "NetworkPolicy")
    covered = {
        name for one in policies.values() for name in selected(overlay, one["spec"]["podSelector"]["matchLabels"])
    }
    assert covered == set(labels_of_pods(overlay))
    leaves: set[tuple[str, str]] = set()
    arrives: set[tuple[str, str]] = set()
    for name, policy in policies.items():
        for rule in policy["spec"].get("egress", []):
            peers = [one["podSelector"]["matchLabels"] for one in rule.get("to", []) if "podSelector" in one]
            leaves |= {(name, target) for peer in peers for target in selected(overlay, peer)}
        for rule in policy["spec"].get("ingress", []):
            peers = [one["podSelector"]["matchLabels"] for one in rule.get("from", []) if "podSelector" in one]
            assert all(selected(overlay, peer) for peer in peers)
            arrives |= {(peer.get("service") or peer["app"], name) for peer in peers}
    calls = {(caller, target) for caller, target in leaves if caller != "edge"}
    assert calls == {(caller, target) for caller, target in arrives if caller != "edge"}
    assert {target for caller, target in arrives if caller == "edge"} == {service.name for service in SERVICES}


def test_the_larger_overlay_scales_and_keeps_everything_available() -> None:
    overlay = "overlays/ha"
    deployments = of_kind(overlay, "Deployment")
    budgets = of_kind(overlay, "PodDisruptionBudget")
    scalers = of_kind(overlay, "HorizontalPodAutoscaler")
    assert set(budgets) == set(scalers) == set(deployments)
    metrics = {metric.name: metric.labels for found in declared_metrics().values() for metric in found}
    scaled_by: dict[str, set[str]] = {}
    for name, deployment in deployments.items():
        assert selected(overlay, budgets[name]["spec"]["selector"]["matchLabels"]) == [name]
        spec = scalers[name]["spec"]
        assert spec["scaleTargetRef"]["name"] == name
        assert 2 <= spec["minReplicas"] < spec["maxReplicas"]
        assert "replicas" not in deployment["spec"]
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        for metric in spec["metrics"]:
            if metric["type"] == "External":
                asked = metric["external"]["metric"]
                labels = asked["selector"]["matchLabels"]
                assert set(labels) <= set(metrics[asked["name"]])
                scaled_by.setdefault(name.removesuffix("-worker"), set()).add(labels["stream"])
    readers: dict[str, set[str]] = {}
    for stream in STREAMS:
        readers.setdefault(stream.consumer, set()).add(stream.name)
    assert scaled_by == readers
