"""Compiled templates are kept beside their sources, and only while they are of them."""

from pathlib import Path

import pytest
from hearback_web.__main__ import compile_all
from hearback_web.compiled import CompiledTemplates
from jinja2 import Environment, FileSystemLoader


def render(folder: Path, **syntax: bool) -> str:
    """Render the folder's page in a new environment."""
    environment = Environment(
        loader=FileSystemLoader(folder), bytecode_cache=CompiledTemplates(syntax), autoescape=True, **syntax
    )
    return environment.get_template("page.html").render(name="Ana")


def test_a_template_is_compiled_once_and_again_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "page.html"
    source.write_text("Hello {{ name }}")
    compiled: list[str] = []
    compile_source = Environment.compile

    def count(self: Environment, source: str, *arguments: object) -> object:
        compiled.append(source)
        return compile_source(self, source, *arguments)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", count)
    assert [render(tmp_path), render(tmp_path)] == ["Hello Ana", "Hello Ana"]
    assert len(compiled) == 1
    render(tmp_path, trim_blocks=True)
    assert len(compiled) == 2
    source.write_text("Bye {{ name }}")
    assert render(tmp_path) == "Bye Ana"
    assert len(compiled) == 3
    for kept in (tmp_path / "__pycache__").iterdir():
        kept.write_bytes(b"broken")
    assert render(tmp_path) == "Bye Ana"


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("Hello {{ name }}")
    (tmp_path / "__pycache__").write_text("in the way")
    assert render(tmp_path) == "Hello Ana"


def test_all_templates_of_a_service_are_compiled_for_its_image() -> None:
    assert compile_all(["feedback"]) > 10
