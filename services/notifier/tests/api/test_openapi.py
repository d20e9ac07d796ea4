"""The OpenAPI document is committed as generated, and every path leads here."""

from pathlib import Path

from hearback_contracts.routes import service_of
from notifier.__main__ import PROGRAM

DOCUMENT = Path(__file__).parents[2] / "openapi.json"


def test_the_committed_document_is_current() -> None:
    assert DOCUMENT.read_bytes() == PROGRAM.openapi()


def test_every_path_leads_here() -> None:
    known = {"organization": "demo", "project": "web", "rule_id": "1", "delivery_id": "1"}
    document = PROGRAM.create_app(PROGRAM.settings.model_construct()).openapi()
    paths = [path.format(**known) for path in document["paths"] if path.startswith("/api/")]
    assert paths
    assert {service_of(path) for path in paths} == {"notifier"}
