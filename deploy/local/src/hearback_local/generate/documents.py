"""Collects all generated files by path.

They depend on the code only, so that a test notices when `make generate` was forgotten.
"""

from pathlib import Path

import orjson
from hearback_contracts.catalog import MESSAGES

from hearback_local.generate import reference
from hearback_local.generate.caddyfile import caddyfile
from hearback_local.generate.dashboards import dashboards
from hearback_local.generate.deployments import deployments
from hearback_local.generate.texts import CATALOGUE, catalogue
from hearback_local.services import SERVICES

ROOT = Path(__file__).resolve().parents[5]
JSON_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


def documents() -> dict[str, bytes]:
    """Return the content of every generated file by its path in the repository."""
    openapi = {f"services/{service.folder}/openapi.json": service.load().openapi() for service in SERVICES}
    written = {**schemas(), **openapi, **_pages(), **_deployments(), **dashboards()}
    return {**written, CATALOGUE: catalogue(ROOT)}


def schemas() -> dict[str, bytes]:
    """Return the JSON Schemas of the messages by path."""
    written = {}
    for message in MESSAGES:
        version = message.model_fields["version"].default
        path = f"shared/contracts/events/{message.TYPE}.v{version}.json"
        written[path] = orjson.dumps(message.model_json_schema(), option=JSON_OPTIONS)
    return written


def _deployments() -> dict[str, bytes]:
    # Kustomize reads no file outside the folder of its kustomization.
    caddyfiles = dict.fromkeys(("deploy/docker/Caddyfile", "deploy/kustomize/base/Caddyfile"), caddyfile())
    return {path: text.encode() for path, text in (caddyfiles | deployments()).items()}


def _pages() -> dict[str, bytes]:
    pages = {
        "settings": reference.settings_page(),
        "metrics": reference.metrics_page(),
        "reasons": reference.reasons_page(),
        "streams": reference.streams_page(),
        "options": reference.options_page(),
        "routes": reference.routes_page(),
        "page-routes": reference.pages_page(),
    }
    return {f"deploy/docs/{name}.md": text.encode() for name, text in pages.items()}
